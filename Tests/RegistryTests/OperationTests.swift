import Glibc
import NIOCore
import OCI
import Registry
import Storage
import TestSupport
import Testing

/// What the operations promise, beyond what HTTP shows of them.
@Suite("Registry operations")
struct OperationTests {
    private let name = RepositoryName.test

    /// Content that comes in chunks, and may break off.
    private func part(
        _ chunks: [[UInt8]],
        failing: (any Error)? = nil,
        range: Range<Int64>? = nil
    ) -> Registry.UploadPart<AsyncThrowingStream<ByteBuffer, any Error>> {
        let content = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
            for chunk in chunks { continuation.yield(ByteBuffer(bytes: chunk)) }
            continuation.finish(throwing: failing)
        }
        return Registry.UploadPart(content: content, range: range, cut: {})
    }

    private func push(_ blob: BlobFixture, to test: TestRegistry) async throws {
        try await test.registry.pushBlob(part([blob.bytes]), as: blob.digest, in: name)
    }

    // MARK: Uploads

    @Test("Content that breaks off is kept as far as it came", arguments: [1, 3, 700_000])
    func brokenAppend(size: Int) async throws {
        struct Broken: Error {}
        try await withRegistry { test in
            let registry = test.registry
            var random = SplitMix(seed: UInt64(size))
            let chunks = (0..<3).map { _ in random.bytes(size) }
            let id = try await registry.beginUpload(in: name).id
            await #expect(throws: Broken.self) {
                try await registry.append(part(chunks, failing: Broken()), to: id, in: name)
            }
            #expect(try await registry.upload(id, in: name).offset == Int64(3 * size))
            let digest = Digest(of: chunks.flatMap { $0 })
            try await registry.finishUpload(part([]), of: id, as: digest, in: name)
            #expect(try await registry.statBlob(digest, in: name) == Int64(3 * size))
        }
    }

    @Test("What breaks off in the closing request is kept too, and the session with it")
    func brokenFinish() async throws {
        struct Broken: Error {}
        try await withRegistry { test in
            let registry = test.registry
            let blob = BlobFixture("hello")
            let id = try await registry.beginUpload(in: name).id
            await #expect(throws: Broken.self) {
                try await registry.finishUpload(
                    part([Array("hel".utf8)], failing: Broken()),
                    of: id,
                    as: blob.digest,
                    in: name
                )
            }
            #expect(try await registry.upload(id, in: name).offset == 3)
            try await registry.finishUpload(part([Array("lo".utf8)]), of: id, as: blob.digest, in: name)
        }
    }

    @Test("The limit is for the whole upload, to the byte")
    func limit() async throws {
        try await withRegistry(policy: RegistryPolicy(maximumUploadSize: 10)) { test in
            let registry = test.registry
            let id = try await registry.beginUpload(in: name).id
            _ = try await registry.append(part([[1, 2, 3, 4, 5, 6]]), to: id, in: name)
            await #expect(throws: RegistryError.uploadTooLarge(limit: 10)) {
                try await registry.append(part([[7, 8], [9, 10, 11]]), to: id, in: name)
            }
            #expect(try await registry.upload(id, in: name).offset == 8)
            _ = try await registry.append(part([[9, 10]]), to: id, in: name)
            #expect(try await registry.upload(id, in: name).offset == 10)
        }
    }

    // MARK: Promises

    @Test("A manifest that was acknowledged, and all that it reaches, survives a loss of power")
    func durable() async throws {
        try await withRegistry { test in
            let image = try ImageFixture("app", layers: (0..<20).map { BlobFixture("layer \($0)") })
            for blob in image.blobs { try await push(blob, to: test) }
            let paths = image.blobs.map { test.folder.file("blobs/sha256/\($0.digest.encoded)") }
            #expect(paths.allSatisfy { test.files.isAtRisk($0) }, "a blob alone is not worth a flush")
            _ = try await test.registry.pushManifest(
                image.manifest.bytes,
                contentType: nil,
                as: .tag(.latest),
                in: name
            )
            #expect(!paths.contains { test.files.isAtRisk($0) })
            let flushes = test.files.count(of: .sync)
            _ = try await test.registry.pushManifest(
                image.manifest.bytes,
                contentType: nil,
                as: .tag(Tag("again")),
                in: name
            )
            #expect(test.files.count(of: .sync) == flushes, "what is safe already is not flushed again")
        }
    }

    @Test("Whoever is told that a blob is there can count on it for the time of grace")
    func grace() async throws {
        try await withRegistry(policy: RegistryPolicy(grace: .seconds(100))) { test in
            let (registry, catalog) = (test.registry, test.storage.catalog)
            let (asked, mounted, forgotten) = (BlobFixture("a"), BlobFixture("b"), BlobFixture("c"))
            for blob in [asked, mounted, forgotten] { try await push(blob, to: test) }
            test.clock.advance(by: .seconds(90))
            _ = try await registry.statBlob(asked.digest, in: name)
            #expect(try await registry.mountBlob(mounted.digest, from: name, to: name))
            test.clock.advance(by: .seconds(20))
            while try await catalog.markGarbage(now: test.clock.now, limit: 10) > 0 {}
            #expect(try await registry.statBlob(asked.digest, in: name) == 1)
            #expect(try await registry.statBlob(mounted.digest, in: name) == 1)
            await #expect(throws: RegistryError.blobUnknown(forgotten.digest)) {
                try await registry.statBlob(forgotten.digest, in: name)
            }
        }
    }

    @Test("A deleted blob is gone even if its file cannot be removed now")
    func deleteWithoutRemoving() async throws {
        try await withRegistry { test in
            let blob = BlobFixture("hello")
            try await push(blob, to: test)
            test.files.fail(.remove, times: 1, with: EIO, where: { $0.contains("/blobs/") })
            try await test.registry.deleteBlob(blob.digest, in: name)
            await #expect(throws: RegistryError.blobUnknown(blob.digest)) {
                try await test.registry.statBlob(blob.digest, in: name)
            }
            await #expect(throws: RegistryError.blobUnknown(blob.digest)) {
                _ = try await test.registry.blob(blob.digest, in: name)
            }
            #expect(try test.contents(of: "blobs/sha256") == [blob.digest.encoded])
            try await push(blob, to: test)
            #expect(try await test.registry.statBlob(blob.digest, in: name) == 5)
        }
    }

    @Test("A blob that is read stays readable to whoever reads it, also when it is deleted meanwhile")
    func deleteWhileRead() async throws {
        try await withRegistry { test in
            let blob = BlobFixture("hello")
            try await push(blob, to: test)
            let open = try await test.registry.blob(blob.digest, in: name)
            try await test.registry.deleteBlob(blob.digest, in: name)
            #expect(try test.contents(of: "blobs/sha256").isEmpty)
            #expect(Array(try await open.read(0..<5).readableBytesView) == blob.bytes)
        }
    }
}

extension RepositoryName {
    /// A name for tests that need one.
    static var test: RepositoryName {
        guard let name = try? RepositoryName("team/app") else { preconditionFailure("the name is legal") }
        return name
    }
}
