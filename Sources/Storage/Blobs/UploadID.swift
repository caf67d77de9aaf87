import FoundationEssentials

/// The name of an upload session: a random UUID in lower case, and therefore safe as a file name.
package struct UploadID: Hashable, Sendable {
    package let rawValue: String

    /// A new one, which nobody can guess.
    package init() { rawValue = UUID().uuidString.lowercased() }

    /// Parses the canonical spelling; nil for anything else.
    package init?(_ string: some StringProtocol) {
        guard let uuid = UUID(uuidString: String(string)), uuid.uuidString.lowercased() == string else {
            return nil
        }
        rawValue = String(string)
    }
}

extension UploadID: Comparable {
    package static func < (left: UploadID, right: UploadID) -> Bool { left.rawValue < right.rawValue }
}

extension UploadID: CustomStringConvertible {
    package var description: String { rawValue }
}
