import Foundation
import OCI
import Testing

@testable import Commands

/// A repository of two tags, each an index that lists the same image, to which something is attached.
private struct SampleRepository {
    private(set) var documents: [String: [UInt8]] = [:]
    private(set) var blobs: [String: [UInt8]] = [:]
    private(set) var referrers: [String: [Descriptor]] = [:]
    private(set) var tags: [String: Descriptor] = [:]
    let image: Descriptor
    let note: Descriptor
    let absent: Descriptor

    init() throws {
        var blobs: [String: [UInt8]] = [:]
        var documents: [String: [UInt8]] = [:]
        func add(_ bytes: [UInt8], _ type: MediaType) -> Descriptor {
            let descriptor = ClientScene.descriptor(bytes, type)
            blobs[descriptor.digest.description] = bytes
            return descriptor
        }
        func add(_ type: MediaType, _ members: [JSONValue.Member]) -> Descriptor {
            let bytes = JSONValue.object(
                [.init("schemaVersion", .integer(2)), .init("mediaType", .string(type.rawValue))] + members
            ).canonicalBytes
            let descriptor = ClientScene.descriptor(bytes, type)
            documents[descriptor.digest.description] = bytes
            return descriptor
        }
        func makeImage(_ layer: Descriptor, of subject: Descriptor? = nil) -> Descriptor {
            add(
                .ociManifest,
                [
                    .init("config", add(Array("{}".utf8), .ociEmpty).json),
                    .init("layers", .array([layer.json])),
                ] + (subject.map { [.init("subject", $0.json)] } ?? [])
            )
        }
        let image = makeImage(add(Array("layer".utf8), .ociLayer))
        let lost = ClientScene.descriptor(Array("lost".utf8), .ociLayer)
        let note = makeImage(lost, of: image)
        let absent = ClientScene.descriptor(Array("absent".utf8), .ociManifest)
        for tag in ["1", "2"] {
            tags[tag] = add(
                .ociIndex,
                [
                    .init("manifests", .array([image, absent].map(\.json))),
                    .init("annotations", .sorted(["tag": tag])),
                ]
            )
        }
        (self.image, self.note, self.absent) = (image, note, absent)
        (self.blobs, self.documents) = (blobs, documents)
        referrers = [image.digest.description: [note]]
    }

    func answer(_ request: StubServer.Request) -> StubServer.Response {
        let name = request.path.split(separator: "/").last.map(String.init) ?? ""
        if request.path.contains("/referrers/") {
            let list = JSONValue.object([.init("manifests", .array((referrers[name] ?? []).map(\.json)))])
            return .init(body: list.canonicalBytes)
        }
        let digest = tags[name]?.digest.description ?? name
        let isManifest = request.path.contains("/manifests/")
        guard let bytes = isManifest ? documents[digest] : blobs[digest] else { return .init(status: 404) }
        return .init(body: bytes)
    }
}

@Suite("A layout in the making")
struct LayoutWritingTests {
    private struct Index: Decodable {
        let manifests: [Descriptor]
    }

    @Test("asks for each manifest and its referrers once, and leaves out what is missing")
    func once() async throws {
        let sample = try SampleRepository()
        try await ClientScene.with {
            sample.answer($0)
        } _: { scene in
            let path = scene.folder.appending(path: "layout").path
            let report = try await LayoutOutput.with(.folder(path)) { output in
                var writing = LayoutWriting(output, platform: nil, progress: nil, path: path)
                writing.begin(RemoteImages(scene.client))
                for tag in ["1", "2"] { try await writing.add(OCI.Tag(tag)) }
                // Nothing of the first is asked for again.
                try await writing.add(OCI.Tag("1"))
                return try await writing.finish()
            }
            #expect(report.tags == 3 && report.manifests == 4)
            // A platform's image, and a layer of what is attached.
            #expect(report.leftOut == 2)
            let digests = scene.server.requests.map(\.path).filter { $0.contains("sha256:") }
            #expect(Set(digests).count == digests.count, "\(digests)")
            let bytes = try Data(contentsOf: URL(filePath: "\(path)/index.json"))
            let entries = try JSONDecoder().decode(Index.self, from: bytes).manifests
            #expect(entries.filter { $0.annotations.isEmpty }.map(\.digest) == [sample.note.digest])
            #expect(entries.count == 4)
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(path)/blobs/sha256")
            #expect(files.count == 6 && !files.contains(sample.absent.digest.encoded))
        }
    }
}
