/// Something that a program consists of, or the program itself.
struct SoftwareComponent: Hashable, Sendable {
    /// Printable ASCII without spaces.
    let name: String
    let version: String?
    let url: PackageURL?
    /// The SHA-256 digest, in hexadecimal digits, of what the component's maker published; nil where it is not known.
    var checksum: String?
    /// What a person should know of it.
    var note: String?
}
