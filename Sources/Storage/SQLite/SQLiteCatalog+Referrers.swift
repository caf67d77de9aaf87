import FoundationEssentials
import GRDB
package import OCI

extension SQLiteCatalog {
    package func referrerPage(
        of subject: Digest,
        in repository: RepositoryName,
        artifactType: String?,
        after last: ReferrerRecord.ID?,
        limit: Int,
        maximumSize: Int
    ) async throws -> Page<ReferrerRecord> {
        try await read { database in
            guard let repositoryID = try database.repositoryID(repository) else {
                return Page(elements: [], hasMore: false)
            }
            var arguments: StatementArguments = [repositoryID, subject.description]
            if let artifactType { arguments += [artifactType] }
            arguments += [last?.rowID ?? 0]
            let rows = try Row.fetchCursor(
                database.cachedStatement(sql: artifactType == nil ? Self.referrers : Self.referrersOfType),
                arguments: arguments
            )
            var page: [ReferrerRecord] = []
            var size = 0
            while let row = try rows.next() {
                if page.count == limit { return Page(elements: page, hasMore: true) }
                // SAFETY: the bytes are used within the closure alone.
                let descriptor = try row.withUnsafeData(named: "descriptor") { $0.map(Array.init) ?? [] }
                size += descriptor.count
                if size > maximumSize, !page.isEmpty { return Page(elements: page, hasMore: true) }
                page.append(
                    ReferrerRecord(id: ReferrerRecord.ID(rowID: row["manifest_id"]), descriptor: descriptor)
                )
            }
            return Page(elements: page, hasMore: false)
        }
    }

    private static let referrers = """
        SELECT manifest_id, descriptor FROM referrer
        WHERE repository_id = ? AND subject = ? AND manifest_id > ? ORDER BY manifest_id
        """

    /// Left to itself SQLite would go through referrers of all types.
    private static let referrersOfType = """
        SELECT manifest_id, descriptor FROM referrer INDEXED BY referrer_artifact_type
        WHERE repository_id = ? AND subject = ? AND artifact_type = ? AND manifest_id > ? ORDER BY manifest_id
        """

    package func referrers(
        of subject: Digest,
        in repository: RepositoryName,
        among digests: [Digest]
    ) async throws -> Set<Digest> {
        try await read { database in
            guard let repositoryID = try database.repositoryID(repository) else { return [] }
            return try Set(
                digests.filter { digest in
                    try database.exists(
                        """
                        SELECT 1 FROM manifest
                        JOIN referrer ON referrer.repository_id = ? AND referrer.subject = ?
                            AND referrer.manifest_id = manifest.id
                        WHERE manifest.digest = ?
                        """,
                        [repositoryID, subject.description, digest.description]
                    )
                }
            )
        }
    }
}

extension Database {
    /// Has the list of its subject's referrers name a manifest, if it has a subject.
    func addReferrer(
        _ manifest: Manifest,
        digest: Digest,
        size: Int,
        manifestID: Int64,
        repositoryID: Int64
    ) throws {
        guard let subject = manifest.subject else { return }
        let descriptor = Descriptor(
            mediaType: manifest.mediaType,
            digest: digest,
            size: Int64(size),
            artifactType: manifest.artifactType,
            annotations: manifest.annotations
        )
        try run(
            """
            INSERT INTO referrer (repository_id, subject, manifest_id, artifact_type, descriptor)
            VALUES (?, ?, ?, ?, ?)
            """,
            [
                repositoryID, subject.digest.description, manifestID, manifest.artifactType?.rawValue,
                Data(descriptor.json.canonicalBytes),
            ]
        )
    }

    func removeReferrer(manifestID: Int64, repositoryID: Int64) throws {
        try run(
            "DELETE FROM referrer WHERE manifest_id = ? AND repository_id = ?",
            [manifestID, repositoryID]
        )
    }

    /// Makes the rows of manifests that were stored before there were any.
    func addReferrersOfStoredManifests() throws {
        let stored = try Row.fetchCursor(
            self,
            sql: """
                SELECT repository_manifest.repository_id, manifest.id, manifest.digest, manifest.bytes,
                    repository_manifest.media_type
                FROM repository_manifest JOIN manifest ON manifest.id = repository_manifest.manifest_id
                WHERE repository_manifest.subject IS NOT NULL
                """
        )
        while let row = try stored.next() {
            // SAFETY: the bytes are used within the closure alone.
            let bytes = try row.withUnsafeData(named: "bytes") { $0.map(Array.init) ?? [] }
            let manifest = try Manifest(parsing: bytes, contentType: MediaType(row["media_type"] as String))
            try addReferrer(
                manifest,
                digest: row.digest("digest"),
                size: bytes.count,
                manifestID: row["id"],
                repositoryID: row["repository_id"]
            )
        }
    }
}
