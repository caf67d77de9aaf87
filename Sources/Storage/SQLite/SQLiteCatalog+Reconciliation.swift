import GRDB
package import OCI

extension SQLiteCatalog {
    package func isReferenced(_ digest: Digest) async throws -> Bool {
        try await read { try $0.isReferencedAnywhere(digest.description) }
    }

    package func adoptBlob(_ digest: Digest, size: Int64, now: Timestamp) async throws -> Bool {
        try await writes.perform(.power) { database in
            let text = digest.description
            guard try !database.exists("SELECT 1 FROM blob WHERE digest = ?", [text]),
                try database.isReferencedAnywhere(text)
            else { return false }
            try database.run(
                "INSERT INTO blob (digest, size, synced, created_at) VALUES (?, ?, 1, ?)",
                [text, size, now]
            )
            try database.run(
                """
                INSERT OR IGNORE INTO repository_blob (repository_id, blob_id, linked_at)
                SELECT DISTINCT repository.id, ?, ? FROM repository
                CROSS JOIN reference ON reference.repository_id = repository.id AND reference.target = ?
                """,
                [database.lastInsertedRowID, now, text]
            )
            return true
        }
    }

    package func removeUnknown(
        _ digest: Digest,
        removing remove: @escaping @Sendable (Digest) throws -> Void
    ) async throws -> Bool {
        // Alone: a push that shared the transaction might have put the content there, and its record not be committed.
        try await writes.perform(.crash, isAlone: true) { database in
            let text = digest.description
            guard try !database.exists("SELECT 1 FROM blob WHERE digest = ?", [text]),
                try !database.isReferencedAnywhere(text)
            else { return false }
            try remove(digest)
            return true
        }
    }

    package func rebuildRecords(of digest: Digest, in repository: RepositoryName) async throws -> Bool {
        try await writes.perform(.power) { database in
            guard let repositoryID = try database.repositoryID(repository),
                let manifestID = try database.manifestID(digest, repositoryID: repositoryID),
                let row = try database.row(
                    """
                    SELECT manifest.digest, repository_manifest.media_type, manifest.bytes FROM manifest
                    JOIN repository_manifest ON repository_manifest.repository_id = ?
                        AND repository_manifest.manifest_id = manifest.id
                    WHERE manifest.id = ?
                    """,
                    [repositoryID, manifestID]
                ),
                case let record = try row.manifestRecord(), record.isWhole,
                let manifest = try? Manifest(parsing: record.bytes, contentType: record.mediaType)
            else { return false }
            try database.run(
                "DELETE FROM reference WHERE repository_id = ? AND manifest_id = ?",
                [repositoryID, manifestID]
            )
            for reference in manifest.references {
                try database.run(
                    "INSERT OR IGNORE INTO reference (repository_id, target, manifest_id, kind) VALUES (?, ?, ?, ?)",
                    [
                        repositoryID, reference.descriptor.digest.description, manifestID,
                        reference.kind.rawValue,
                    ]
                )
            }
            try database.removeReferrer(manifestID: manifestID, repositoryID: repositoryID)
            try database.addReferrer(
                manifest,
                digest: digest,
                size: record.bytes.count,
                manifestID: manifestID,
                repositoryID: repositoryID
            )
            try database.run(
                """
                UPDATE repository_manifest SET artifact_type = ?, subject = ?
                WHERE repository_id = ? AND manifest_id = ?
                """,
                [
                    manifest.artifactType?.rawValue, manifest.subject?.digest.description, repositoryID,
                    manifestID,
                ]
            )
            try database.run(
                "UPDATE manifest SET size = length(bytes) WHERE id = ? AND size <> length(bytes)",
                [manifestID]
            )
            return true
        }
    }

    package func reconcileRecords(
        isRehearsal: Bool,
        keptUntil: Timestamp,
        now: Timestamp
    ) async throws -> [ReconciledRecords] {
        var found: [ReconciledRecords] = []
        // One transaction for each kind: pushes go on in between.
        for (kind, statement) in Self.reconciliations {
            let count = try await writes.perform(.power) { database in
                var count = 0
                try database.inSavepoint {
                    let arguments: StatementArguments =
                        switch statement.moment {
                        case .none: []
                        case .now: [now]
                        case .keptUntil: [keptUntil]
                        }
                    count = try database.run(statement.sql, arguments)
                    return isRehearsal ? .rollback : .commit
                }
                return count
            }
            if count > 0 { found.append(ReconciledRecords(kind: kind, count: count)) }
        }
        return found
    }

    // MARK: After a restore

    package func isRestored() async throws -> Bool {
        try await read { try $0.exists("SELECT 1 FROM store WHERE key = 'restored'") }
    }

    /// Says that the catalog was restored, and may be older than the content beside it.
    func noteRestored() async throws {
        try await writes.perform(.power) { database in
            _ = try database.run("INSERT OR REPLACE INTO store (key, value) VALUES ('restored', '0')")
        }
    }

    package func noteReconciled() async throws {
        try await writes.perform(.power) { database in
            _ = try database.run("DELETE FROM store WHERE key = 'restored'")
        }
    }
}

// MARK: What contradicts

extension SQLiteCatalog {
    /// A statement that changes the rows that contradict others, and the moment that it needs.
    private struct Reconciliation: Sendable {
        enum Moment { case none, now, keptUntil }

        let sql: String
        var moment = Moment.none
    }

    /// In an order in which each finds what those before it leave.
    private static let reconciliations: KeyValuePairs<String, Reconciliation> = [
        "references of manifests that are not there": Reconciliation(
            sql: "DELETE FROM reference WHERE \(lacksManifest("reference", "manifest_id"))"
        ),
        "entries in lists of referrers": Reconciliation(
            sql: "DELETE FROM referrer WHERE \(lacksManifest("referrer", "manifest_id"))"
        ),
        "attachments": Reconciliation(
            sql: """
                DELETE FROM attachment WHERE \(lacksManifest("attachment", "manifest_id"))
                    OR \(lacksManifest("attachment", "subject_id"))
                """
        ),
        "memos of packaged images": Reconciliation(
            sql: "DELETE FROM packaging_memo WHERE \(lacksManifest("packaging_memo", "manifest_id"))"
        ),
        "tags of manifests that are not there": Reconciliation(
            sql: "DELETE FROM tag WHERE \(lacksManifest("tag", "manifest_id"))"
        ),
        "histories of tags": Reconciliation(
            sql: """
                INSERT INTO tag_history (repository_id, tag, digest, at)
                SELECT last.repository_id, last.tag, NULL, ?1 FROM tag_history AS last
                WHERE last.digest IS NOT NULL AND NOT EXISTS (
                    SELECT 1 FROM tag_history AS later WHERE later.repository_id = last.repository_id
                        AND later.tag = last.tag AND later.id > last.id
                ) AND NOT EXISTS (
                    SELECT 1 FROM tag WHERE tag.repository_id = last.repository_id AND tag.name = last.tag
                )
                """,
            moment: .now
        ),
        "moments of losing the last tag": Reconciliation(
            sql: """
                UPDATE repository_manifest SET untagged_at = NULL
                WHERE untagged_at IS NOT NULL AND EXISTS (
                    SELECT 1 FROM tag WHERE tag.repository_id = repository_manifest.repository_id
                        AND tag.manifest_id = repository_manifest.manifest_id
                )
                """
        ),
        "counts of manifests": Reconciliation(
            sql: """
                UPDATE repository SET manifest_count = (
                    SELECT count(*) FROM repository_manifest WHERE repository_id = repository.id
                ) WHERE manifest_count <> (
                    SELECT count(*) FROM repository_manifest WHERE repository_id = repository.id
                )
                """
        ),
        "blobs of no repository that an image needs": Reconciliation(
            sql: """
                INSERT OR IGNORE INTO repository_blob (repository_id, blob_id, linked_at)
                SELECT DISTINCT repository.id, blob.id, ?1 FROM blob
                CROSS JOIN repository
                CROSS JOIN reference ON reference.repository_id = repository.id AND reference.target = blob.digest
                WHERE blob.state IN (0, 2) AND \(isInNoRepository)
                """,
            moment: .now
        ),
        "blobs of no repository": Reconciliation(
            sql: "UPDATE blob SET state = 1 WHERE state IN (0, 2) AND \(isInNoRepository)"
        ),
        "blobs that nothing refers to and nobody would collect": Reconciliation(
            sql: """
                INSERT OR IGNORE INTO garbage (repository_id, digest, due)
                SELECT repository_blob.repository_id, blob.digest, ?1 FROM repository_blob
                JOIN blob ON blob.id = repository_blob.blob_id
                WHERE NOT EXISTS (
                    SELECT 1 FROM reference WHERE reference.repository_id = repository_blob.repository_id
                        AND reference.target = blob.digest
                ) AND NOT EXISTS (
                    SELECT 1 FROM garbage WHERE garbage.repository_id = repository_blob.repository_id
                        AND garbage.digest = blob.digest
                )
                """,
            moment: .keptUntil
        ),
    ]

    private static let isInNoRepository =
        "NOT EXISTS (SELECT 1 FROM repository_blob WHERE repository_blob.blob_id = blob.id)"

    /// Whether a row of a table names a manifest that its repository has not.
    private static func lacksManifest(_ table: String, _ column: String) -> String {
        """
        NOT EXISTS (
            SELECT 1 FROM repository_manifest WHERE repository_manifest.repository_id = \(table).repository_id
                AND repository_manifest.manifest_id = \(table).\(column)
        )
        """
    }
}

extension Database {
    /// Whether a manifest of any repository refers to a digest: one look for each repository.
    fileprivate func isReferencedAnywhere(_ digest: String) throws -> Bool {
        try exists(
            """
            SELECT 1 FROM repository
            CROSS JOIN reference ON reference.repository_id = repository.id AND reference.target = ? LIMIT 1
            """,
            [digest]
        )
    }
}

extension ManifestRecord {
    /// Whether the stored bytes are what the digest says.
    package var isWhole: Bool {
        digest.supportedAlgorithm.map { Digest(of: bytes, algorithm: $0) == digest } ?? false
    }
}
