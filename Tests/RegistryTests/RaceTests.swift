import Dispatch
import NIOCore
import OCI
import Registry
import Storage
import Synchronization
import TestSupport
import Testing

/// What others do between two steps of an operation.
@Suite("Races")
struct RaceTests {
    private let name: RepositoryName

    init() throws { name = try RepositoryName("team/app") }

    /// Lets a body run when a file is about to be opened the next time, and before it is.
    private func beforeOpening(
        _ blob: BlobFixture,
        in test: TestRegistry,
        _ body: @escaping @Sendable () async throws -> Void
    ) {
        let once = Once()
        test.files.observe { call in
            guard call.operation == .open, call.path.hasSuffix(blob.digest.encoded), once.isFirst() else {
                return
            }
            let done = DispatchSemaphore(value: 0)
            Task {
                do { try await body() } catch { Issue.record(error) }
                done.signal()
            }
            done.wait()
        }
    }

    private func push(_ blob: BlobFixture, to test: TestRegistry) async throws {
        let content = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
            continuation.yield(ByteBuffer(bytes: blob.bytes))
            continuation.finish()
        }
        let part = Registry.UploadPart(content: content, range: nil, cut: {})
        try await test.registry.pushBlob(part, as: blob.digest, in: name)
    }

    @Test("A blob that is deleted before it could be opened is unknown, not damaged")
    func deletedBeforeReading() async throws {
        try await withRegistry { test in
            let blob = BlobFixture("hello")
            try await push(blob, to: test)
            beforeOpening(blob, in: test) { [name] in
                try await test.registry.deleteBlob(blob.digest, in: name)
            }
            await #expect(throws: RegistryError.blobUnknown(blob.digest)) {
                _ = try await test.registry.blob(blob.digest, in: name)
            }
            #expect(try test.contents(of: "blobs/sha256").isEmpty)
        }
    }

    @Test("A blob that is deleted and pushed again before it could be opened is there")
    func replacedBeforeReading() async throws {
        try await withRegistry { test in
            let blob = BlobFixture("hello")
            try await push(blob, to: test)
            beforeOpening(blob, in: test) { [self] in
                try await test.registry.deleteBlob(blob.digest, in: name)
                try await push(blob, to: test)
            }
            #expect(try await test.registry.blob(blob.digest, in: name).size == blob.size)
        }
    }

    @Test("A blob that is deleted before it could be flushed is missing from the manifest that needs it")
    func deletedBeforeFlush() async throws {
        try await withRegistry { test in
            let image = try ImageFixture("app", layers: [BlobFixture("one"), BlobFixture("two")])
            for blob in image.blobs { try await push(blob, to: test) }
            let lost = image.layers[0]
            beforeOpening(lost, in: test) { [name] in
                try await test.registry.deleteBlob(lost.digest, in: name)
            }
            await #expect(throws: StorageError.missingReferences([lost.digest])) {
                try await test.registry.pushManifest(
                    image.manifest.bytes,
                    contentType: nil,
                    as: .tag(.latest),
                    in: name
                )
            }
            #expect(try await test.registry.statBlob(image.configuration.digest, in: name) > 0)
        }
    }
}

/// Says yes to the first who asks.
private final class Once: Sendable {
    private let isAsked = Mutex(false)

    func isFirst() -> Bool {
        isAsked.withLock { isAsked in
            defer { isAsked = true }
            return !isAsked
        }
    }
}
