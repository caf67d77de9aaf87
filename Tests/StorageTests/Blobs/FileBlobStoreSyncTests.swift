import Foundation
import NIOCore
import OCI
import TestSupport
import Testing

@testable import Storage

/// How the file blob store makes blobs durable.
@Suite("Syncing a file blob store")
struct FileBlobStoreSyncTests {
    typealias Scene = FileBlobStoreTests.Scene

    static func path(_ blob: BlobFixture, _ scene: Scene) -> String {
        scene.folder.file("blobs/\(blob.digest.algorithm)/\(blob.digest.encoded)")
    }

    @Test("flushes the file, and then the folder that names it")
    func order() async throws {
        try await FileBlobStoreTests.withStore { scene in
            let blobs = [BlobFixture("a"), BlobFixture("b"), BlobFixture("c", algorithm: .sha512)]
            for blob in blobs {
                try await scene.store.place(blob)
                #expect(scene.files.isAtRisk(Self.path(blob, scene)))
            }
            let before = scene.files.calls.count
            try await scene.store.sync(blobs.map(\.digest))
            for blob in blobs { #expect(!scene.files.isAtRisk(Self.path(blob, scene))) }
            let calls = scene.files.calls[before...].filter { $0.operation != .open }
            #expect(calls.prefix(3).allSatisfy { $0.operation == .sync })
            #expect(Set(calls.prefix(3).map(\.path)) == Set(blobs.map { Self.path($0, scene) }))
            #expect(
                Set(calls.dropFirst(3)) == [
                    .init(operation: .syncFolder, path: scene.folder.file("blobs/sha256")),
                    .init(operation: .syncFolder, path: scene.folder.file("blobs/sha512")),
                ]
            )
        }
    }

    @Test("flushes neither for an upload nor for a placement")
    func nothingElse() async throws {
        try await FileBlobStoreTests.withStore { scene in
            try await scene.store.place(BlobFixture("a"))
            _ = try await scene.store.upload([1, 2, 3], header: FileBlobStoreTests.header())
            #expect(scene.files.count(of: .sync) + scene.files.count(of: .syncFolder) == 0)
        }
    }

    @Test("shares a flush among those who ask while another runs")
    func shared() async throws {
        try await FileBlobStoreTests.withStore(threads: 8) { scene in
            let blob = BlobFixture("content")
            try await scene.store.place(blob)
            let entered = DispatchSemaphore(value: 0)
            let leave = DispatchSemaphore(value: 0)
            let isFirst = Shared(true)
            scene.files.observe { call in
                let mustWait = isFirst.update { isFirst in
                    defer { if call.operation == .sync { isFirst = false } }
                    return call.operation == .sync && isFirst
                }
                guard mustWait else { return }
                entered.signal()
                leave.wait()
            }
            try await withThrowingTaskGroup { group in
                group.addTask { try await scene.store.sync([blob.digest]) }
                await Self.wait(for: entered)
                for _ in 0..<50 { group.addTask { try await scene.store.sync([blob.digest]) } }
                while scene.store.waitingForFlush < 50 { await Task.yield() }
                leave.signal()
                try await group.waitForAll()
            }
            #expect(scene.files.count(of: .sync) == 2)
            #expect(scene.files.count(of: .syncFolder) <= 51)
        }
    }

    @Test("of a client that goes away fails nobody else's")
    func cancelledLeader() async throws {
        try await FileBlobStoreTests.withStore(threads: 1) { scene in
            let blob = BlobFixture("content")
            try await scene.store.place(blob)
            for _ in 0..<50 {
                try await withThrowingTaskGroup { group in
                    for _ in 0..<4 { group.addTask { try await scene.store.sync([blob.digest]) } }
                    let leaving = Task { try? await scene.store.sync([blob.digest]) }
                    leaving.cancel()
                    try await group.waitForAll()
                    await leaving.value
                }
            }
        }
    }

    @Test("that failed is never repeated as success, until the content is placed anew")
    func failedFile() async throws {
        try await FileBlobStoreTests.withStore { scene in
            let blob = BlobFixture("content")
            let bystander = BlobFixture("else")
            for blob in [blob, bystander] { try await scene.store.place(blob) }
            let path = Self.path(blob, scene)
            scene.files.fail(.sync) { $0 == path }
            let failure = StorageError.failed(operation: "fsync", path: path, code: EIO)
            for _ in 0..<3 {
                await #expect(throws: failure) {
                    try await scene.store.sync([bystander.digest, blob.digest])
                }
            }
            #expect(scene.files.calls.count { $0.operation == .sync && $0.path == path } == 1)
            try await scene.store.sync([bystander.digest])
            // A placement that finds the blob there leaves it as it is.
            let again = try await scene.store.verified(blob)
            #expect(try !scene.store.placement(of: again).ensure())
            await #expect(throws: failure) { try await scene.store.sync([blob.digest]) }
            try scene.store.placement(of: again).replace()
            try await scene.store.sync([blob.digest])

            scene.files.fail(.sync) { $0 == path }
            await #expect(throws: failure) { try await scene.store.sync([blob.digest]) }
            try scene.store.remove(blob.digest)
            try await scene.store.place(blob)
            try await scene.store.sync([blob.digest])
        }
    }

    @Test("fails for all who asked for the same blob when its flush fails")
    func failureIsShared() async throws {
        try await FileBlobStoreTests.withStore { scene in
            let blob = BlobFixture("content")
            try await scene.store.place(blob)
            scene.files.fail(.sync)
            let successes = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        do { try await scene.store.sync([blob.digest]) } catch { return false }
                        return true
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(successes == 0)
            #expect(scene.files.count(of: .sync) == 1)
        }
    }

    @Test("of a folder that failed is not repeated until the next start")
    func failedFolder() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let blobs = [BlobFixture("a"), BlobFixture("b")]
        try await FileBlobStoreTests.withStore(in: folder) { scene in
            for blob in blobs { try await scene.store.place(blob) }
            scene.files.fail(.syncFolder)
            for blob in blobs {
                await #expect(throws: StorageError.self) { try await scene.store.sync([blob.digest]) }
            }
            #expect(scene.files.count(of: .syncFolder) == 1)
            let long = BlobFixture("c", algorithm: .sha512)
            try await scene.store.place(long)
            try await scene.store.sync([long.digest])
        }
        try await FileBlobStoreTests.withStore(in: folder) { scene in
            try await scene.store.sync(blobs.map(\.digest))
        }
    }

    @Test("can be repeated where nothing was flushed", arguments: [EMFILE, ENFILE, EACCES, EIO])
    func failedOpen(_ code: CInt) async throws {
        try await FileBlobStoreTests.withStore { scene in
            let blob = BlobFixture("content")
            try await scene.store.place(blob)
            scene.files.fail(.open, with: code)
            await #expect(throws: StorageError.self) { try await scene.store.sync([blob.digest]) }
            try await scene.store.sync([blob.digest])
        }
    }

    @Test("is not held up by an upload that is read again, nor is who asks about that")
    func longHash() async throws {
        try await FileBlobStoreTests.withStore { scene in
            let upload = try await scene.store.upload([1, 2, 3], header: FileBlobStoreTests.header())
            let entered = DispatchSemaphore(value: 0)
            let leave = DispatchSemaphore(value: 0)
            scene.files.observe { call in
                guard call.operation == .read else { return }
                entered.signal()
                leave.wait()
            }
            let digest = Digest(of: [1, 2, 3], algorithm: .sha512)
            async let finished = scene.store.finishUpload(upload, expecting: digest)
            await Self.wait(for: entered)
            scene.files.observe(nil)
            await BlobStoreUploadConformance.expectUnknown(upload, in: scene.store)
            leave.signal()
            #expect(try await finished.digest == digest)
        }
    }

    /// Waits off the threads that run tasks.
    static func wait(for semaphore: DispatchSemaphore) async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                semaphore.wait()
                continuation.resume()
            }
        }
    }
}
