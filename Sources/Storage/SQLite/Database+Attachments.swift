import GRDB
import OCI

extension Database {
    /// Remembers that a manifest came with another that it is about, and goes with it.
    func attach(_ manifestID: Int64, to subjectID: Int64, repositoryID: Int64) throws {
        try run(
            "INSERT OR IGNORE INTO attachment (repository_id, subject_id, manifest_id) VALUES (?, ?, ?)",
            [repositoryID, subjectID, manifestID]
        )
    }

    /// Has a manifest stay whatever it came with.
    func detach(manifestID: Int64, repositoryID: Int64) throws {
        try run(
            "DELETE FROM attachment WHERE manifest_id = ? AND repository_id = ?",
            [manifestID, repositoryID]
        )
    }

    /// Removes what came with a manifest, unless an index lists it.
    func removeAttachments(
        of subjectID: Int64,
        repositoryID: Int64,
        keptUntil: Timestamp,
        now: Timestamp
    ) throws {
        let attached = try rows(
            """
            SELECT manifest.id, manifest.digest FROM attachment CROSS JOIN manifest ON manifest.id = attachment.manifest_id
            WHERE attachment.subject_id = ? AND attachment.repository_id = ?
            """,
            [subjectID, repositoryID]
        )
        try run(
            "DELETE FROM attachment WHERE repository_id = ? AND subject_id = ?",
            [repositoryID, subjectID]
        )
        for row in attached where try !isReferenced(row["digest"], repositoryID: repositoryID) {
            try removeManifest(row["id"], repositoryID: repositoryID, keptUntil: keptUntil, now: now)
        }
    }
}
