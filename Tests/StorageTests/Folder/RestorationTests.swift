import Foundation
import OCI
import TestSupport
import Testing

@testable import Storage

/// Folders that are made of copies, and databases that are older than the blobs beside them.
@Suite("A restored folder")
struct RestorationTests {
    private let blob = BlobFixture(patternedBytes(20_000))

    /// A closed folder with an image of one layer.
    private func withSource(
        _ ending: FolderScene.Ending = .close,
        _ body: (TemporaryFolder, ImageFixture, TemporaryFolder) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { source in
            let image = try ImageFixture("app", layers: [blob])
            try await FolderScene.with(source.path, ending: ending) { scene async throws in
                try await scene.push(image, to: scene.app, tags: [.latest])
                try await scene.push(BlobFixture("loose"), to: scene.app)
                // On its way out, and so not restored.
                let gone = BlobFixture("gone")
                try await scene.push(gone, to: scene.app)
                _ = try await scene.catalog.deleteBlob(gone.digest, in: scene.app)
            }
            try await withTemporaryFolder { try await body(source, image, $0) }
        }
    }

    @Test("tells of what was known to be damaged when the copy was made")
    func quarantined() async throws {
        try await withSource { source, _, folder in
            try await FolderScene.with(source.path) { scene async throws in
                let record = try #require(try await scene.catalog.blob(blob.digest, in: scene.app))
                #expect(try await scene.catalog.quarantine(record.id))
            }
            let report = try Restoration.run(from: source.path, to: folder.file("s"), verifies: false) {
                _,
                _ in
            }
            #expect(report.lost == [blob.digest])
        }
    }

    @Test("is not made of a database that holds nothing", arguments: ["", "SQLite format 3"])
    func emptyDatabase(content: String) async throws {
        try await withTemporaryFolder { folder in
            try FileManager.default.createDirectory(
                atPath: folder.file("copy"),
                withIntermediateDirectories: true
            )
            try Data(content.utf8).write(to: URL(filePath: folder.file("copy/berth.db")))
            #expect(throws: StorageError.self) {
                _ = try Restoration.run(from: folder.file("copy"), to: folder.file("s"), verifies: false) {
                    _,
                    _ in
                }
            }
        }
    }

    @Test("keeps the blobs beside a database that was lost, until somebody says that nothing needs them")
    func lostDatabase() async throws {
        try await withSource { source, _, _ in
            try FileManager.default.moveItem(atPath: source.file("berth.db"), toPath: source.file("kept"))
            for _ in 1...3 {
                try await FolderScene.with(source.path, ending: .crash) { scene async throws in
                    #expect(try await scene.catalog.isRestored())
                }
            }
            for suffix in ["", "-wal", "-shm"] { unlink(source.file("berth.db" + suffix)) }
            try FileManager.default.moveItem(atPath: source.file("kept"), toPath: source.file("berth.db"))
            try await FolderScene.with(source.path) { scene async throws in
                #expect(try await scene.pull(blob, from: scene.app) == blob.bytes)
                try await scene.expectWhole()
            }
        }
    }

    @Test("has everything, whole and durable, and opens clean", arguments: FolderScene.Ending.allCases)
    func restores(_ ending: FolderScene.Ending) async throws {
        try await withSource(ending) { source, image, folder in
            let files = FaultyFileOperations()
            let target = folder.file("storage")
            let told = Shared<[Int64]>([])
            let report = try Restoration.run(from: source.path, to: target, verifies: true, files: files) {
                done,
                _ in told.update { $0.append(done) }
            }
            #expect(report.blobs == 3 && report.lost == [])
            #expect(told.value == told.value.sorted() && told.value.count >= 3)
            for blob in image.blobs {
                #expect(!files.isAtRisk("\(target)/blobs/sha256/\(blob.digest.encoded)"))
            }
            try await FolderScene.with(target) { scene async throws in
                #expect(scene.files.count(of: .read) == 0)
                #expect(try await scene.pull(blob, from: scene.app) == blob.bytes)
                #expect(try await scene.pull(BlobFixture("loose"), from: scene.app) != nil)
                #expect(
                    try await scene.manifest(.tag(.latest), in: scene.app)?.digest == image.manifest.digest
                )
                #expect(try await !scene.catalog.isRestored())
                try await scene.expectWhole()
            }
            try CatalogInvariants.expectNoneWithCommand(inDatabaseAt: target + "/berth.db")
        }
    }

    @Test(
        "lacks what its source lacks, and says so",
        arguments: RecoveryTests.Damage.allCases,
        [true, false]
    )
    func damaged(_ damage: RecoveryTests.Damage, verifies: Bool) async throws {
        try await withSource { source, _, folder in
            let path = source.file("blobs/sha256/\(blob.digest.encoded)")
            try RecoveryTests.damage(path, damage, size: blob.bytes.count)
            let target = folder.file("storage")
            let report = try Restoration.run(from: source.path, to: target, verifies: verifies) { _, _ in }
            // A size is always checked.
            let isFound = verifies || ![.zeroed, .otherBytes].contains(damage)
            #expect(report.lost == (isFound ? [blob.digest] : []))
            guard isFound else { return }
            try await FolderScene.with(target) { scene async throws in
                #expect(try await scene.pull(blob, from: scene.app) == nil)
                #expect(try await scene.catalog.quarantinedBlob(blob.digest, in: scene.app) != nil)
                try await scene.push(blob, to: scene.app)
                #expect(try await scene.pull(blob, from: scene.app) == blob.bytes)
                try await scene.expectWhole()
            }
        }
    }

    @Test("is made of nothing else than a copy, and of no folder that has anything")
    func refuses() async throws {
        try await withSource { source, _, folder in
            func restore(_ from: String, _ to: String) throws {
                _ = try Restoration.run(from: from, to: to, verifies: false) { _, _ in }
            }
            #expect(throws: RestorationError.noBackup(folder.path)) {
                try restore(folder.path, folder.file("storage"))
            }
            #expect(throws: RestorationError.occupied(source.path)) { try restore(source.path, source.path) }
            try await FolderScene.with(source.path) { _ async throws in
                #expect(throws: RestorationError.inUse(source.path, pid: getpid())) {
                    try restore(source.path, folder.file("storage"))
                }
            }
            try Data().write(to: URL(filePath: folder.file("file")))
            #expect(throws: RestorationError.occupied(folder.path)) { try restore(source.path, folder.path) }
            #expect(throws: StorageError.self) { try restore(source.path, folder.file("file")) }
            let owned = folder.file("owned")
            let ownership = try StorageOwnership.acquire(owned)
            #expect(throws: StorageOwnershipError.self) { try restore(source.path, owned) }
            withExtendedLifetime(ownership) {}
            #expect(try FileManager.default.contentsOfDirectory(atPath: owned) == ["berth.lock"])
        }
    }

    private func expectRestored(_ target: String) async throws {
        try await FolderScene.with(target) { scene async throws in
            #expect(try await scene.pull(blob, from: scene.app) == blob.bytes)
            try await scene.expectWhole()
        }
    }

    @Test("that failed on the way is nobody's, and is begun again")
    func fails() async throws {
        try await withSource { source, _, folder in
            let target = folder.file("storage")
            var failures = 0
            // Each call that changes the new folder fails once.
            for operation in [
                FaultyFileOperations.Operation.open, .write, .sync, .syncFolder, .rename, .remove,
            ] {
                for skip in 0..<40 {
                    let files = FaultyFileOperations()
                    files.fail(operation, skip: skip, with: ENOSPC) { $0.hasPrefix(target) }
                    do {
                        _ = try Restoration.run(from: source.path, to: target, verifies: false, files: files)
                        {
                            _,
                            _ in
                        }
                    } catch {
                        failures += 1
                        #expect(error as? StorageError == .full, "\(operation) \(skip): \(error)")
                        guard Restoration.isUnfinished(target) else {
                            if !FileManager.default.fileExists(atPath: target + "/berth.db") { continue }
                            // All is done but for making sure that the mark is gone.
                            try await expectRestored(target)
                            break
                        }
                        await #expect(throws: RestorationError.unfinished(target)) {
                            try await FolderScene.open(target)
                        }
                        continue
                    }
                    try await expectRestored(target)
                    break
                }
                if FileManager.default.fileExists(atPath: target) {
                    try FileManager.default.removeItem(atPath: target)
                }
            }
            #expect(failures > 15)
        }
    }

    @Test("keeps what a restored database does not know until somebody has looked", arguments: [true, false])
    func restoredDatabase(isMarkedByHand: Bool) async throws {
        try await withTemporaryFolder { folder in
            try await FolderScene.with(folder.path, ending: .crash) { scene async throws in
                try await scene.push(blob, to: scene.app)
                if !isMarkedByHand {
                    let database = try #require(scene.catalog as? SQLiteCatalog)
                    try await database.noteRestored()
                }
                try Data("stranger".utf8).write(to: URL(filePath: scene.path(of: BlobFixture("stranger"))))
            }
            if isMarkedByHand { try Data().write(to: URL(filePath: folder.file("berth.restored"))) }
            let stranger = folder.file("blobs/sha256/\(BlobFixture("stranger").digest.encoded)")
            for _ in 0..<2 {
                try await FolderScene.with(folder.path, ending: .crash) { scene async throws in
                    #expect(FileManager.default.fileExists(atPath: stranger))
                    #expect(!FileManager.default.fileExists(atPath: folder.file("berth.restored")))
                    #expect(try await scene.catalog.isRestored())
                }
            }
            try await FolderScene.with(folder.path, ending: .crash) { try await $0.catalog.noteReconciled() }
            try await FolderScene.with(folder.path) { scene async throws in
                #expect(!FileManager.default.fileExists(atPath: stranger))
                try await scene.expectWhole()
            }
        }
    }
}
