import GRDB
import OCI

extension Database {
    /// The row of a repository; nil where there is none.
    func repositoryID(_ name: RepositoryName) throws -> Int64? {
        try row("SELECT id FROM repository WHERE name = ?", [name.rawValue])?["id"]
    }

    /// The row of a repository, made where there is none.
    func repositoryID(_ name: RepositoryName, createdAt now: Timestamp) throws -> Int64 {
        if let id = try repositoryID(name) { return id }
        try run("INSERT INTO repository (name, created_at) VALUES (?, ?)", [name.rawValue, now])
        return lastInsertedRowID
    }

    /// A blob that is visible in a repository.
    func visibleBlob(_ digest: Digest, repositoryID: Int64) throws -> Row? {
        try row(
            """
            SELECT blob.id, blob.digest, blob.size, blob.synced FROM blob
            JOIN repository_blob ON repository_blob.blob_id = blob.id AND repository_blob.repository_id = ?
            WHERE blob.digest = ? AND blob.state = 0
            """,
            [repositoryID, digest.description]
        )
    }

    /// Whether a manifest of the repository refers to a digest.
    func isReferenced(_ digest: String, repositoryID: Int64) throws -> Bool {
        try exists(
            "SELECT 1 FROM reference WHERE repository_id = ? AND target = ? LIMIT 1",
            [repositoryID, digest]
        )
    }

    /// Makes the row of content that has just been placed, and returns its name.
    ///
    /// It takes the place of an older row, with everything that refers to that: what is known of the older copy, to
    /// whoever is about to sync, collect or drop it, does not count for the new one.
    func renewBlob(_ oldID: Int64?, _ publication: BlobPublication) throws -> Int64 {
        let repositories = try rows(
            "SELECT repository_id, linked_at FROM repository_blob WHERE blob_id = ?",
            [oldID]
        )
        try run("DELETE FROM repository_blob WHERE blob_id = ?", [oldID])
        try run("DELETE FROM blob WHERE id = ?", [oldID])
        try run(
            "INSERT INTO blob (digest, size, created_at) VALUES (?, ?, ?)",
            [publication.digest.description, publication.size, publication.now]
        )
        let id = lastInsertedRowID
        for row in repositories {
            try run(
                "INSERT INTO repository_blob (repository_id, blob_id, linked_at) VALUES (?, ?, ?)",
                [row["repository_id"] as Int64, id, row["linked_at"] as Int64]
            )
        }
        return id
    }

    /// Makes a blob visible in a repository, and has it looked at again later unless something refers to it.
    func link(blobID: Int64, digest: Digest, repositoryID: Int64, keptUntil: Timestamp, now: Timestamp) throws
    {
        try run(
            "INSERT OR IGNORE INTO repository_blob (repository_id, blob_id, linked_at) VALUES (?, ?, ?)",
            [repositoryID, blobID, now]
        )
        if try !isReferenced(digest.description, repositoryID: repositoryID) {
            try enqueueGarbage(digest.description, repositoryID: repositoryID, due: keptUntil)
        }
    }

    /// Has a blob looked at again at a moment, or later where it was queued for later.
    func enqueueGarbage(_ digest: String, repositoryID: Int64, due: Timestamp) throws {
        try run(
            """
            INSERT INTO garbage (repository_id, digest, due) VALUES (?, ?, ?)
            ON CONFLICT (repository_id, digest) DO UPDATE SET due = max(due, excluded.due)
            """,
            [repositoryID, digest, due]
        )
    }

    /// Takes a blob out of a repository.
    ///
    /// One that is then in no repository is being deleted from here on.
    func unlink(blobID: Int64, digest: String, repositoryID: Int64) throws {
        try run(
            "DELETE FROM repository_blob WHERE repository_id = ? AND blob_id = ?",
            [repositoryID, blobID]
        )
        try run("DELETE FROM garbage WHERE repository_id = ? AND digest = ?", [repositoryID, digest])
        try run(
            """
            UPDATE blob SET state = 1
            WHERE id = ? AND NOT EXISTS (SELECT 1 FROM repository_blob WHERE blob_id = blob.id)
            """,
            [blobID]
        )
    }
}
