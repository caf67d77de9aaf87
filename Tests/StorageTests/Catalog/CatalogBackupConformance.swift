import Foundation
import OCI
import Storage
import TestSupport
import Testing

/// Copies of a catalog that is at work.
@Suite("A copy of a catalog")
struct CatalogBackupConformance {
    typealias Implementation = CatalogImplementation

    @Test("has what there was at its moment, and what it names is kept", arguments: Implementation.all)
    func copies(_ implementation: Implementation) async throws {
        try await withTemporaryFolder { folder in
            let image = try ImageFixture("app")
            try await implementation.withScene { scene in
                let gone = BlobFixture("gone")
                try await scene.push(image, to: scene.app, tags: [.latest])
                try await scene.push(gone, to: scene.app)
                let kept = BlobFixture("kept")
                let record = try await scene.push(kept, to: scene.app)
                #expect(try await scene.catalog.deleteBlob(gone.digest, in: scene.app))
                let path = folder.file("berth.db")
                try await scene.catalog.withPinnedContent {
                    let copy = try await scene.catalog.copy(to: path, now: scene.clock.now)
                    try await scene.push(BlobFixture("later"), to: scene.app)
                    #expect(try await scene.catalog.deleteBlob(kept.digest, in: scene.app))
                    #expect(try await scene.sweep() == [])
                    #expect(scene.content.copy(of: kept.digest) != nil)

                    var found: [CopiedBlob] = []
                    while true {
                        let page = try copy.blobs(after: found.last?.record.id, limit: 2)
                        if page.isEmpty { break }
                        found += page
                    }
                    #expect(found.map(\.record.digest) == image.blobs.map(\.digest) + [kept.digest])
                    #expect(found.map(\.isSynced) == [true, true, false])
                    #expect(try copy.size() == found.reduce(0) { $0 + $1.record.size })
                    try copy.quarantine([record.id])
                    try copy.finish()
                }
                #expect(try await scene.sweep() == [gone.digest, kept.digest])
            }
            // One file, and nothing beside it.
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["berth.db"])
            try await implementation.withScene(in: folder, content: PlacedContent()) { scene in
                #expect(try await scene.manifest(.tag(.latest), in: scene.app)?.bytes == image.manifest.bytes)
                #expect(try await scene.catalog.unsyncedBlobs() == [])
                #expect(try await !scene.isVisible(BlobFixture("later"), in: scene.app))
                let kept = BlobFixture("kept")
                #expect(try await scene.catalog.quarantinedBlob(kept.digest, in: scene.app) != nil)
                #expect(try scene.catalog.unknownBlobs(among: [BlobFixture("gone").digest]).count == 1)
                #expect(try await scene.catalog.isRestored())
                try await scene.catalog.noteReconciled()
                #expect(try await !scene.catalog.isRestored())
            }
        }
    }

    @Test("is refused where something is, and leaves the catalog at work", arguments: Implementation.all)
    func refused(_ implementation: Implementation) async throws {
        try await withTemporaryFolder { folder in
            try await implementation.withScene { scene in
                try await scene.push(try ImageFixture("app"), to: scene.app, tags: [.latest])
                await #expect(throws: StorageError.self) {
                    try await scene.catalog.copy(to: folder.file("none/berth.db"), now: scene.clock.now)
                }
                try Data("no database, and longer than a header would have to be to be one".utf8).write(
                    to: URL(filePath: folder.file("text"))
                )
                await #expect(throws: StorageError.self) {
                    try await scene.catalog.copy(to: folder.file("text"), now: scene.clock.now)
                }
                try await scene.push(try ImageFixture("other"), to: scene.app, tags: [.stable])
                #expect(try await scene.tags(of: scene.app) == ["latest", "stable"])
            }
        }
    }

    @Test("can be made again and again while everybody writes", arguments: Implementation.all)
    func concurrent(_ implementation: Implementation) async throws {
        try await withTemporaryFolder { folder in
            try await implementation.withScene { scene in
                let images = try (0..<24).map { try ImageFixture("image \($0)") }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for part in 0..<4 {
                        group.addTask {
                            for image in images[(part * 6)..<(part * 6 + 6)] {
                                try await scene.push(image, to: scene.app)
                            }
                        }
                    }
                    for number in 0..<4 {
                        group.addTask {
                            let path = folder.file("\(number).db")
                            try await scene.catalog.copy(to: path, now: scene.clock.now).finish()
                        }
                    }
                    try await group.waitForAll()
                }
            }
            for number in 0..<4 {
                let inner = try TemporaryFolder()
                defer { inner.remove() }
                try FileManager.default.moveItem(
                    atPath: folder.file("\(number).db"),
                    toPath: inner.file("berth.db")
                )
                try await implementation.withScene(in: inner, content: PlacedContent()) { scene in
                    let contradictions = try await scene.catalog.reconcileRecords(
                        isRehearsal: true,
                        keptUntil: scene.keptUntil,
                        now: scene.clock.now
                    )
                    #expect(contradictions == [])
                }
            }
        }
    }
}
