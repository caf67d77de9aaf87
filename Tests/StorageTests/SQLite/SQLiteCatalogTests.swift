import Foundation
import GRDB
import OCI
import TestSupport
import Testing

@testable import Storage

/// What the SQLite catalog does beyond what any implementation promises.
@Suite("A SQLite catalog")
struct SQLiteCatalogTests {
    /// Runs a test with a catalog, and looks at all its rows afterwards.
    static func withCatalog(_ body: (SQLiteCatalog, CatalogScene) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let catalog = try await SQLiteCatalog(path: folder.file("berth.db"))
        try await body(catalog, CatalogScene(catalog, content: PlacedContent()))
        try await CatalogInvariants.expectNone(in: catalog)
        try await catalog.close()
        try CatalogInvariants.expectNoneWithCommand(inDatabaseAt: folder.file("berth.db"))
    }

    @Test("knows whether it was closed")
    func wasInterrupted() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.file("berth.db")
        for (isClean, wasInterrupted) in [
            (true, false), (true, false), (false, false), (false, true), (true, true),
        ] {
            let catalog = try await SQLiteCatalog(path: path)
            #expect(catalog.wasInterrupted == wasInterrupted)
            if isClean { try await catalog.close() } else { try catalog.closeAsAfterCrash() }
        }
        let catalog = try await SQLiteCatalog(path: path)
        #expect(!catalog.wasInterrupted)
        try await catalog.close()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["berth.db"])
    }

    @Test("refuses a database that a newer program has written, and says so")
    func newer() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.file("berth.db")
        let catalog = try await SQLiteCatalog(path: path)
        _ = try await catalog.writes.perform(.power) {
            try $0.run("INSERT INTO grdb_migrations (identifier) VALUES ('9999 something to come')")
        }
        try await catalog.close()
        let error = await #expect(throws: StorageError.self) { _ = try await SQLiteCatalog(path: path) }
        guard case .database(let problem) = error else {
            Issue.record("it was \(String(describing: error))")
            return
        }
        #expect(problem.contains(path) && problem.contains("newer version"))
        // It was not touched: not even marked as being in use.
        let database = try DatabaseQueue(path: path)
        #expect(try await database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM store") } == 0)
        try database.close()
    }

    @Test("says what it cannot open", arguments: ["text", "folder", "nowhere"])
    func cannotOpen(_ kind: String) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        var path = folder.file("berth.db")
        switch kind {
        case "text":
            try Data(String(repeating: "This is no database. ", count: 100).utf8).write(
                to: URL(filePath: path)
            )
        case "folder":
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        default: path = folder.file("nowhere/berth.db")
        }
        let error = await #expect(throws: StorageError.self) { _ = try await SQLiteCatalog(path: path) }
        // Not that too many files are open, which is what SQLite's error means later.
        guard case .database = error else {
            Issue.record("it was \(String(describing: error))")
            return
        }
    }

    @Test("keeps a history of each tag")
    func history() async throws {
        try await Self.withCatalog { catalog, scene in
            let first = try ImageFixture("first")
            let second = try ImageFixture("second")
            try await scene.push(first, to: scene.app, tags: [.latest, .stable])
            try await scene.push(first, to: scene.other, tags: [.latest])
            scene.clock.advance(by: .seconds(1))
            try await scene.push(second, to: scene.app, tags: [.latest])
            try await scene.push(second, to: scene.app, tags: [.latest])
            scene.clock.advance(by: .seconds(1))
            _ = try await scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now)
            scene.clock.advance(by: .seconds(1))
            _ = try await scene.delete(first.manifest, in: scene.app)
            let rows = try await catalog.read { database in
                try Row.fetchAll(
                    database,
                    sql: """
                        SELECT tag, digest, at FROM tag_history JOIN repository ON repository.id = repository_id
                        WHERE name = 'team/app' ORDER BY tag_history.id
                        """
                )
                .map { row -> [String] in
                    let at: Int64 = row["at"]
                    return [row["tag"], row["digest"] ?? "gone", "\(at - 1_000_000_000_000)"]
                }
            }
            let (a, b) = (first.manifest.digest.description, second.manifest.digest.description)
            #expect(
                rows == [
                    ["latest", a, "0"], ["stable", a, "0"], ["latest", b, "1000"],
                    ["latest", "gone", "2000"],
                    ["stable", "gone", "3000"],
                ]
            )
        }
    }

    @Test("forgets what a tag pointed to a hundred changes ago, and nothing of other tags")
    func boundedHistory() async throws {
        try await Self.withCatalog { catalog, scene in
            let images = [try ImageFixture("first"), try ImageFixture("second")]
            try await scene.push(images[0], to: scene.app, tags: [.stable])
            try await scene.push(images[1], to: scene.app)
            for number in 0..<130 {
                try await scene.publish(images[number % 2].manifest, in: scene.app, tags: [.latest])
            }
            let kept = try await catalog.read { database in
                try Row.fetchAll(database, sql: "SELECT tag, digest FROM tag_history ORDER BY id")
                    .map { [$0["tag"] as String, $0["digest"] as String] }
            }
            let digests = images.map(\.manifest.digest.description)
            #expect(kept == [["stable", digests[0]]] + (30..<130).map { ["latest", digests[$0 % 2]] })
        }
    }

    @Test("knows since when a manifest has no tag that had one")
    func untagged() async throws {
        try await Self.withCatalog { catalog, scene in
            let first = try ImageFixture("first")
            let second = try ImageFixture("second")
            let index = try ManifestFixture.index([first.manifest.descriptor])
            let untaggedAt = { (manifest: ManifestFixture) async throws -> Int64? in
                try await catalog.read { database in
                    try Int64.fetchOne(
                        database,
                        sql: """
                            SELECT untagged_at FROM repository_manifest JOIN manifest ON manifest.id = manifest_id
                            WHERE digest = ?
                            """,
                        arguments: [manifest.digest.description]
                    )
                }
            }
            try await scene.push(first, to: scene.app)
            // Never tagged: it may belong to an index that is still to come.
            #expect(try await untaggedAt(first.manifest) == nil)
            try await scene.publish(first.manifest, in: scene.app, tags: [.latest, .stable])
            try await scene.push(second, to: scene.app, tags: [.latest])
            #expect(try await untaggedAt(first.manifest) == nil)
            let now = scene.clock.advance(by: .seconds(5))
            try await scene.publish(second.manifest, in: scene.app, tags: [.stable])
            #expect(try await untaggedAt(first.manifest) == now.milliseconds)
            try await scene.publish(first.manifest, in: scene.app, tags: [.stable])
            #expect(try await untaggedAt(first.manifest) == nil)
            let later = scene.clock.advance(by: .seconds(5))
            _ = try await catalog.deleteTag(.stable, in: scene.app, now: later)
            #expect(try await untaggedAt(first.manifest) == later.milliseconds)

            // One that an index listed counts from when that goes.
            try await scene.publish(index, in: scene.app, tags: [.edge])
            let last = scene.clock.advance(by: .seconds(5))
            _ = try await scene.delete(index, in: scene.app)
            #expect(try await untaggedAt(first.manifest) == last.milliseconds)
        }
    }

    @Test("does not show a tag that has expired, and lets it be used again")
    func expired() async throws {
        try await Self.withCatalog { catalog, scene in
            let first = try ImageFixture("first")
            let second = try ImageFixture("second")
            try await scene.push(first, to: scene.app, tags: [.latest])
            try await scene.push(second, to: scene.app)
            let end = scene.clock.now + .seconds(10)
            let expire: @Sendable () async throws -> Void = {
                _ = try await catalog.writes.perform(.power) {
                    try $0.run("UPDATE tag SET expires_at = ?", [end])
                }
            }
            try await expire()
            scene.clock.advance(by: .seconds(10) - .milliseconds(1))
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) != nil)
            #expect(try await scene.tags(of: scene.app) == ["latest"])
            scene.clock.advance(by: .milliseconds(1))
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) == nil)
            #expect(try await scene.tags(of: scene.app) == [])
            #expect(try await !catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now))
            #expect(try await scene.publish(first.manifest, in: scene.app, tags: [.latest]))
            #expect(try await scene.tags(of: scene.app) == ["latest"])

            try await expire()
            #expect(try await scene.publish(second.manifest, in: scene.app, tags: [.latest]))
            let untagged = try await catalog.read { database in
                try String.fetchAll(
                    database,
                    sql: """
                        SELECT digest FROM repository_manifest JOIN manifest ON manifest.id = manifest_id
                        WHERE untagged_at IS NOT NULL
                        """
                )
            }
            #expect(untagged == [first.manifest.digest.description])
        }
    }

    @Test("heals or collects a blob that is quarantined")
    func quarantine() async throws {
        try await Self.withCatalog { catalog, scene in
            let blob = BlobFixture("content")
            let quarantine: @Sendable () async throws -> Void = {
                _ = try await catalog.writes.perform(.power) {
                    try $0.run("UPDATE blob SET state = 2, synced = 1")
                }
            }
            try await scene.push(blob, to: scene.app)
            try await quarantine()
            #expect(try await !scene.isVisible(blob, in: scene.app))
            #expect(try await scene.mount(blob, from: nil, to: scene.other) == nil)
            let copy = scene.content.copy(of: blob.digest)
            try await scene.push(blob, to: scene.other)
            #expect(scene.content.copy(of: blob.digest) != copy)
            #expect(try await scene.isVisible(blob, in: scene.app))
            #expect(try await scene.catalog.unsyncedBlobs().map(\.digest) == [blob.digest])
            try await quarantine()
            scene.clock.advance(by: CatalogScene.grace)
            #expect(try await scene.collect() == [blob.digest])
        }
    }

    @Test("reads for a task that is cancelled, as its cleaning up needs it")
    func cancelledRead() async throws {
        try await Self.withCatalog { catalog, scene in
            let record = try await scene.push(BlobFixture("content"), to: scene.app)
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await catalog.unsyncedBlobs()
            }
            #expect(try await task.value == [record])
        }
    }

    @Test("lists the referrers of a database that was made before there were such lists")
    func migration() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let image = try ImageFixture("app")
        let artifacts = try CatalogReferrerConformance.artifacts(3, about: image)
        func withScene(_ body: (SQLiteCatalog, CatalogScene) async throws -> Void) async throws {
            let catalog = try await SQLiteCatalog(path: folder.file("berth.db"))
            try await body(catalog, CatalogScene(catalog, content: PlacedContent()))
            try await catalog.close()
        }
        try await withScene { catalog, scene in
            try await scene.push(CatalogReferrerConformance.configuration, to: scene.app)
            for artifact in artifacts { try await scene.publish(artifact, in: scene.app) }
            // As the first version left it.
            _ = try await catalog.writes.perform(.power) { database in
                try database.run("DROP TABLE referrer")
                try database.run("DELETE FROM grdb_migrations WHERE identifier = '2 referrers'")
                try database.run(
                    """
                    CREATE INDEX repository_manifest_subject
                    ON repository_manifest (repository_id, subject, manifest_id) WHERE subject IS NOT NULL
                    """
                )
            }
        }
        try await withScene { catalog, scene in
            let page = try await scene.catalog.referrerPage(
                of: image.manifest.digest,
                in: scene.app,
                artifactType: nil,
                after: nil,
                limit: 10,
                maximumSize: 1 << 20
            )
            #expect(page.elements.map(\.descriptor) == artifacts.map(CatalogReferrerConformance.descriptor))
            try await CatalogInvariants.expectNone(in: catalog)
        }
    }

    @Test("finds rows by their place in a tree, whatever it is asked, and sorts none")
    func queryPlans() async throws {
        try await Self.withCatalog { catalog, scene in
            let statements = Shared<Set<String>>([])
            let trace: @Sendable (Database) -> Void = { database in
                database.trace { event in
                    let sql = "\(event)"
                    let verbs = ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE"]
                    if verbs.contains(where: sql.hasPrefix) { statements.update { _ = $0.insert(sql) } }
                }
            }
            _ = try await catalog.writes.perform(.crash) { trace($0) }
            try await catalog.read { trace($0) }
            try await Self.doEverything(scene)
            #expect(statements.value.count > 40)
            for sql in statements.value {
                let plan = try await catalog.writes.perform(.crash) { database in
                    let statement = try database.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
                    statement.setUncheckedArguments([])
                    return try Row.fetchAll(statement).map { $0["detail"] as String }
                }
                #expect(
                    !sql.contains("artifact_type = ? AND")
                        || plan[0].contains("artifact_type=? AND manifest_id>?"),
                    "\(plan): \(sql)"
                )
                for step in plan {
                    // Of an index of what waits, or of a query's own rows, every row is wanted.
                    let isSmall = ["blob_unsynced", "blob_deleted", "CONSTANT ROW", "above", "json_each"]
                        .contains {
                            step.contains($0)
                        }
                    #expect(!step.hasPrefix("SCAN") || isSmall, "\(step): \(sql)")
                    #expect(!step.contains("TEMP B-TREE"), "\(step): \(sql)")
                    // A repository has thousands of rows: its number alone is no place in a tree.
                    #expect(!step.hasSuffix("(repository_id=?)"), "\(step): \(sql)")
                }
            }
        }
    }

    /// Comes by every statement that there is.
    static func doEverything(_ scene: CatalogScene) async throws {
        let image = try ImageFixture("app")
        let index = try ManifestFixture.index([image.manifest.descriptor])
        let blob = BlobFixture("content")
        try await scene.push(image, to: scene.app, tags: [.latest])
        try await scene.publish(index, in: scene.app, tags: [.latest, .stable])
        let record = try await scene.push(blob, to: scene.app)
        try await scene.publish(ManifestFixture.index([index.descriptor]), in: scene.app)
        try await scene.catalog.markSynced([record.id])
        scene.content.remove(blob.digest)
        _ = try await scene.push(blob, to: scene.app)
        _ = try await scene.mount(blob, from: scene.app, to: scene.other)
        _ = try await scene.mount(blob, from: nil, to: scene.other)
        scene.clock.advance(by: .seconds(1))
        _ = try await scene.keep(blob, in: scene.app)
        _ = try await scene.isVisible(blob, in: scene.app)
        _ = try await scene.manifest(.tag(.latest), in: scene.app)
        _ = try await scene.manifest(.digest(index.digest), in: scene.app)
        _ = try await scene.tags(of: scene.app)
        _ = try await scene.repositories()
        let configuration = BlobFixture("{}")
        try await scene.push(configuration, to: scene.app)
        let type = try MediaType("application/spdx+json")
        let artifact = try ManifestFixture.artifact(
            type,
            about: image.manifest.descriptor,
            configuration: configuration
        )
        try await scene.publish(artifact, in: scene.app, tags: [.edge])
        await #expect(throws: StorageError.self) {
            try await scene.publish(image.manifest, in: scene.app, tags: [.edge], immutableTags: [.edge])
        }
        for type in [nil, type.rawValue] {
            _ = try await scene.catalog.referrerPage(
                of: image.manifest.digest,
                in: scene.app,
                artifactType: type,
                after: nil,
                limit: 10,
                maximumSize: 1000
            )
        }
        _ = try await scene.catalog.referrers(
            of: image.manifest.digest,
            in: scene.app,
            among: [artifact.digest]
        )
        _ = try await scene.delete(artifact, in: scene.app)
        for (number, name) in ["linux/amd64", "linux/arm64"].enumerated() {
            for tag in [Tag.edge, .stable] {
                _ = try await scene.catalog.publishPart(
                    PartPublication(
                        image: ImageFixture("app").manifest.publication(in: scene.app, now: scene.clock.now),
                        platform: try #require(Platform(name)),
                        tag: tag,
                        isTagImmutable: number == 1,
                        key: "build",
                        expected: tag == .edge ? [] : [try #require(Platform("linux/386"))],
                        openUntil: scene.clock.now
                    )
                )
            }
        }
        _ = try await scene.catalog.closeGroups(
            now: scene.clock.now,
            keptUntil: scene.keptUntil,
            limit: 10
        )
        _ = try scene.catalog.unknownBlobs(among: [blob.digest])
        _ = try await scene.catalog.deleteTag(.stable, in: scene.app, now: scene.clock.now)
        for unsynced in try await scene.catalog.unsyncedBlobs() {
            try await scene.catalog.dropUnsynced(unsynced.id, removing: { scene.content.remove($0) })
        }
        try await scene.push(image, to: scene.other, tags: [.latest])
        try await scene.push(configuration, to: scene.other)
        var publication = image.manifest.publication(in: scene.other, now: scene.clock.now)
        publication.attached = [artifact.publication(in: scene.other, now: scene.clock.now)]
        if case .unsynced(let blobs) = try await scene.catalog.publishManifest(publication) {
            publication.synced.formUnion(blobs.map(\.id))
            _ = try await scene.catalog.publishManifest(publication)
        }
        _ = try await scene.delete(image.manifest, in: scene.other)
        try await scene.push(blob, to: scene.app)
        _ = try await scene.catalog.deleteBlob(blob.digest, in: scene.app)
        scene.clock.advance(by: CatalogScene.grace)
        _ = try await scene.catalog.nextGarbage()
        try await scene.collect()
        _ = try await scene.catalog.nextGarbage()
    }
}
