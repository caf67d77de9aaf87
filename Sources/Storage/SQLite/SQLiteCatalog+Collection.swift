import GRDB
package import OCI

extension SQLiteCatalog {
    package func nextGarbage() async throws -> Timestamp? {
        try await read { database in
            if try database.exists("SELECT 1 FROM blob WHERE state = 1 LIMIT 1") { return .distantPast }
            return try database.row("SELECT min(due) AS due FROM garbage")?["due"]
        }
    }

    package func markGarbage(now: Timestamp, limit: Int) async throws -> Int {
        try await writes.perform(.power) { database in
            let rows = try database.rows(
                "SELECT repository_id, digest FROM garbage WHERE due <= ? ORDER BY due LIMIT ?",
                [now, limit]
            )
            for row in rows {
                let repositoryID: Int64 = row["repository_id"]
                let digest: String = row["digest"]
                try database.run(
                    "DELETE FROM garbage WHERE repository_id = ? AND digest = ?",
                    [repositoryID, digest]
                )
                if try database.isReferenced(digest, repositoryID: repositoryID) { continue }
                // In whatever state: one that is damaged is no more needed than one that is whole.
                let blob = try database.row(
                    """
                    SELECT blob.id FROM blob
                    JOIN repository_blob ON repository_blob.blob_id = blob.id AND repository_id = ?
                    WHERE blob.digest = ?
                    """,
                    [repositoryID, digest]
                )
                if let blob {
                    try database.unlink(blobID: blob["id"], digest: digest, repositoryID: repositoryID)
                }
            }
            return rows.count
        }
    }

    package func sweepGarbage(
        limit: Int,
        removing remove: @escaping @Sendable (Digest) throws -> Void
    ) async throws -> [Digest] {
        // The state is read again in the transaction that removes the bytes: a push in between has given the content
        // another row. And alone: bytes are removed only for a deletion that no crash can take back any more.
        try await writes.perform(.crash, isAlone: true) { database in
            let rows = try database.rows(
                "SELECT id, digest FROM blob WHERE state = 1 ORDER BY id LIMIT ?",
                [limit]
            )
            return try rows.map { row in
                let digest = try row.digest("digest")
                try remove(digest)
                try database.run("DELETE FROM blob WHERE id = ?", [row["id"] as Int64])
                return digest
            }
        }
    }
}

extension Timestamp {
    /// Earlier than anything.
    package static let distantPast = Timestamp(milliseconds: .min)
}
