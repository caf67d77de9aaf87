import GRDB
import OCI
import TestSupport
import Testing

@testable import Storage

/// Records that contradict each other, as only another hand or a broken disk makes them.
@Suite("A SQLite catalog whose records contradict each other")
struct SQLiteReconciliationTests {
    /// What is done to the tables, and what is said of it.
    struct Damage: Sendable, CustomTestStringConvertible {
        let sql: String
        let kind: String
        var testDescription: String { kind }

        static let all = [
            Damage(sql: "UPDATE repository SET manifest_count = 7", kind: "counts of manifests"),
            Damage(
                sql: "INSERT INTO reference SELECT 1, 'sha256:00', 1, 1; DELETE FROM repository_manifest",
                kind: "references of manifests that are not there"
            ),
            Damage(sql: "DELETE FROM repository_manifest", kind: "tags of manifests that are not there"),
            Damage(sql: "DELETE FROM tag", kind: "histories of tags"),
            Damage(
                sql: "UPDATE repository_manifest SET untagged_at = 1",
                kind: "moments of losing the last tag"
            ),
            Damage(
                sql: "DELETE FROM repository_blob WHERE blob_id = 1",
                kind: "blobs of no repository that an image needs"
            ),
            Damage(
                sql:
                    "INSERT INTO blob (digest, size, created_at) VALUES ('sha256:\(String(repeating: "0", count: 64))', 1, 1)",
                kind: "blobs of no repository"
            ),
            Damage(
                sql: "DELETE FROM reference",
                kind: "blobs that nothing refers to and nobody would collect"
            ),
        ]
    }

    @Test("is mended, and only told of it in a rehearsal", arguments: Damage.all)
    func mends(_ damage: Damage) async throws {
        try await CatalogImplementation.sqlite.withScene { scene in
            let catalog = try #require(scene.catalog as? SQLiteCatalog)
            try await scene.push(try ImageFixture("app"), to: scene.app, tags: [.latest])
            try await catalog.writes.perform(.crash) { database in try database.execute(sql: damage.sql) }
            func reconcile(isRehearsal: Bool) async throws -> [String] {
                try await scene.catalog.reconcileRecords(
                    isRehearsal: isRehearsal,
                    keptUntil: scene.keptUntil,
                    now: scene.clock.now
                ).map(\.kind)
            }
            #expect(try await reconcile(isRehearsal: true).contains(damage.kind))
            #expect(try await reconcile(isRehearsal: true).contains(damage.kind))
            #expect(try await reconcile(isRehearsal: false).contains(damage.kind))
            #expect(try await reconcile(isRehearsal: false) == [])
            let left = try await catalog.read { database in
                try CatalogInvariants.violations.filter { name, query in
                    // A manifest that is in no repository any more waits for nobody.
                    try name != "a manifest in no repository"
                        && !String.fetchAll(database, sql: query).isEmpty
                }.map(\.key)
            }
            #expect(left == [], "\(left)")
        }
    }

    @Test("A manifest's records are made anew of its bytes, and a damaged one is healed by its push")
    func rebuilds() async throws {
        try await CatalogImplementation.sqlite.withScene { scene in
            let catalog = try #require(scene.catalog as? SQLiteCatalog)
            let image = try ImageFixture("app")
            try await scene.push(image, to: scene.app, tags: [.latest])
            func problems() async throws -> [ManifestProblem] {
                try await catalog.withSnapshot(now: scene.clock.now) { snapshot in
                    var found: [ManifestProblem] = []
                    try snapshot.forEachManifest(of: .everything) {
                        found += try snapshot.problems(of: $0, isSparse: false)
                    }
                    return found
                }
            }
            for sql in [
                "DELETE FROM reference WHERE kind = 1", "UPDATE reference SET kind = 2 WHERE kind = 0",
                "UPDATE repository_manifest SET artifact_type = 'a/b'",
                "INSERT INTO referrer SELECT 1, 'sha256:00', 1, NULL, x'00'",
                "INSERT INTO reference VALUES (1, 'sha256:00', 1, 1)",
            ] {
                try await catalog.writes.perform(.crash) { try $0.execute(sql: sql) }
                #expect(try await problems() == [.misrecorded], "\(sql)")
                #expect(try await scene.catalog.rebuildRecords(of: image.manifest.digest, in: scene.app))
                #expect(try await problems() == [], "\(sql)")
                try await CatalogInvariants.expectNone(in: catalog)
            }
            try await catalog.writes.perform(.crash) { database in
                try database.execute(sql: "DELETE FROM repository_blob; DELETE FROM blob WHERE id = 1")
            }
            #expect(try await problems() == [.missing(image.blobs.map(\.digest))])
            try await catalog.writes.perform(.crash) { database in
                try database.execute(sql: "UPDATE manifest SET bytes = x'7b7d'")
            }
            #expect(try await problems() == [.damaged])
            #expect(try await !scene.catalog.rebuildRecords(of: image.manifest.digest, in: scene.app))
            try await scene.push(image, to: scene.app, tags: [.latest])
            #expect(try await problems() == [])
            try await CatalogInvariants.expectNone(in: catalog)
        }
    }
}
