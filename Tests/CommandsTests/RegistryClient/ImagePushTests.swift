import Foundation
import OCI
import Synchronization
import Testing

@testable import Commands

/// A layout that a test makes: two images under an index, and what refers to them.
private struct SampleLayout {
    let folder: URL
    private(set) var entries: [Descriptor] = []
    let layer: Descriptor
    let image: Descriptor
    let index: Descriptor
    /// Of the image, of that in turn, and of something that is not there.
    let referrers: [Descriptor]

    init(in folder: URL) throws {
        self.folder = folder
        try FileManager.default.createDirectory(
            at: folder.appending(path: "blobs/sha256"),
            withIntermediateDirectories: true
        )
        func add(_ text: String, _ type: MediaType) throws -> Descriptor {
            let descriptor = ClientScene.descriptor(Array(text.utf8), type)
            try Data(text.utf8)
                .write(to: folder.appending(path: "blobs/sha256/\(descriptor.digest.encoded)"))
            return descriptor
        }
        func manifest(_ layers: [Descriptor], of subject: Descriptor? = nil) throws -> Descriptor {
            var members: [JSONValue.Member] = [
                .init("schemaVersion", .integer(2)),
                .init("mediaType", .string(MediaType.ociManifest.rawValue)),
                .init("config", try add("{}", .ociEmpty).json), .init("layers", .array(layers.map(\.json))),
            ]
            if let subject { members.append(.init("subject", subject.json)) }
            let text = String(decoding: JSONValue.object(members).canonicalBytes, as: UTF8.self)
            return try add(text, .ociManifest)
        }
        layer = try add("layer", .ociLayer)
        let foreign = ClientScene.descriptor(
            Array("elsewhere".utf8),
            try MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar")
        )
        image = try manifest([layer, foreign])
        let list = JSONValue.object([
            .init("schemaVersion", .integer(2)), .init("mediaType", .string(MediaType.ociIndex.rawValue)),
            .init("manifests", .array([image.json])),
        ])
        index = try add(String(decoding: list.canonicalBytes, as: UTF8.self), .ociIndex)
        let first = try manifest([add("bill", .octetStream)], of: image)
        let second = try manifest([add("signature", .octetStream)], of: first)
        let stranger = try manifest([layer], of: foreign)
        referrers = [first, second, stranger]
        var named = index
        named.annotations[ImageLayout.referenceName] = "app:1"
        // Those that refer to others need not stand behind them.
        entries = [stranger, second, named, first]
        let document = JSONValue.object([
            .init("schemaVersion", .integer(2)), .init("manifests", .array(entries.map(\.json))),
        ])
        try Data(document.canonicalBytes).write(to: folder.appending(path: "index.json"))
    }
}

@Suite("An image on its way to another registry")
struct ImagePushTests {
    private func push(
        listsReferrers: Bool,
        _ check: (SampleLayout, [StubServer.Request], [Int64]) throws -> Void
    ) async throws {
        try await ClientScene.with { request in
            switch request.method {
            case "HEAD", "GET": .init(status: 404)
            case "POST": .init(status: 202, fields: ["Location": "/up"])
            default:
                .init(
                    status: 201,
                    fields: listsReferrers && request.text.contains("subject")
                        ? ["OCI-Subject": "sha256:\(String(repeating: "0", count: 64))"] : [:]
                )
            }
        } _: { scene in
            let sample = try SampleLayout(in: scene.folder.appending(path: "layout"))
            let layout = try ImageLayout(folder: sample.folder.path)
            let named = try #require(layout.entries.first { !$0.annotations.isEmpty })
            let sent = Numbers()
            var total: Int64 = 0
            try await ImagePush(layout, to: scene.client) { sent.append($0) }
                .push(named, as: Tag("1"), total: { total = $0 })
            try check(sample, scene.server.requests, [total] + sent.values)
        }
    }

    /// The manifests that were put, in order.
    private func manifests(_ requests: [StubServer.Request]) -> [String] {
        requests.filter { $0.method == "PUT" && $0.path.contains("/manifests/") }
            .compactMap { $0.path.split(separator: "/").last.map(String.init) }
    }

    @Test("goes from the inside out, each blob once, the tag behind all of it, and the referrers behind that")
    func order() async throws {
        try await push(listsReferrers: true) { sample, requests, _ in
            #expect(
                manifests(requests) == [
                    "\(sample.image.digest)", "1", "\(sample.referrers[0].digest)",
                    "\(sample.referrers[1].digest)",
                ]
            )
            let blobs = requests.filter { $0.path == "/up" }.map(\.text)
            #expect(blobs == ["{}", "layer", "bill", "signature"])
            let types = requests.filter { $0.path.contains("/manifests/") }.map { $0.fields["content-type"] }
            #expect(types[0] == MediaType.ociManifest.rawValue && types[1] == MediaType.ociIndex.rawValue)
        }
    }

    @Test("takes a tag for the referrers where the registry keeps no list of them")
    func fallback() async throws {
        try await push(listsReferrers: false) { sample, requests, _ in
            let tags = [sample.image, sample.referrers[0]].map { "sha256-\($0.digest.encoded)" }
            #expect(manifests(requests).suffix(2).sorted() == tags.sorted())
            let bodies = requests.filter { $0.path.contains("/manifests/sha256-") && $0.method == "PUT" }
            #expect(bodies.count == 2)
            #expect(bodies.allSatisfy { $0.text.contains("application/vnd.oci.empty.v1+json") })
        }
    }

    @Test("tells how many bytes have gone out of how many")
    func progress() async throws {
        try await push(listsReferrers: true) { _, _, numbers in
            #expect(numbers[0] == Int64("{}layerbillsignature".utf8.count))
            #expect(numbers.last == numbers[0] && numbers.dropFirst() == numbers.dropFirst().sorted()[...])
        }
    }

    @Test("is an archive of the same bytes each time, which holds an image and no index")
    func archive() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "berth-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let sample = try SampleLayout(in: folder.appending(path: "layout"))
        let layout = try ImageLayout(folder: sample.folder.path)
        let path = folder.appending(path: "index.tar").path
        let index = try ImageArchive(sample.index, named: "app:1", of: layout)
        #expect(throws: CommandError.self) { try OutputFile.write(to: path) { try index.write(to: $0) } }
        // The image has a layer that is not here.
        let image = try ImageArchive(sample.image, named: "app:1", of: layout)
        #expect(throws: CommandError.self) { try OutputFile.write(to: path) { try image.write(to: $0) } }
        let whole = try ImageArchive(sample.referrers[2], named: "app:1", of: layout)
        try OutputFile.write(to: path) { try whole.write(to: $0) }
        let first = try Data(contentsOf: URL(filePath: path))
        try OutputFile.write(to: path) { try whole.write(to: $0) }
        #expect(try first == Data(contentsOf: URL(filePath: path)) && first.count.isMultiple(of: 512))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
                "index.tar", "layout",
            ]
        )
    }

    private final class Numbers: Sendable {
        private let state = Mutex<[Int64]>([])
        var values: [Int64] { state.withLock { $0 } }
        func append(_ value: Int64) { state.withLock { $0.append(value) } }
    }
}
