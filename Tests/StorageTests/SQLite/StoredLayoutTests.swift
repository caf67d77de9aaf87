import Foundation
import GRDB
import NIOCore
import OCI
import TestSupport
import Testing

@testable import Storage

@Suite("A store of an earlier layout")
struct StoredLayoutTests {
    /// Writes the dumps that are missing, for whoever has added a step: the one before, with the step taken.
    ///
    /// Rows that only the new step has room for are then added by hand.
    static let writesMissing = ProcessInfo.processInfo.environment["BERTH_TEST_WRITE_LAYOUTS"] != nil

    @Test("is kept for every step that was released, and no released step has changed")
    func everyStep() async throws {
        let steps = Schema.migrator.migrations
        let kept = StoredLayout.all.map(\.number)
        if Self.writesMissing {
            for number in steps.indices.map({ $0 + 1 }) where !kept.contains(number) {
                try Self.write(number)
            }
        }
        #expect(
            kept == Array(1...steps.count),
            "a new step brings Tests/Layouts/NNN.sql along: BERTH_TEST_WRITE_LAYOUTS=1 makes a beginning"
        )
        for layout in StoredLayout.all {
            let last = try #require(layout.number <= steps.count ? steps[layout.number - 1] : nil)
            let made = try DatabaseQueue()
            try Schema.migrator.migrate(made, upTo: last)
            let expected = try await made.read(StoredLayout.schema)
            let found = try await withTemporaryFolder { folder in
                try layout.restoreDatabase(to: folder.file("berth.db"))
                return try await DatabaseQueue(path: folder.file("berth.db")).read(StoredLayout.schema)
            }
            #expect(found == expected, "\(last) makes other tables than when it was released")
        }
    }

    private static func write(_ number: Int) throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let path = folder.file("berth.db")
        try StoredLayout(number: number - 1).restoreDatabase(to: path)
        let database = try DatabaseQueue(path: path)
        try Schema.migrator.migrate(database, upTo: Schema.migrator.migrations[number - 1])
        try database.close()
        try StoredLayout.dump(path).write(
            toFile: StoredLayout.path(number),
            atomically: true,
            encoding: .utf8
        )
    }

    /// A name in a store, and what it stands for.
    private struct Name: Sendable {
        let repository: RepositoryName
        let tag: Tag?
        let digest: OCI.Digest
        let subject: OCI.Digest?
    }

    private static func names(inDatabaseAt path: String) throws -> [Name] {
        let database = try DatabaseQueue(path: path)
        defer { try? database.close() }
        return try database.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT repository.name, tag.name AS tag, manifest.digest, repository_manifest.subject
                    FROM repository_manifest
                    JOIN repository ON repository.id = repository_manifest.repository_id
                    JOIN manifest ON manifest.id = repository_manifest.manifest_id
                    LEFT JOIN tag ON tag.repository_id = repository_manifest.repository_id
                        AND tag.manifest_id = repository_manifest.manifest_id
                    """
            )
            .map { row in
                Name(
                    repository: try RepositoryName(row["name"] as String),
                    tag: try (row["tag"] as String?).map { try Tag($0) },
                    digest: try row.digest("digest"),
                    subject: try (row["subject"] as String?).map { try OCI.Digest($0) }
                )
            }
        }
    }

    @Test("is brought up to date, with every image readable", arguments: StoredLayout.all)
    func opens(_ layout: StoredLayout) async throws {
        try await withTemporaryFolder { folder in
            try layout.restore(to: folder.path)
            let names = try Self.names(inDatabaseAt: folder.file("berth.db"))
            #expect(names.count > 10 && names.contains { $0.subject != nil })
            for _ in 0..<2 {
                try await FolderScene.with(folder.path) { scene in
                    for name in names { try await Self.expectReadable(name, scene) }
                    let repositories = try await scene.catalog.repositoryPage(after: nil, limit: 10)
                    #expect(repositories.elements.count == 4)
                    try await scene.expectWhole("\(layout.testDescription)")
                }
            }
            try CatalogInvariants.expectNoneWithCommand(inDatabaseAt: folder.file("berth.db"))
            // As if it had been made today.
            let updated = try await DatabaseQueue(path: folder.file("berth.db")).read(StoredLayout.schema)
            let made = try DatabaseQueue()
            try Schema.migrator.migrate(made)
            #expect(try await updated == made.read(StoredLayout.schema))
        }
    }

    private static func expectReadable(_ name: Name, _ scene: FolderScene) async throws {
        let reference = name.tag.map(Reference.tag) ?? .digest(name.digest)
        let record = try #require(try await scene.manifest(reference, in: name.repository), "\(name)")
        #expect(record.digest == name.digest)
        #expect(OCI.Digest(of: record.bytes) == name.digest)
        for reference in try Manifest(parsing: record.bytes, contentType: record.mediaType).references {
            let digest = reference.descriptor.digest
            if reference.kind == .manifest {
                #expect(try await scene.manifest(.digest(digest), in: name.repository) != nil)
                continue
            }
            let blob = try #require(try await scene.catalog.blob(digest, in: name.repository), "\(digest)")
            let algorithm = try #require(digest.supportedAlgorithm)
            let open = try #require(try await scene.blobs.open(digest, size: blob.size), "\(digest)")
            let bytes = try await Array(open.read(0..<open.size).readableBytesView)
            #expect(OCI.Digest(of: bytes, algorithm: algorithm) == digest)
        }
        if let subject = name.subject {
            let page = try await scene.catalog.referrerPage(
                of: subject,
                in: name.repository,
                artifactType: nil,
                after: nil,
                limit: 100,
                maximumSize: 1_000_000
            )
            let descriptors = page.elements.map { String(decoding: $0.descriptor, as: UTF8.self) }
            #expect(descriptors.contains { $0.contains(name.digest.description) }, "\(name)")
        }
    }

    @Test(
        "is as it was where a step fails, however many have been taken before it",
        arguments: [
            (2, "CREATE TABLE referrer (id INTEGER)", "DROP TABLE referrer"),
            (3, "CREATE TABLE upload_part (id INTEGER)", "DROP TABLE upload_part"),
            (
                4, "ALTER TABLE tag ADD COLUMN is_immutable INTEGER",
                "ALTER TABLE tag DROP COLUMN is_immutable"
            ),
            (5, "CREATE TABLE packaging_memo_hint (id INTEGER)", "DROP TABLE packaging_memo_hint"),
            (6, "CREATE TABLE attachment_manifest (id INTEGER)", "DROP TABLE attachment_manifest"),
        ]
    )
    func failingStep(_ number: Int, _ obstacle: String, _ remedy: String) async throws {
        // A name is taken that the step wants to give, to the last thing that it makes.
        for layout in StoredLayout.all where layout.number < number {
            try await withTemporaryFolder { folder in
                let path = folder.file("berth.db")
                try layout.restore(to: folder.path)
                let database = try DatabaseQueue(path: path)
                try await database.writeWithoutTransaction { try $0.execute(sql: obstacle) }
                try database.close()
                let before = try StoredLayout.dump(path)
                await #expect(throws: StorageError.self) { _ = try await SQLiteCatalog(path: path) }
                #expect(try StoredLayout.dump(path) == before)

                let again = try DatabaseQueue(path: path)
                try await again.writeWithoutTransaction { try $0.execute(sql: remedy) }
                try again.close()
                try await FolderScene.with(folder.path) { try await $0.expectWhole() }
            }
        }
    }
}
