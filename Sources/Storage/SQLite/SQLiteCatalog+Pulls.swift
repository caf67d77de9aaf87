import GRDB
package import OCI

extension SQLiteCatalog {
    package func pullManifest(
        _ reference: Reference,
        in repository: RepositoryName,
        now: Timestamp
    ) async throws -> PulledManifest? {
        let stamp = writes.epochs.stamp(repository)
        let found = try await read { database in
            try database.manifestRow(reference, in: repository, now: now).map(FoundManifest.init)
        }
        guard let found else { return nil }
        if pulls.note(found.key, at: now) { try await flushPulls() }
        // A collection that looked before the pull was noted is over when this turn comes, and one that looks later
        // sees it.
        guard found.isUntagged else {
            return PulledManifest(record: found.record, lease: stamp.map { lease($0, on: found) })
        }
        return try await writes.perform(.crash, changes: .nothing) { database in
            try database.manifestRow(reference, in: repository, now: now)
                .map { PulledManifest(record: try $0.manifestRecord(), lease: nil) }
        }
    }

    private func lease(_ stamp: CatalogEpochs.Stamp, on found: FoundManifest) -> ReadLease {
        ReadLease(writes.epochs, stamp, expiry: found.expiry) { [pulls] now in
            !pulls.note(found.key, at: now)
        }
    }

    package func flushPulls() async throws {
        var rest = Array(pulls.entries)[...]
        while !rest.isEmpty {
            let portion = Array(rest.prefix(Self.pullPortion))
            rest = rest.dropFirst(Self.pullPortion)
            try await writes.perform(.crash, changes: .nothing) { database in
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

    private struct FoundManifest: Sendable {
        let key: PullLog.Key
        let isUntagged: Bool
        /// When the tag ends that the manifest was asked for by.
        let expiry: Timestamp?
        let record: ManifestRecord

        init(_ row: Row) throws {
            key = PullLog.Key(repositoryID: row["repository_id"], manifestID: row["manifest_id"])
            isUntagged = row["untagged_at"] as Int64? != nil
            expiry = row["expires_at"]
            record = try row.manifestRecord()
        }
    }
}
