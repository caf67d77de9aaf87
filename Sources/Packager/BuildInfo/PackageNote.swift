import FoundationEssentials

/// The package that a program belongs to, as its distribution writes it down.
///
/// - SeeAlso: UAPI group, "Package Metadata for Executable Files"
package struct PackageNote: Hashable, Sendable, Decodable {
    /// The kind of package, such as `deb` or `rpm`.
    package let type: String?
    package let name: String?
    package let version: String?
    package let architecture: String?
    /// The distribution, under the name in its `/etc/os-release`.
    package let os: String?
    /// The distribution, in the names of the Common Platform Enumeration.
    package let osCpe: String?

    /// Reads a note's description; nil for what is no such object.
    package init?(json: [UInt8]) {
        guard let note = try? JSONDecoder().decode(PackageNote.self, from: Data(json)) else { return nil }
        self = note
    }
}
