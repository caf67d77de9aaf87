import Foundation
import NIOCore
import OCI
import Registry
import Storage
import TestSupport
import Testing

/// When an upload session is over that nobody ends.
@Suite("Expiry of uploads")
struct ExpiryTests {
    private let name = RepositoryName.test

    private static func part(
        _ bytes: [UInt8]
    ) -> Registry.UploadPart<AsyncThrowingStream<ByteBuffer, any Error>> {
        let content = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
            continuation.yield(ByteBuffer(bytes: bytes))
            continuation.finish()
        }
        return Registry.UploadPart(content: content, range: nil, cut: {})
    }

    /// Files are stamped by the machine's clock, and so the test's begins there.
    private func withRegistry(
        in folder: TemporaryFolder? = nil,
        _ body: (TestRegistry) async throws -> Void
    ) async throws {
        let policy = RegistryPolicy(uploadExpiry: .seconds(1000))
        let clock = ManualClock(.now)
        if let folder {
            try await TestSupport.withRegistry(in: folder, policy: policy, clock: clock, body)
        } else {
            try await TestSupport.withRegistry(policy: policy, clock: clock, body)
        }
    }

    private func all(_ test: TestRegistry) async throws -> [Registry.OpenUpload] {
        try await test.registry.uploads(after: nil, limit: 100).elements
    }

    /// Asks for a session in every way.
    private func expectUnknown(_ id: UploadID, _ test: TestRegistry) async {
        let (registry, unknown) = (test.registry, StorageError.unknownUpload(id))
        await #expect(throws: unknown) { try await registry.upload(id, in: name) }
        await #expect(throws: unknown) { try await registry.append(Self.part([1]), to: id, in: name) }
        await #expect(throws: unknown) {
            try await registry.finishUpload(Self.part([1]), of: id, as: Digest(of: [1]), in: name)
        }
        await #expect(throws: unknown) { try await registry.cancelUpload(id, in: name) }
    }

    @Test("A session is known until the last millisecond, and from then on to nobody, swept or not")
    func boundary() async throws {
        try await withRegistry { test in
            let id = try await test.registry.beginUpload(in: name).id
            _ = try await test.registry.append(Self.part([1, 2, 3]), to: id, in: name)
            let expires = try #require(try await all(test).first?.expires)
            test.clock.move(to: expires + .milliseconds(-1))
            #expect(try await test.registry.upload(id, in: name).offset == 3)
            #expect(try await test.registry.expireUploads() == 0)
            #expect(try await all(test).map(\.id) == [id])

            test.clock.move(to: expires)
            await expectUnknown(id, test)
            #expect(try await all(test).isEmpty)
            #expect(try test.contents(of: "uploads").count == 2)
            #expect(try await test.registry.expireUploads() == 1)
            await expectUnknown(id, test)
            #expect(try test.contents(of: "uploads").isEmpty)
            #expect(try await test.registry.expireUploads() == 0)
        }
    }

    @Test("One without bytes expires that long after it began, and every byte that comes puts it off")
    func activity() async throws {
        try await withRegistry { test in
            let before = Timestamp.now + .milliseconds(-100)
            let (idle, active) = (
                try await test.registry.beginUpload(in: name).id,
                try await test.registry.beginUpload(in: name).id
            )
            // As if both had been begun long ago, and one written to now.
            for id in [idle, active] {
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -900)],
                    ofItemAtPath: test.folder.file("uploads/\(id)")
                )
            }
            _ = try await test.registry.append(Self.part([1]), to: active, in: name)
            let lasts = Dictionary(uniqueKeysWithValues: try await all(test).map { ($0.id, $0) })
            #expect(lasts[idle].map { $0.lastActivity < before } == true)
            #expect(lasts[active].map { $0.lastActivity >= before } == true)
            test.clock.advance(by: .seconds(500))
            #expect(try await all(test).map(\.id) == [active])
            #expect(try await test.registry.expireUploads() == 1)
            await expectUnknown(idle, test)
            #expect(try await test.registry.upload(active, in: name).offset == 1)
        }
    }

    @Test("One that a request writes to does not expire under it, however long that takes")
    func held() async throws {
        try await withRegistry { test in
            let id = try await test.registry.beginUpload(in: name).id
            let (gate, arrived) = (Gate(), Gate())
            arrived.open()
            let registry = test.registry
            let content = AsyncThrowingStream<ByteBuffer, any Error> {
                await arrived.wait()
                await gate.wait()
                return nil
            }
            let part = Registry.UploadPart(content: content, range: nil, cut: { gate.open() })
            let appending = Task { try await registry.append(part, to: id, in: name) }
            await arrived.arrivals(1)
            test.clock.advance(by: .seconds(5000))
            #expect(try await registry.expireUploads() == 0)
            #expect(try await registry.upload(id, in: name).offset == 0)
            #expect(try await all(test).map(\.id) == [id])
            gate.open()
            #expect(try await appending.value.offset == 0)
            await expectUnknown(id, test)
            #expect(try await registry.expireUploads() == 1)
        }
    }

    @Test("What an earlier process left is listed, and expires like the rest")
    func earlier() async throws {
        try await withTemporaryFolder { folder in
            let kept = Shared<[UploadID]>([])
            try await withRegistry(in: folder) { test in
                for _ in 0..<3 {
                    let id = try await test.registry.beginUpload(in: name).id
                    _ = try await test.registry.append(Self.part([1, 2]), to: id, in: name)
                    kept.update { $0.append(id) }
                }
            }
            try await withRegistry(in: folder) { test async throws in
                let ids = kept.value.sorted()
                #expect(try await all(test).map(\.id) == ids)
                #expect(try await all(test).allSatisfy { $0.offset == 2 && $0.repository == name })
                #expect(try await test.registry.expireUploads() == 0)
                test.clock.advance(by: .seconds(5000))
                for id in ids { await expectUnknown(id, test) }
                #expect(try await test.registry.expireUploads() == 3)
                #expect(try test.contents(of: "uploads").isEmpty)
            }
        }
    }

    @Test("Pages of the list pass over what has expired, and lose nothing")
    func pages() async throws {
        try await withRegistry { test in
            var open: Set<UploadID> = []
            for number in 0..<40 {
                let id = try await test.registry.beginUpload(in: name).id
                if number.isMultiple(of: 3) {
                    open.insert(id)
                } else {
                    try FileManager.default.setAttributes(
                        [.modificationDate: Date(timeIntervalSinceNow: -2000)],
                        ofItemAtPath: test.folder.file("uploads/\(id)")
                    )
                }
            }
            for limit in [1, 2, 5, 14, 100] {
                var found: [UploadID] = []
                while true {
                    let page = try await test.registry.uploads(after: found.last, limit: limit)
                    found += page.elements.map(\.id)
                    #expect(page.elements.count <= limit)
                    if !page.hasMore || page.elements.isEmpty { break }
                }
                #expect(found == open.sorted(), "\(limit)")
            }
            #expect(try await test.registry.expireUploads() == 40 - open.count)
            #expect(try test.contents(of: "uploads").count == 2 * open.count)
        }
    }

    @Test("A sweep stops where it is cancelled, and one beside live uploads takes none of them")
    func sweeps() async throws {
        try await withRegistry { test in
            let registry = test.registry
            for _ in 0..<10 { _ = try await registry.beginUpload(in: name) }
            let cancelled = Task { () -> Int in
                withUnsafeCurrentTask { $0?.cancel() }
                return try await registry.expireUploads()
            }
            test.clock.advance(by: .seconds(2000))
            #expect(try await cancelled.value == 0)

            test.clock.move(to: .now)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    let blob = BlobFixture("blob \(number)")
                    group.addTask {
                        let id = try await registry.beginUpload(in: name).id
                        for byte in blob.bytes {
                            _ = try await registry.append(Self.part([byte]), to: id, in: name)
                        }
                        try await registry.finishUpload(Self.part([]), of: id, as: blob.digest, in: name)
                    }
                    group.addTask { _ = try await registry.expireUploads() }
                }
                try await group.waitForAll()
            }
            #expect(try await all(test).count == 10)
        }
    }
}
