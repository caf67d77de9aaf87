import Foundation
import OCI
import TestSupport
import Testing

@testable import Storage

/// What the next owner finds where one died, or closed in good order.
@Suite("A storage folder")
struct RecoveryTests {
    let blob = BlobFixture(patternedBytes(20_000))

    /// What a loss of power may leave of a file that was not synced.
    enum Damage: CaseIterable { case torn, zeroed, empty, longer, missing, otherBytes }

    static func damage(_ path: String, _ damage: Damage, size: Int) throws {
        let file = URL(filePath: path)
        switch damage {
        case .torn: #expect(truncate(path, off_t(size / 2)) == 0)
        case .zeroed: try Data(count: size).write(to: file)
        case .empty: #expect(truncate(path, 0) == 0)
        case .longer: #expect(truncate(path, off_t(size + 1)) == 0)
        case .missing: try FileManager.default.removeItem(at: file)
        case .otherBytes: try Data(patternedBytes(size, seed: 99)).write(to: file)
        }
    }

    @Test("drops a blob that was not synced and is not whole", arguments: Damage.allCases)
    func dropsDamaged(_ damage: Damage) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let whole = BlobFixture("whole")
        try await FolderScene.with(folder.path, ending: .crash) { scene async throws in
            try await scene.push(blob, to: scene.app)
            try await scene.push(whole, to: scene.app)
            _ = try await scene.mount(blob, to: scene.other)
            try Self.damage(scene.path(of: blob), damage, size: blob.bytes.count)
        }
        try await FolderScene.with(folder.path) { scene async throws in
            for repository in [scene.app, scene.other] {
                #expect(try await scene.pull(blob, from: repository) == nil)
            }
            #expect(!FileManager.default.fileExists(atPath: scene.path(of: blob)))
            // The one that is whole stays, and is durable now.
            #expect(try await scene.pull(whole, from: scene.app) == whole.bytes)
            #expect(!scene.files.isAtRisk(scene.path(of: whole)))
            // Flushed, and then read from the disk rather than from memory.
            let calls = scene.files.calls.filter { $0.path == scene.path(of: whole) }.map(\.operation)
            #expect(
                calls.filter { [.sync, .evict, .read].contains($0) }.prefix(3) == [.sync, .evict, .read]
            )
            #expect(try await scene.catalog.unsyncedBlobs() == [])
            try await scene.expectWhole()
            try await scene.push(blob, to: scene.app)
            #expect(try await scene.pull(blob, from: scene.app) == blob.bytes)
        }
        try CatalogInvariants.expectNoneWithCommand(inDatabaseAt: folder.file("berth.db"))
    }

    @Test("is not opened while the log of an owner that died cannot be made durable")
    func logThatCannotBeFlushed() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        // One that ends well first: so there is what is kept for a full disk.
        try await FolderScene.with(folder.path) { _ in }
        try await FolderScene.with(folder.path, ending: .crash) { scene async throws in
            try await scene.push(blob, to: scene.app)
        }
        let log = folder.file("berth.db-wal")
        for (operation, code) in [
            (FaultyFileOperations.Operation.sync, EIO), (.write, ENOSPC), (.write, EIO),
        ] {
            let files = FaultyFileOperations()
            files.fail(operation, times: 2, with: code) { $0 == log }
            let error = await #expect(throws: StorageError.self) {
                try await FolderScene.with(folder.path, files: files) { _ in }
            }
            #expect(error == StorageError(FileError(operation: operation.name, path: log, code: code)))
        }
        let files = FaultyFileOperations()
        files.fail(.write, with: ENOSPC) { $0 == log }
        // What is kept for a full disk is enough.
        try await FolderScene.with(folder.path, files: files) { scene async throws in
            try await scene.expectWhole()
            #expect(try await scene.pull(blob, from: scene.app) == blob.bytes)
        }
    }

    @Test("looks at nothing that is known to be durable, nor at anything after a good end")
    func looksAtNothingElse() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await FolderScene.with(folder.path, ending: .crash) { scene async throws in
            try await scene.push(ImageFixture("app"), to: scene.app, tags: [.latest])
        }
        try await FolderScene.with(folder.path) { scene async throws in
            // The database's log, which is written anew, and no blob.
            let read = scene.files.calls.filter { $0.operation == .read }
            #expect(read.allSatisfy { $0.path.hasSuffix("/berth.db-wal") }, "\(read)")
            try await scene.push(blob, to: scene.app)
        }
        try await FolderScene.with(folder.path) { scene async throws in
            #expect(scene.files.count(of: .read) == 0)
            // Its last owner synced what was not.
            #expect(try await scene.catalog.unsyncedBlobs() == [])
            #expect(try await scene.pull(blob, from: scene.app) == blob.bytes)
            try await scene.expectWhole()
        }
    }

    @Test("loses files that have no record, and keeps what is no blob")
    func removesUnknown() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let long = BlobFixture("long", algorithm: .sha512)
        var strangers: [String] = []
        try await FolderScene.with(folder.path, ending: .crash) { scene async throws in
            try await scene.push(blob, to: scene.app)
            try await scene.push(long, to: scene.app)
            for stranger in [BlobFixture("stranger"), BlobFixture("stranger", algorithm: .sha512)] {
                strangers.append(scene.path(of: stranger))
                try Data(stranger.bytes).write(to: URL(filePath: scene.path(of: stranger)))
            }
            try Data().write(to: URL(filePath: folder.file("blobs/sha256/README")))
        }
        try await FolderScene.with(folder.path) { scene async throws in
            for path in strangers { #expect(!FileManager.default.fileExists(atPath: path)) }
            #expect(FileManager.default.fileExists(atPath: folder.file("blobs/sha256/README")))
            #expect(try await scene.pull(blob, from: scene.app) == blob.bytes)
            #expect(try await scene.pull(long, from: scene.app) == long.bytes)
            try await scene.expectWhole()
        }
    }

    @Test("finishes deletions that were begun", arguments: FolderScene.Ending.allCases)
    func resumesDeletions(_ ending: FolderScene.Ending) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let blobs = (0..<300).map { BlobFixture("blob \($0)") }
        try await FolderScene.with(folder.path, ending: ending) { scene async throws in
            for blob in blobs { try await scene.push(blob, to: scene.app) }
            scene.clock.advance(by: FolderScene.grace)
            #expect(try await scene.catalog.markGarbage(now: scene.clock.now, limit: 1000) == 300)
            // Some have lost their bytes already, as in a crash in the middle of the second step.
            for blob in blobs[..<10] { try scene.blobs.remove(blob.digest) }
        }
        try await FolderScene.with(folder.path) { scene async throws in
            #expect(try await scene.catalog.nextGarbage() == nil)
            for blob in blobs { #expect(!FileManager.default.fileExists(atPath: scene.path(of: blob))) }
            try await scene.expectWhole()
        }
    }

    @Test("keeps upload sessions, whichever way it was left", arguments: FolderScene.Ending.allCases)
    func keepsUploads(_ ending: FolderScene.Ending) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let header = try BlobStoreUploadConformance.header()
        var session = UploadID()
        var verified: VerifiedUpload?
        try await FolderScene.with(folder.path, ending: ending) { scene async throws in
            session = try await scene.blobs.upload([1, 2, 3], header: header)
            _ = try await scene.blobs.upload([4], header: nil)
            // Finished, but neither published nor discarded.
            let finished = try await scene.blobs.upload([5, 6], header: header)
            verified = try await scene.blobs.finishUpload(finished, expecting: nil)
        }
        try await FolderScene.with(folder.path) { scene async throws in
            #expect(try await scene.blobs.durableOffset(of: session) == 3)
            let finished = try #require(verified)
            #expect(try await scene.blobs.durableOffset(of: finished.upload) == 2)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("uploads"))
            #expect(names.count == 4)
            let again = try await scene.blobs.finishUpload(session, expecting: nil)
            _ = try await scene.publish(again, to: scene.app)
            #expect(try await scene.pull(BlobFixture([1, 2, 3]), from: scene.app) == [1, 2, 3])
        }
    }

    @Test("belongs to one owner at a time, and to the next one at once")
    func ownership() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        for ending in FolderScene.Ending.allCases {
            try await FolderScene.with(folder.path, ending: ending) { scene async throws in
                await #expect(throws: StorageOwnershipError.self) { try await FolderScene.open(folder.path) }
                _ = scene
            }
        }
        try await FolderScene.with(folder.path) { try await $0.expectWhole() }
    }
}

// MARK: Failing disks

extension RecoveryTests {
    @Test("forgets a blob that cannot be made durable, and fails its manifest")
    func failedFlush() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await FolderScene.with(folder.path) { scene async throws in
            let image = try ImageFixture("app", layers: [blob])
            for blob in image.blobs { try await scene.push(blob, to: scene.app) }
            let path = scene.path(of: blob)
            scene.files.fail(.sync) { $0 == path }
            await #expect(throws: StorageError.failed(operation: "fsync", path: path, code: EIO)) {
                try await scene.publish(image.manifest, in: scene.app, tags: [.latest])
            }
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) == nil)
            #expect(try await scene.pull(blob, from: scene.app) == nil)
            try await scene.expectWhole()
            await #expect(throws: StorageError.missingReferences(image.blobs.map(\.digest))) {
                try await scene.publish(image.manifest, in: scene.app, tags: [.latest])
            }
            try await scene.push(image, to: scene.app, tags: [.latest])
            for blob in image.blobs { #expect(!scene.files.isAtRisk(scene.path(of: blob))) }
            try await scene.expectWhole()
        }
    }

    @Test(
        "drops a blob that it cannot flush or read back, and opens",
        arguments: [FaultyFileOperations.Operation.sync, .read]
    )
    func unreadable(_ operation: FaultyFileOperations.Operation) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let good = BlobFixture("good")
        try await FolderScene.with(folder.path, ending: .crash) { scene async throws in
            try await scene.push(blob, to: scene.app)
            try await scene.push(good, to: scene.app)
        }
        let files = FaultyFileOperations()
        files.fail(operation) { [blob] in $0.hasSuffix(blob.digest.encoded) }
        try await FolderScene.with(folder.path, files: files) { scene async throws in
            #expect(try await scene.pull(blob, from: scene.app) == nil)
            #expect(try await scene.pull(good, from: scene.app) == good.bytes)
            try await scene.expectWhole()
        }
    }

    @Test(
        "does not open where recovery cannot go on, drops nothing for it, and tries again",
        arguments: [EMFILE, EACCES]
    )
    func recoveryFails(_ code: CInt) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await FolderScene.with(folder.path, ending: .crash) { try await $0.push(blob, to: $0.app) }
        for operation in [FaultyFileOperations.Operation.open, .read] {
            let files = FaultyFileOperations()
            files.fail(operation, with: code) { [blob] in $0.hasSuffix(blob.digest.encoded) }
            await #expect(throws: StorageError.self) {
                try await FolderScene.with(folder.path, files: files) { _ in }
            }
        }
        try await FolderScene.with(folder.path) { scene async throws in
            #expect(scene.files.count(of: .read) > 0)
            #expect(try await scene.pull(blob, from: scene.app) == blob.bytes)
        }
    }

    @Test("that cannot be closed well is checked by the next owner")
    func closeFails() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let files = FaultyFileOperations()
        await #expect(throws: StorageError.self) {
            try await FolderScene.with(folder.path, files: files) { scene async throws in
                try await scene.push(blob, to: scene.app)
                files.fail(.sync)
            }
        }
        try await FolderScene.with(folder.path) { scene async throws in
            #expect(scene.files.count(of: .read) > 0)
            #expect(try await scene.pull(blob, from: scene.app) == blob.bytes)
            try await scene.expectWhole()
        }
    }

    @Test("closes for a task that has been cancelled")
    func closeCancelled() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        do {
            let scene = try await FolderScene.open(folder.path)
            try await scene.push(blob, to: scene.app)
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await scene.folder.close()
            }
            try await task.value
        }
        try await FolderScene.with(folder.path) { #expect($0.files.count(of: .read) == 0) }
    }
}
