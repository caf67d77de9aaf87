package import OCI

/// Why a registry cannot do what a client asks.
///
/// Beside these its methods throw `StorageError`. The server turns both into replies, in one place.
package enum RegistryError: Error, Equatable {
    case blobUnknown(Digest)
    case manifestUnknown(Reference)
    case repositoryUnknown(RepositoryName)
    case manifestInvalid(ManifestError)
    /// The content of a request has another length than its `Content-Range` says.
    case contentLengthMismatch(announced: Int64, actual: Int64)
    /// `limit` is in bytes.
    case uploadTooLarge(limit: Int64)
    /// The registry's owner has switched deletion off.
    case deletesDenied(DeletedContent)
    /// `expect` does not name the platform of the executable that came.
    case unexpectedPlatform(Platform, expected: [Platform])
    /// `expect` is given, and neither `build` nor the executable tells which uploads belong together.
    case unknownBuild
    /// No image of this platform has the name.
    case platformUnknown(Platform, available: [Platform])
    /// Several images have the name, and none was picked.
    case platformNeeded(available: [Platform])
    case executableUnknown(ExecutableAbsence)
    /// Another request goes on with the same upload session.
    case superseded
    /// As many upload sessions are open as may be.
    case tooManySessions(limit: Int)
}

/// What a client wants to be rid of.
package enum DeletedContent: String, Hashable, Sendable {
    case blob
    case manifest
    case tag
}

extension RegistryError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .blobUnknown(let digest): "there is no blob \(digest) in this repository"
        case .manifestUnknown(let reference): "there is no manifest \(reference) in this repository"
        case .repositoryUnknown(let name): "there is no repository \(name)"
        case .manifestInvalid(let error): error.description
        case .contentLengthMismatch(let announced, let actual):
            "Content-Range announces \(announced) bytes, and \(actual) came"
        case .uploadTooLarge(let limit): "an upload has at most \(limit) bytes here (limits.upload-size)"
        case .deletesDenied(let content): "\(content.rawValue)s are not deleted here"
        case .unexpectedPlatform(let platform, let expected):
            """
            the executable is for \(platform), and 'expect' names \
            \(expected.map(\.description).joined(separator: ", "))
            """
        case .unknownBuild:
            """
            'expect' waits for uploads of the same build, and nothing tells which these are: the executable does not say \
            which commit it was built from, without changes; name the build, as in build=17
            """
        case .platformUnknown(let platform, let available):
            available.isEmpty
                ? "this is no image for \(platform), nor for any other platform"
                : "this is no image for \(platform); it is for \(Self.list(available))"
        case .platformNeeded(let available):
            available.isEmpty
                ? "this is no image for any platform"
                : """
                this is an image for several platforms: add platform=, one of \(Self.list(available))
                """
        case .executableUnknown(let absence): absence.description
        case .superseded: "another request goes on with this upload session"
        case .tooManySessions(let limit):
            "\(limit) uploads have been begun here and not finished (limits.sessions); finish or cancel some"
        }
    }

    /// Platforms as others' documents name them.
    private static func list(_ platforms: [Platform]) -> String {
        platforms.map(\.description.printable).joined(separator: ", ")
    }
}
