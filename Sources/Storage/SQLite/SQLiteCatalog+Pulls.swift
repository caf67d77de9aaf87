import GRDB
package import OCI

extension SQLiteCatalog {
    package func pullManifest(
        _ reference: Reference,
        in repository: RepositoryName,
        now: Timestamp
    ) async throws -> ManifestRecord? {
        let found = try await read { database in
            try database.manifestRow(reference, in: repository, now: now).map(PulledManifest.init)
        }
        guard let found else { return nil }
        if pulls.note(found.key, at: now) { try await flushPulls() }
        // A collection that looked before the pull was noted is over when this turn comes, and one that looks later
        // sees it.
        guard found.isUntagged else { return found.record }
        return try await writes.perform(.crash) { database in
            try database.manifestRow(reference, in: repository, now: now)?.manifestRecord()
        }
    }

    package func flushPulls() async throws {
        var rest = Array(pulls.entries)[...]
        while !rest.isEmpty {
            let portion = Array(rest.prefix(Self.pullPortion))
            rest = rest.dropFirst(Self.pullPortion)
            try await writes.perform(.crash) { database in
                for (key, moment) in portion {
                    try database.run(
                        """
                        UPDATE repository_manifest SET pulled_at = max(coalesce(pulled_at, ?1), ?1)
                        WHERE repository_id = ?2 AND manifest_id = ?3
                        """,
                        [moment, key.repositoryID, key.manifestID]
                    )
                }
            }
            pulls.forget(portion)
        }
    }

    /// Some milliseconds of writing.
    private static var pullPortion: Int { 512 }

    private struct PulledManifest: Sendable {
        let key: PullLog.Key
        let isUntagged: Bool
        let record: ManifestRecord

        init(_ row: Row) throws {
            key = PullLog.Key(repositoryID: row["repository_id"], manifestID: row["manifest_id"])
            isUntagged = row["untagged_at"] as Int64? != nil
            record = try row.manifestRecord()
        }
    }
}
