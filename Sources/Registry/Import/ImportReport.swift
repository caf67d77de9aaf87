import Glibc
import OCI

/// What an import from another registry's folder has brought.
package struct ImportReport: Hashable, Sendable {
    package var repositories = 0
    package var tags = 0
    package var manifests = 0
    /// Blobs that are the other registry's files, under a further name.
    package var linked = 0
    /// Blobs that were copied.
    package var copied = 0
    /// How often a blob was there already, from before or through another repository.
    package var known = 0
    /// What was linked and copied, in bytes.
    package var size: Int64 = 0
    package var leftOut = 0

    package init() {}
}

/// What an import tells on its way.
package enum ImportEvent: Hashable, Sendable {
    /// How many bytes of how many have been seen to.
    case progress(done: Int64, total: Int64)
    /// A name that does not lead to anything here, and why.
    case leftOut(LeftOut)

    /// Something that was not imported.
    package struct LeftOut: Hashable, Sendable {
        /// `team/app:1.2.0`, `team/app@sha256:…`, or a repository as it is called there.
        package let name: String
        package let reason: String
    }
}

/// Why an import cannot begin.
package enum ImportError: Error, Equatable {
    /// Not absolute.
    case malformedPath(String)
    case notDistribution(String)
    case unreadable(path: String, code: Int32)
}

extension ImportError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformedPath(let path): "'\(path.printable)' is not the absolute path of a folder"
        case .notDistribution(let path):
            "\(path.printable(limit: .max)) is not a registry's data folder: there is no docker/registry/v2 in it"
        case .unreadable(let path, let code):
            "the owner of the storage folder cannot read \(path.printable(limit: .max)): \(String(cString: strerror(code)))"
        }
    }
}
