import FoundationEssentials
import GRDB
package import OCI

extension SQLiteCatalog {
    package func rememberedImage(
        _ key: Digest,
        in repository: RepositoryName
    ) async throws -> RememberedImage? {
        try await read { database in
            guard let repositoryID = try database.repositoryID(repository) else { return nil }
            let row = try database.row(
                """
                SELECT manifest.digest, repository_manifest.media_type, manifest.bytes, packaging_memo.details
                FROM packaging_memo
                JOIN manifest ON manifest.id = packaging_memo.manifest_id
                JOIN repository_manifest ON repository_manifest.repository_id = packaging_memo.repository_id
                    AND repository_manifest.manifest_id = packaging_memo.manifest_id
                WHERE packaging_memo.repository_id = ? AND packaging_memo.key = ?
                """,
                [repositoryID, key.description]
            )
            guard let row else { return nil }
            return RememberedImage(manifest: try row.manifestRecord(), details: Array(row["details"] as Data))
        }
    }

    package func hasRememberedImage(hint: Digest, in repository: RepositoryName) async throws -> Bool {
        try await read { database in
            guard let repositoryID = try database.repositoryID(repository) else { return false }
            return try database.exists(
                "SELECT 1 FROM packaging_memo WHERE repository_id = ? AND hint = ? LIMIT 1",
                [repositoryID, hint.description]
            )
        }
    }
}

extension Database {
    /// Keeps a memo of a manifest, unless it is there: an upload that changes nothing writes nothing.
    func remember(_ memo: PackagingMemo, manifestID: Int64, repositoryID: Int64) throws {
        try run(
            """
            INSERT INTO packaging_memo (repository_id, key, hint, manifest_id, details) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (repository_id, key) DO UPDATE
            SET hint = excluded.hint, manifest_id = excluded.manifest_id, details = excluded.details
            WHERE manifest_id <> excluded.manifest_id OR details <> excluded.details
            """,
            [repositoryID, memo.key.description, memo.hint.description, manifestID, Data(memo.details)]
        )
    }

    /// Drops the memos of a manifest that a repository no longer has.
    func forget(manifestID: Int64, repositoryID: Int64) throws {
        try run(
            "DELETE FROM packaging_memo WHERE manifest_id = ? AND repository_id = ?",
            [manifestID, repositoryID]
        )
    }
}
