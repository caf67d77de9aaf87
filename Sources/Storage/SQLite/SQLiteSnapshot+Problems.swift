import FoundationEssentials
import GRDB
import OCI

extension SQLiteSnapshot {
    func problems(of manifest: SnapshotManifest, isSparse: Bool) throws -> [ManifestProblem] {
        let record = manifest.record
        guard record.isWhole,
            let content = try? Manifest(parsing: record.bytes, contentType: record.mediaType)
        else { return [.damaged] }
        guard let repositoryID = try database.repositoryID(manifest.repository),
            let manifestID = try database.manifestID(record.digest, repositoryID: repositoryID)
        else { return [] }
        var problems: [ManifestProblem] = []
        let missing = try missing(of: content, repositoryID: repositoryID, isSparse: isSparse)
        if !missing.isEmpty { problems.append(.missing(missing)) }
        let row = ManifestRow(
            digest: record.digest,
            size: record.bytes.count,
            manifestID: manifestID,
            repositoryID: repositoryID
        )
        if try !hasRightReferences(content, row) || !hasRightReferrer(content, row) {
            problems.append(.misrecorded)
        }
        return problems
    }

    /// Which manifest of which repository.
    private struct ManifestRow {
        let digest: Digest
        let size: Int
        let manifestID: Int64
        let repositoryID: Int64
    }

    /// What the repository should have and has not, in whatever state.
    private func missing(
        of manifest: Manifest,
        repositoryID: Int64,
        isSparse: Bool
    ) throws -> [Digest] {
        guard !isSparse else { return [] }
        var seen: Set<Digest> = []
        return try manifest.references
            .filter { !$0.descriptor.mediaType.isNonDistributable }.map(\.descriptor.digest)
            .filter { digest in
                guard seen.insert(digest).inserted else { return false }
                let hasBlob = try database.exists(
                    """
                    SELECT 1 FROM blob JOIN repository_blob ON repository_blob.blob_id = blob.id
                        AND repository_blob.repository_id = ?
                    WHERE blob.digest = ? AND blob.state IN (0, 2)
                    """,
                    [repositoryID, digest.description]
                )
                return try !hasBlob && database.manifestID(digest, repositoryID: repositoryID) == nil
            }
    }

    private func hasRightReferences(_ manifest: Manifest, _ row: ManifestRow) throws -> Bool {
        var expected: [String: Int] = [:]
        for reference in manifest.references {
            let target = reference.descriptor.digest.description
            // What is named twice is recorded as what it was named first.
            if expected[target] == nil { expected[target] = reference.kind.rawValue }
        }
        let actual = try database.rows(
            "SELECT target, kind FROM reference WHERE repository_id = ? AND manifest_id = ?",
            [row.repositoryID, row.manifestID]
        )
        return actual.count == expected.count
            && actual.allSatisfy { expected[$0["target"] as String] == $0["kind"] as Int }
    }

    private func hasRightReferrer(_ manifest: Manifest, _ row: ManifestRow) throws -> Bool {
        let recorded = try database.row(
            """
            SELECT artifact_type, subject FROM repository_manifest WHERE repository_id = ? AND manifest_id = ?
            """,
            [row.repositoryID, row.manifestID]
        )
        guard recorded?["artifact_type"] as String? == manifest.artifactType?.rawValue,
            recorded?["subject"] as String? == manifest.subject?.digest.description
        else { return false }
        let referrers = try database.rows(
            "SELECT subject, artifact_type FROM referrer WHERE manifest_id = ? AND repository_id = ?",
            [row.manifestID, row.repositoryID]
        )
        guard let subject = manifest.subject else { return referrers.isEmpty }
        return referrers.count == 1 && referrers[0]["subject"] == subject.digest.description
            && referrers[0]["artifact_type"] as String? == manifest.artifactType?.rawValue
    }
}
