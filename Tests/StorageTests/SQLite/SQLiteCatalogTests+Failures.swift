import Foundation
import GRDB
import OCI
import TestSupport
import Testing

@testable import Storage

extension SQLiteCatalogTests {
    /// Makes every insertion into a table fail, in the way that `RAISE` names.
    static func fail(_ table: String, _ kind: String, in catalog: SQLiteCatalog) async throws {
        _ = try await catalog.writes.perform(.crash) {
            try $0.execute(
                sql: """
                    CREATE TEMP TRIGGER failing BEFORE INSERT ON \(table)
                    BEGIN SELECT RAISE(\(kind), 'on purpose'); END
                    """
            )
        }
    }

    static func mend(_ catalog: SQLiteCatalog) async throws {
        _ = try await catalog.writes.perform(.crash) { try $0.execute(sql: "DROP TRIGGER failing") }
    }

    @Test(
        "takes a placement back where a row cannot be written",
        arguments: ["blob", "repository_blob", "garbage"],
        ["ABORT", "ROLLBACK"]
    )
    func undo(_ table: String, _ kind: String) async throws {
        try await Self.withCatalog { catalog, scene in
            let blob = BlobFixture("content")
            try await Self.fail(table, kind, in: catalog)
            let error = await #expect(throws: StorageError.self) { try await scene.push(blob, to: scene.app) }
            #expect(error.map { "\($0)".contains("on purpose") } == true)
            #expect(scene.content.digests == [])
            #expect(scene.content.takenBack == 1)
            #expect(try await !scene.isVisible(blob, in: scene.app))
            #expect(try await scene.tags(of: scene.app) == nil)
            try await Self.mend(catalog)
            try await scene.push(blob, to: scene.app)
            #expect(scene.content.digests == [blob.digest])
        }
    }

    @Test("takes a placement back where the commit fails, and leaves what was there before")
    func failedCommit() async throws {
        try await Self.withCatalog { catalog, scene in
            let new = BlobFixture("new")
            let old = BlobFixture("old")
            try await scene.push(old, to: scene.app)
            let entered = DispatchSemaphore(value: 0)
            let leave = DispatchSemaphore(value: 0)
            async let blocker: Void = catalog.writes.perform(.crash) { _ in
                entered.signal()
                leave.wait()
            }
            await FileBlobStoreSyncTests.wait(for: entered)
            let failures = await withTaskGroup(of: Bool.self) { group in
                group.addTask { (try? await scene.push(new, to: scene.app)) == nil }
                group.addTask { (try? await scene.push(new, to: scene.other)) == nil }
                group.addTask { (try? await scene.push(old, to: scene.other)) == nil }
                group.addTask {
                    let outcome: Void? = try? await catalog.writes.perform(.crash) {
                        try $0.execute(
                            sql: """
                                PRAGMA defer_foreign_keys = ON;
                                INSERT INTO tag_history (repository_id, tag, at) VALUES (-1, 'x', 1);
                                """
                        )
                    }
                    return outcome == nil
                }
                while catalog.writes.waitingCount < 4 { await Task.yield() }
                leave.signal()
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            try await blocker
            #expect(failures == 4)
            #expect(scene.content.digests == [old.digest])
            #expect(try await scene.isVisible(old, in: scene.app))
            #expect(try await !scene.isVisible(old, in: scene.other))
            #expect(try catalog.unknownBlobs(among: [new.digest, old.digest]) == [new.digest])
            try await scene.push(new, to: scene.app)
            #expect(try await scene.isVisible(new, in: scene.app))
        }
    }

    @Test(
        "changes nothing where a manifest cannot be stored whole",
        arguments: ["reference", "tag", "tag_history"]
    )
    func failedPublication(_ table: String) async throws {
        try await Self.withCatalog { catalog, scene in
            let image = try ImageFixture("app")
            for blob in image.blobs { try await scene.push(blob, to: scene.app) }
            try await catalog.markSynced(catalog.unsyncedBlobs().map(\.id))
            try await Self.fail(table, "ABORT", in: catalog)
            await #expect(throws: StorageError.self) {
                try await scene.publish(image.manifest, in: scene.app, tags: [.latest])
            }
            #expect(try await scene.manifest(.digest(image.manifest.digest), in: scene.app) == nil)
            #expect(try await scene.repositories() == [])
            #expect(try await catalog.nextGarbage() == scene.keptUntil)
            try await Self.mend(catalog)
            try await scene.publish(image.manifest, in: scene.app, tags: [.latest])
        }
    }

    @Test("commits a manifest or a deletion as durably as it promises, and a blob as it needs")
    func durability() async throws {
        try await Self.withCatalog { catalog, scene in
            let levels = Shared<[Int]>([])
            // SQLite's own function, called by every insertion and deletion, sees the level in force.
            _ = try await catalog.writes.perform(.crash) { database in
                let function = DatabaseFunction("note_level", argumentCount: 1) { values in
                    levels.update { $0.append(Int.fromDatabaseValue(values[0]) ?? -1) }
                    return nil
                }
                database.add(function: function)
                for (table, event) in [
                    ("repository_blob", "INSERT"), ("repository_blob", "DELETE"), ("manifest", "INSERT"),
                    ("manifest", "DELETE"), ("tag", "DELETE"), ("blob", "DELETE"), ("blob", "UPDATE"),
                ] {
                    try database.execute(
                        sql: """
                            CREATE TEMP TRIGGER level_\(table)_\(event) AFTER \(event) ON \(table)
                            BEGIN SELECT note_level(synchronous) FROM pragma_synchronous; END
                            """
                    )
                }
            }
            let expectLevel = { (level: Int, operation: () async throws -> Void) async throws -> Void in
                levels.update { $0 = [] }
                try await operation()
                #expect(!levels.value.isEmpty && levels.value.allSatisfy { $0 == level })
            }
            let (crash, power) = (1, 2)
            let image = try ImageFixture("app")
            let blob = BlobFixture("content")
            for blob in image.blobs {
                try await expectLevel(crash) { try await scene.push(blob, to: scene.app) }
            }
            try await expectLevel(crash) { _ = try await scene.push(blob, to: scene.app) }
            try await expectLevel(crash) { _ = try await scene.mount(blob, from: nil, to: scene.other) }
            try await expectLevel(power) {
                try await scene.publish(image.manifest, in: scene.app, tags: [.latest, .stable])
            }
            try await expectLevel(power) {
                _ = try await catalog.deleteTag(.stable, in: scene.app, now: scene.clock.now)
            }
            try await expectLevel(power) { _ = try await scene.delete(image.manifest, in: scene.app) }
            try await expectLevel(power) { _ = try await catalog.deleteBlob(blob.digest, in: scene.app) }
            scene.clock.advance(by: CatalogScene.grace)
            try await expectLevel(power) {
                _ = try await catalog.markGarbage(now: scene.clock.now, limit: 10)
            }
            try await expectLevel(crash) { try await scene.sweep() }
            let record = try await scene.push(blob, to: scene.app)
            try await expectLevel(power) { try await catalog.markSynced([record.id]) }
        }
    }
}
