import GRDB
package import OCI

extension SQLiteCatalog {
    package func storedBlobs(after last: BlobRecord.ID?, limit: Int) async throws -> [StoredBlob] {
        try await read { database in
            try database.rows(
                "SELECT id, digest, size, state FROM blob WHERE id > ? AND state IN (0, 2) ORDER BY id LIMIT ?",
                [last?.rowID ?? 0, limit]
            )
            .map { StoredBlob(record: try $0.blobRecord(), isQuarantined: $0["state"] == 2) }
        }
    }

    package func storedSize() async throws -> Int64 {
        try await read { database in
            try database.row("SELECT coalesce(sum(size), 0) AS size FROM blob WHERE state IN (0, 2)")?["size"]
                ?? 0
        }
    }

    // MARK: Quarantine

    package func quarantinedBlob(
        _ digest: Digest,
        in repository: RepositoryName
    ) async throws -> BlobRecord? {
        try await read { database in
            guard let repositoryID = try database.repositoryID(repository) else { return nil }
            return try database.row(
                """
                SELECT blob.id, blob.digest, blob.size FROM blob
                JOIN repository_blob ON repository_blob.blob_id = blob.id AND repository_blob.repository_id = ?
                WHERE blob.digest = ? AND blob.state = 2
                """,
                [repositoryID, digest.description]
            )?.blobRecord()
        }
    }

    package func quarantine(_ blob: BlobRecord.ID) async throws -> Bool {
        // By the number of the copy: content that was pushed anew meanwhile has another.
        try await writes.perform(.power) { database in
            try database.run("UPDATE blob SET state = 2 WHERE id = ? AND state = 0", [blob.rowID]) > 0
        }
    }

    package func isQuarantined(_ blob: BlobRecord.ID) async throws -> Bool {
        try await read { try $0.exists("SELECT 1 FROM blob WHERE id = ? AND state = 2", [blob.rowID]) }
    }

    package func release(_ blob: BlobRecord.ID) async throws -> Bool {
        try await writes.perform(.power) { database in
            try database.run("UPDATE blob SET state = 0 WHERE id = ? AND state = 2", [blob.rowID]) > 0
        }
    }

    // MARK: Uses

    package func uses(of digest: Digest, limit: Int) async throws -> [ContentUse] {
        try await read { database in
            try database.rows(Self.uses, [digest.description, limit]).map { row in
                ContentUse(
                    repository: try row.repositoryName("repository"),
                    tag: try (row["tag"] as String?).map { _ in try row.tag("tag") },
                    manifest: try row.digest("digest")
                )
            }
        }
    }

    /// CROSS JOIN: one look for each repository, whatever it holds, rather than through everything.
    private static let uses = """
        WITH RECURSIVE above (repository_id, manifest_id) AS (
            SELECT repository.id, reference.manifest_id FROM repository
            CROSS JOIN reference ON reference.repository_id = repository.id AND reference.target = ?1
            UNION
            SELECT repository_manifest.repository_id, manifest.id FROM manifest
            CROSS JOIN repository_manifest ON repository_manifest.manifest_id = manifest.id
            WHERE manifest.digest = ?1
            UNION
            SELECT above.repository_id, reference.manifest_id FROM above
            CROSS JOIN manifest ON manifest.id = above.manifest_id
            CROSS JOIN reference ON reference.repository_id = above.repository_id
                AND reference.target = manifest.digest
        )
        SELECT repository.name AS repository, tag.name AS tag, manifest.digest FROM above
        CROSS JOIN repository ON repository.id = above.repository_id
        CROSS JOIN manifest ON manifest.id = above.manifest_id
        LEFT JOIN tag ON tag.manifest_id = above.manifest_id AND tag.repository_id = above.repository_id
        WHERE tag.name IS NOT NULL OR NOT EXISTS (
            SELECT 1 FROM reference
            WHERE reference.repository_id = above.repository_id AND reference.target = manifest.digest
        )
        ORDER BY tag.name IS NULL, repository.name, tag.name, manifest.digest LIMIT ?2
        """

    // MARK: Scrubbing

    package func scrubProgress() async throws -> ScrubProgress? {
        try await read { database in
            let text: String? = try database.row("SELECT value FROM store WHERE key = 'scrub'")?["value"]
            return text.flatMap(ScrubProgress.init(text:))
        }
    }

    package func saveScrubProgress(_ progress: ScrubProgress) async throws {
        try await writes.perform(.crash) { database in
            _ = try database.run(
                "INSERT OR REPLACE INTO store (key, value) VALUES ('scrub', ?)",
                [progress.text]
            )
        }
    }
}

extension ScrubProgress {
    /// When the round began, and the row of the last blob or `done`.
    fileprivate var text: String {
        "\(begun.milliseconds) \(isDone ? "done" : String(last?.rowID ?? 0))"
    }

    /// Nil for what this program has not written: the round then begins anew.
    fileprivate init?(text: String) {
        let words = text.split(separator: " ")
        guard words.count == 2, let begun = Int64(words[0]) else { return nil }
        let row = Int64(words[1])
        guard row != nil || words[1] == "done" else { return nil }
        self.init(
            begun: Timestamp(milliseconds: begun),
            last: row.flatMap { $0 > 0 ? BlobRecord.ID(rowID: $0) : nil },
            isDone: row == nil
        )
    }
}
