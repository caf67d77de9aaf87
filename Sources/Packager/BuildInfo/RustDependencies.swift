import Archive
import FoundationEssentials

/// The crates in a Rust program, as `cargo auditable` writes them down.
///
/// - SeeAlso: cargo-auditable, cargo-auditable.schema.json
package struct RustDependencies: Hashable, Sendable {
    /// A crate, at a version.
    package struct Crate: Hashable, Sendable {
        package let name: String
        package let version: String
        /// `crates.io`, `git`, `local` or `registry`, and what others there may be.
        package let source: String
        /// Whether the crate helped to build the program, and is not in it.
        package let isForBuilding: Bool
        /// Whether it is the program itself.
        package let isRoot: Bool
    }

    package let crates: [Crate]

    /// The program itself.
    package var root: Crate? { crates.first(where: \.isRoot) }

    /// cargo-auditable's own readers take as much.
    private static let maximumSize = 8 * 1_048_576

    /// Reads the contents of the section `.dep-v0`; nil for what is no list of crates.
    package init?(compressed: [UInt8]) {
        guard let json = try? Inflate.zlib(compressed, limit: Self.maximumSize),
            let document = try? JSONDecoder().decode(Document.self, from: Data(json))
        else { return nil }
        crates = document.packages.map(\.crate)
    }

    private struct Document: Decodable {
        struct Package: Decodable {
            let name: String
            let version: String
            let source: String
            let kind: String?
            let root: Bool?

            var crate: Crate {
                Crate(
                    name: name,
                    version: version,
                    source: source,
                    isForBuilding: kind == "build",
                    isRoot: root ?? false
                )
            }
        }

        let packages: [Package]
    }
}
