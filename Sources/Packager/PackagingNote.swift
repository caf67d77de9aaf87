import OCI

/// Something that whoever sent a program should know about its image.
package enum PackagingNote: Hashable, Sendable {
    /// The address was changed into a name that a repository can have.
    case renamed(from: String, to: String)
    /// No certificates were found, so that the program trusts nobody over TLS.
    case noCertificates
}

extension PackagingNote: CustomStringConvertible {
    package var description: String {
        switch self {
        case .renamed(let old, let new): "'\(old.printable)' is called \(new) here"
        case .noCertificates:
            """
            the registry has no root certificates to give, so that TLS connections from this image will fail; see \
            packaging.ca-bundle in its configuration
            """
        }
    }
}
