import Foundation
import GRDB
import OCI
import TestSupport
import Testing

@testable import Storage

/// What is true of the rows of every catalog at every moment.
enum CatalogInvariants {
    /// Each query finds what must not be.
    static let violations = [
        "a count of manifests that is wrong": """
        SELECT name FROM repository WHERE manifest_count <>
        (SELECT count(*) FROM repository_manifest WHERE repository_id = repository.id)
        """,
        "a reference without its manifest": """
        SELECT target FROM reference WHERE NOT EXISTS (SELECT 1 FROM repository_manifest
        WHERE repository_id = reference.repository_id AND manifest_id = reference.manifest_id)
        """,
        "a tag to a manifest that the repository has not": """
        SELECT name FROM tag WHERE NOT EXISTS (SELECT 1 FROM repository_manifest
        WHERE repository_id = tag.repository_id AND manifest_id = tag.manifest_id)
        """,
        "a manifest in no repository": """
        SELECT digest FROM manifest
        WHERE NOT EXISTS (SELECT 1 FROM repository_manifest WHERE manifest_id = manifest.id)
        """,
        "a manifest of another size than its bytes":
            "SELECT digest FROM manifest WHERE size <> length(bytes)",
        "a blob that is present in no repository": """
        SELECT digest FROM blob
        WHERE state = 0 AND NOT EXISTS (SELECT 1 FROM repository_blob WHERE blob_id = blob.id)
        """,
        "a blob in a repository that is being deleted": """
        SELECT digest FROM blob JOIN repository_blob ON blob_id = blob.id WHERE state = 1
        """,
        "a blob that nothing refers to and nobody will look at": """
        SELECT blob.digest FROM blob JOIN repository_blob ON blob_id = blob.id
        WHERE NOT EXISTS (SELECT 1 FROM reference
            WHERE reference.repository_id = repository_blob.repository_id AND target = blob.digest)
        AND NOT EXISTS (SELECT 1 FROM garbage
            WHERE garbage.repository_id = repository_blob.repository_id AND garbage.digest = blob.digest)
        """,
        "something that waits in no repository": """
        SELECT digest FROM garbage WHERE NOT EXISTS (SELECT 1 FROM repository WHERE id = repository_id)
        """,
        "a reference to nothing": """
        SELECT target FROM reference WHERE NOT EXISTS (
            SELECT 1 FROM blob JOIN repository_blob ON blob_id = blob.id
            WHERE blob.digest = target AND repository_blob.repository_id = reference.repository_id)
        AND NOT EXISTS (
            SELECT 1 FROM manifest JOIN repository_manifest ON repository_manifest.manifest_id = manifest.id
            WHERE manifest.digest = target
            AND repository_manifest.repository_id = reference.repository_id)
        """,
        "a manifest without a tag that is said to have one, or the reverse": """
        SELECT manifest_id FROM repository_manifest WHERE untagged_at IS NOT NULL AND EXISTS
        (SELECT 1 FROM tag WHERE tag.repository_id = repository_manifest.repository_id
            AND tag.manifest_id = repository_manifest.manifest_id)
        """,
        "a manifest with a subject that no list of referrers names": """
        SELECT manifest_id FROM repository_manifest WHERE subject IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM referrer WHERE referrer.repository_id = repository_manifest.repository_id
            AND referrer.manifest_id = repository_manifest.manifest_id
            AND referrer.subject = repository_manifest.subject
            AND referrer.artifact_type IS repository_manifest.artifact_type)
        """,
        "a referrer that is no manifest of the repository": """
        SELECT manifest_id FROM referrer WHERE NOT EXISTS
        (SELECT 1 FROM repository_manifest WHERE referrer.repository_id = repository_manifest.repository_id
            AND referrer.manifest_id = repository_manifest.manifest_id
            AND referrer.subject = repository_manifest.subject)
        """,
        "a part of a group that the repository has not": """
        SELECT upload_part.manifest_id FROM upload_part JOIN upload_group ON upload_group.id = group_id
        WHERE NOT EXISTS (SELECT 1 FROM repository_manifest
            WHERE repository_manifest.repository_id = upload_group.repository_id
            AND repository_manifest.manifest_id = upload_part.manifest_id)
        """,
        "something attached that the repository has not, or to nothing": """
        SELECT manifest_id FROM attachment WHERE NOT EXISTS (SELECT 1 FROM referrer
            JOIN manifest ON manifest.digest = referrer.subject AND manifest.id = attachment.subject_id
            JOIN repository_manifest ON repository_manifest.repository_id = attachment.repository_id
                AND repository_manifest.manifest_id = attachment.subject_id
            WHERE referrer.repository_id = attachment.repository_id AND referrer.manifest_id = attachment.manifest_id)
        """,
        "a tag whose history ends otherwise": """
        SELECT tag.name FROM tag JOIN manifest ON manifest.id = tag.manifest_id WHERE manifest.digest IS NOT
        (SELECT digest FROM tag_history WHERE tag_history.repository_id = tag.repository_id
            AND tag_history.tag = tag.name ORDER BY id DESC LIMIT 1)
        """,
        "a tag that is gone and whose history goes on": """
        SELECT last.tag FROM tag_history AS last WHERE last.digest IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM tag_history AS later WHERE later.repository_id = last.repository_id
            AND later.tag = last.tag AND later.id > last.id)
        AND NOT EXISTS (SELECT 1 FROM tag WHERE tag.repository_id = last.repository_id AND name = last.tag)
        """,
    ]

    /// Looks for violations in a catalog that is open.
    ///
    /// `absent`: layers that a repository may lack.
    static func expectNone(
        in catalog: SQLiteCatalog,
        absent: [OCI.Digest] = [],
        _ comment: Comment? = nil
    ) async throws {
        for (name, query) in violations {
            let found = try await catalog.read { try String.fetchAll($0, sql: query) }
            #expect(isNone(found, absent), "\(name): \(found) \(comment?.rawValue ?? "")")
        }
        let foreign = try await catalog.read {
            try Row.fetchAll($0, sql: "PRAGMA foreign_key_check").map(\.description)
        }
        #expect(foreign == [], comment)
        let integrity = try await catalog.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
        #expect(integrity == ["ok"], comment)
    }

    private static func isNone(_ found: [String], _ absent: [OCI.Digest]) -> Bool {
        found.allSatisfy { absent.map(\.description).contains($0) }
    }

    /// Has the `sqlite3` command look at a database that is closed.
    static func expectNoneWithCommand(inDatabaseAt path: String, absent: [OCI.Digest] = []) throws {
        guard let command = SQLiteCommand.path else { return }
        #expect(try SQLiteCommand.run(command, path, "PRAGMA integrity_check") == "ok\n")
        #expect(try SQLiteCommand.run(command, path, "PRAGMA foreign_key_check") == "")
        for (name, query) in violations {
            let found = try SQLiteCommand.run(command, path, query).split(separator: "\n").map(String.init)
            #expect(isNone(found, absent), "\(name): \(found)")
        }
    }
}

/// The `sqlite3` command line, which is not the library that wrote the database.
enum SQLiteCommand {
    /// Nil where it is not installed.
    static let path = ["/usr/bin/sqlite3", "/usr/local/bin/sqlite3"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    static func run(_ command: String, _ database: String, _ query: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: command)
        process.arguments = ["-batch", "-init", "/dev/null", database, query]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(query)")
        return String(decoding: data, as: UTF8.self)
    }
}
