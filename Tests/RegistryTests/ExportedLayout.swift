import Foundation
import OCI
import TestSupport
import Testing

/// An image layout as another program finds it: everything in it is read and hashed.
struct ExportedLayout {
    /// What each name leads to.
    let names: [String: Digest]
    /// What the index lists without a name, in order.
    let unnamed: [Digest]
    /// Every file below `blobs`.
    let files: Set<Digest>
    /// What can be reached from the index and is there.
    let reached: Set<Digest>
    /// What is referred to and not there.
    let missing: Set<Digest>

    private struct Document: Decodable {
        let mediaType: MediaType?
        let manifests: [Descriptor]?
        let config: Descriptor?
        let layers: [Descriptor]?
    }

    private struct Version: Decodable {
        let imageLayoutVersion: String
    }

    init(_ path: String) throws {
        let root = URL(filePath: path)
        let version = try JSONDecoder().decode(
            Version.self,
            from: Data(contentsOf: root.appending(path: "oci-layout"))
        )
        #expect(version.imageLayoutVersion == "1.0.0")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: path).sorted()
                == ["blobs", "index.json", "oci-layout"]
        )
        let index = try JSONDecoder().decode(
            Document.self,
            from: Data(contentsOf: root.appending(path: "index.json"))
        )
        #expect(index.mediaType == .ociIndex)
        let entries = try #require(index.manifests)
        let key = "org.opencontainers.image.ref.name"
        let named = entries.compactMap { entry in entry.annotations[key].map { ($0, entry.digest) } }
        names = try Dictionary(named) { _, _ in throw Duplicate() }
        unnamed = entries.filter { $0.annotations[key] == nil }.map(\.digest)
        files = try Self.files(root)
        var (reached, missing, waiting): (Set<Digest>, Set<Digest>, [Descriptor]) = ([], [], entries)
        while let next = waiting.popLast() {
            if reached.contains(next.digest) { continue }
            guard let bytes = Self.bytes(of: next.digest, root) else {
                missing.insert(next.digest)
                continue
            }
            reached.insert(next.digest)
            #expect(bytes.count == Int(next.size))
            guard let document = try? JSONDecoder().decode(Document.self, from: Data(bytes)) else { continue }
            waiting +=
                (document.manifests ?? []) + (document.layers ?? []) + (document.config.map { [$0] } ?? [])
        }
        self.reached = reached
        self.missing = missing
    }

    private struct Duplicate: Error {}

    private static func bytes(of digest: Digest, _ root: URL) -> [UInt8]? {
        let path = root.appending(path: "blobs/\(digest.algorithm)/\(digest.encoded)").path
        return FileManager.default.contents(atPath: path).map(Array.init)
    }

    /// Every file, whose content must be what its name says.
    private static func files(_ root: URL) throws -> Set<Digest> {
        var found: Set<Digest> = []
        let blobs = root.appending(path: "blobs").path
        for algorithm in try FileManager.default.contentsOfDirectory(atPath: blobs) {
            for name in try FileManager.default.contentsOfDirectory(atPath: "\(blobs)/\(algorithm)") {
                let digest = try Digest("\(algorithm):\(name)")
                let supported = try #require(digest.supportedAlgorithm)
                let bytes = try #require(Self.bytes(of: digest, root))
                #expect(Digest(of: bytes, algorithm: supported) == digest)
                found.insert(digest)
            }
        }
        return found
    }
}
