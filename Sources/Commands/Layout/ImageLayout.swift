import FoundationEssentials
import OCI
import Storage

/// An OCI image layout in a folder.
///
/// All of it blocks.
///
/// - SeeAlso: image-spec v1.1.1, image-layout.md
struct ImageLayout: Sendable {
    let folder: String
    /// What its index lists, in order.
    let entries: [Descriptor]

    /// The annotation that names an entry.
    static let referenceName = "org.opencontainers.image.ref.name"

    private struct Index: Decodable {
        let manifests: [Descriptor]
    }

    /// Reads the index.
    init(folder: String) throws {
        self.folder = folder
        let bytes = try Self.contents(of: "\(folder)/index.json", limit: Manifest.maximumSize)
        do {
            entries = try JSONDecoder().decode(Index.self, from: Data(bytes)).manifests
        } catch let error as DecodingError {
            throw CommandError("\(folder)/index.json: \(error.summary)")
        }
    }

    /// Where a blob is.
    func path(of digest: Digest) throws -> String {
        guard let algorithm = digest.supportedAlgorithm else {
            throw CommandError("\(digest): there are no such digests in a layout")
        }
        return "\(folder)/blobs/\(algorithm.rawValue)/\(digest.encoded)"
    }

    func bytes(of descriptor: Descriptor) throws -> [UInt8] {
        try Self.contents(of: path(of: descriptor.digest), limit: Manifest.maximumSize)
    }

    /// A manifest, and what it says.
    func manifest(_ descriptor: Descriptor) throws -> (bytes: [UInt8], manifest: Manifest) {
        let bytes = try bytes(of: descriptor)
        do {
            return (bytes, try Manifest(parsing: bytes, contentType: descriptor.mediaType))
        } catch {
            throw CommandError("\(descriptor.digest): \(error)")
        }
    }

    private static func contents(of path: String, limit: Int) throws -> [UInt8] {
        do {
            return try SmallFile.contents(of: path, limit: limit)
        } catch let error as FileError {
            throw CommandError(error, "read", path)
        }
    }
}
