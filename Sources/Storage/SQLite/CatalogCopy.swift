import GRDB
package import OCI

/// A catalog in a file of its own that nobody works with: a backup's, or one that is being restored.
///
/// Its methods block.
package final class CatalogCopy: Sendable {
    private let database: DatabaseQueue

    /// Copies what a connection sees.
    init(of source: some DatabaseReader, to path: String, now: Timestamp) throws {
        do {
            database = try DatabaseQueue(path: path)
            try source.backup(to: database)
            try database.write { database in
                try database.run("DELETE FROM store WHERE key IN ('open', 'scrub')")
                try database.run(
                    "INSERT OR REPLACE INTO store (key, value) VALUES ('restored', ?)",
                    [String(now.milliseconds)]
                )
                try Self.forgetDeleted(database)
            }
        } catch {
            throw StorageError(error)
        }
    }

    /// Opens the copy of a catalog that is to be restored, whatever its last owner left undone.
    ///
    /// - Throws: `StorageError.database` for one that a newer program has written.
    package init(restoring path: String) throws {
        do {
            database = try DatabaseQueue(path: path)
            guard try database.read(Schema.migrator.hasBegun) else {
                throw StorageError.database(
                    "the backup's berth.db holds no catalog: it is empty, or was cut off"
                )
            }
            if try database.read(Schema.migrator.hasBeenSuperseded) {
                throw StorageError.database(
                    "the backup was written by a newer version of this program; use that one"
                )
            }
            try Schema.migrator.migrate(database)
            try database.write { database in
                try database.run("DELETE FROM store WHERE key IN ('open', 'scrub', 'restored')")
                try Self.forgetDeleted(database)
            }
        } catch let error as DatabaseError {
            throw StorageError.opening(path, error)
        } catch {
            throw StorageError(error)
        }
    }

    /// What was about to be removed needs not be copied.
    private static func forgetDeleted(_ database: Database) throws {
        try database.run("DELETE FROM blob WHERE state = 1")
    }

    /// Blobs that are known to be damaged, and so are not among the others.
    package func quarantined() throws -> [Digest] {
        try reading { database in
            try database.rows("SELECT digest FROM blob WHERE state = 2 ORDER BY id")
                .map { try $0.digest("digest") }
        }
    }

    /// Blobs that are there, in order, those behind `last`.
    package func blobs(after last: BlobRecord.ID?, limit: Int) throws -> [CopiedBlob] {
        try reading { database in
            try database.rows(
                "SELECT id, digest, size, synced FROM blob WHERE id > ? AND state = 0 ORDER BY id LIMIT ?",
                [last?.rowID ?? 0, limit]
            )
            .map { CopiedBlob(record: try $0.blobRecord(), isSynced: $0["synced"] == 1) }
        }
    }

    /// How many bytes all of these have together.
    package func size() throws -> Int64 {
        try reading { database in
            try database.row("SELECT coalesce(sum(size), 0) AS size FROM blob WHERE state = 0")?["size"] ?? 0
        }
    }

    /// Records that the bytes of some blobs are not with the copy.
    package func quarantine(_ blobs: [BlobRecord.ID]) throws {
        do {
            try database.write { database in
                for blob in blobs {
                    try database.run("UPDATE blob SET state = 2 WHERE id = ?", [blob.rowID])
                }
            }
        } catch {
            throw StorageError(error)
        }
    }

    /// Records that the bytes of everything else are, and durable, and closes the copy: one file, without a log beside it.
    package func finish() throws {
        do {
            try database.write { _ = try $0.run("UPDATE blob SET synced = 1 WHERE synced = 0") }
            try database.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA journal_mode = DELETE")
            }
            try database.close()
        } catch {
            throw StorageError(error)
        }
    }

    /// Closes the copy as it is.
    package func abandon() { try? database.close() }

    private func reading<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do { return try database.read(body) } catch { throw StorageError(error) }
    }
}
