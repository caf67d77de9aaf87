/// A name that a package has everywhere, such as `pkg:golang/golang.org/x/net@v0.47.0`.
///
/// - SeeAlso: ECMA-427, "Package-URL (PURL) specification"
struct PackageURL: Hashable, Sendable, CustomStringConvertible {
    let description: String

    /// Go's standard library, which scanners look for under this name.
    static func goStandardLibrary(version: String?) -> PackageURL {
        PackageURL(type: "golang", segments: ["stdlib"], version: version)
    }

    /// A Go module; nil for a path that no module can have.
    init?(goModule path: String, version: String?) {
        let segments = path.lowercased().split(separator: "/", omittingEmptySubsequences: false)
        guard segments.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else { return nil }
        self.init(type: "golang", segments: segments.map(String.init), version: version)
    }

    /// A crate of crates.io.
    init(crate name: String, version: String) {
        self.init(type: "cargo", segments: [name], version: version)
    }

    /// The types of distributions' packages, which notes and package URLs call alike.
    private static let distributionTypes: Set<String> = ["alpm", "apk", "deb", "rpm"]

    /// A package of a Linux distribution, as `/etc/os-release` calls it; nil for a type that package URLs have not.
    init?(type: String, distribution: String, name: String, version: String?, architecture: String?) {
        guard Self.distributionTypes.contains(type) else { return nil }
        self.init(
            type: type,
            segments: [distribution.lowercased(), name.lowercased()],
            version: version,
            qualifier: architecture.map { ("arch", $0) }
        )
    }

    private init(
        type: String,
        segments: [String],
        version: String?,
        qualifier: (key: String, value: String)? = nil
    ) {
        var text = "pkg:\(type)/" + segments.map(Self.encoded).joined(separator: "/")
        if let version { text += "@" + Self.encoded(version) }
        if let qualifier { text += "?\(qualifier.key)=" + Self.encoded(qualifier.value) }
        description = text
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { encoded, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: ":"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
    }
}
