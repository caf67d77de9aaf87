package import OCI

/// Something that whoever sent a program should know about its image.
package enum PackagingNote: Codable, Hashable, Sendable {
    /// The address was changed into a name that a repository can have.
    case renamed(from: String, to: String)
    /// No certificates were found, so that the program trusts nobody over TLS.
    case noCertificates
    /// No time zones were found.
    case noTimeZones
    /// What an option would have run is not in the image.
    case notInImage(path: String, option: PackagingOptions.Name, program: String)
    /// The image was said to be for another platform than the program is.
    case otherPlatform(said: Platform, found: Platform)
    /// The tag stood for another platform, and does not any more.
    case replaced(Platform)
}

extension PackagingNote: CustomStringConvertible {
    package var description: String {
        switch self {
        case .renamed(let old, let new): "'\(old.printable)' is called \(new) here"
        case .notInImage(let path, let option, let program):
            "the image has no file \(path.printable), which \(option.rawValue) names; its program is \(program)"
        case .otherPlatform(let said, let found):
            "the image says \(said), as was asked for, but the program is for \(found)"
        case .replaced(let platform):
            "the tag no longer stands for \(platform); uploads with the same ?build= share a tag"
        case .noTimeZones:
            """
            the registry has no time zones to give, so that programs in this image know UTC alone; see packaging.zoneinfo \
            in its configuration
            """
        case .noCertificates:
            """
            the registry has no root certificates to give, so that TLS connections from this image will fail; see \
            packaging.ca-bundle in its configuration
            """
        }
    }
}
