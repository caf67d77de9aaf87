import GRDB
import OCI

// The steps of collection, each part of a transaction.

extension Database {
    /// Removes tags whose time is over.
    func removeExpiredTags(now: Timestamp, limit: Int) throws -> [RemovedTag] {
        let expired = try rows(
            """
            SELECT tag.repository_id, tag.name AS tag, tag.manifest_id, tag.expires_at, repository.name, manifest.digest
            FROM tag JOIN repository ON repository.id = tag.repository_id JOIN manifest ON manifest.id = tag.manifest_id
            WHERE tag.expires_at <= ? ORDER BY tag.expires_at LIMIT ?
            """,
            [now, limit]
        )
        return try expired.map { row in
            let repositoryID: Int64 = row["repository_id"]
            try removeTag(row["tag"], repositoryID: repositoryID, now: now)
            try noteUntagged(manifestID: row["manifest_id"], repositoryID: repositoryID, now: now)
            return RemovedTag(
                repository: try row.repositoryName("name"),
                tag: try row.tag("tag"),
                digest: try row.digest("digest"),
                expired: row["expires_at"],
                use: nil
            )
        }
    }

    /// Removes tags that are as they were seen.
    func removeTags(
        _ tags: [TagUse],
        of repository: RepositoryName,
        pulls: PullLog,
        now: Timestamp
    ) throws -> [RemovedTag] {
        guard let repositoryID = try repositoryID(repository) else { return [] }
        var removed: [RemovedTag] = []
        for use in tags {
            let row = try row(
                """
                SELECT tag.manifest_id, tag.expires_at FROM tag JOIN manifest ON manifest.id = tag.manifest_id
                WHERE tag.repository_id = ? AND tag.name = ? AND tag.updated_at = ? AND manifest.digest = ?
                """,
                [repositoryID, use.tag.rawValue, use.pushed, use.digest.description]
            )
            guard let manifestID: Int64 = row?["manifest_id"] else { continue }
            let pulled = pulls.time(of: .init(repositoryID: repositoryID, manifestID: manifestID))
            if let pulled, pulled > use.pulled ?? .distantPast { continue }
            try removeTag(use.tag.rawValue, repositoryID: repositoryID, now: now)
            try noteUntagged(manifestID: manifestID, repositoryID: repositoryID, now: now)
            removed.append(
                RemovedTag(
                    repository: repository,
                    tag: use.tag,
                    digest: use.digest,
                    expired: row?["expires_at"],
                    use: use
                )
            )
        }
        return removed
    }

    /// Removes manifests that lost their name, some of them.
    func removeUntagged(
        _ removal: UntaggedRemoval,
        after last: UntaggedRemoval.Cursor?,
        limit: Int,
        pulls: PullLog
    ) throws -> UntaggedRemoval.Portion {
        let due = removal.now - removal.shortestPeriod
        let candidates = try rows(
            """
            SELECT untagged_at, repository_id, manifest_id, pulled_at FROM repository_manifest
            WHERE untagged_at IS NOT NULL AND untagged_at <= ?
                AND (untagged_at, repository_id, manifest_id) > (?, ?, ?)
            ORDER BY untagged_at, repository_id, manifest_id LIMIT ?
            """,
            [due, last?.untagged ?? .distantPast, last?.repositoryID ?? 0, last?.manifestID ?? 0, limit]
        )
        var removed: [RemovedManifest] = []
        for candidate in candidates {
            if let manifest = try removeUntagged(candidate, removal, pulls: pulls) {
                removed.append(manifest)
            }
        }
        let next = candidates.count < limit ? nil : candidates.last
        return UntaggedRemoval.Portion(
            removed: removed,
            next: next.map { row in
                UntaggedRemoval.Cursor(
                    untagged: row["untagged_at"],
                    repositoryID: row["repository_id"],
                    manifestID: row["manifest_id"]
                )
            }
        )
    }

    /// Removes a manifest if its time is over and nothing holds it.
    private func removeUntagged(
        _ candidate: Row,
        _ removal: UntaggedRemoval,
        pulls: PullLog
    ) throws -> RemovedManifest? {
        let (repositoryID, manifestID): (Int64, Int64) = (
            candidate["repository_id"], candidate["manifest_id"]
        )
        let row = try row(
            """
            SELECT repository.name, manifest.digest, manifest.size, repository_manifest.subject
            FROM repository_manifest JOIN repository ON repository.id = repository_manifest.repository_id
            JOIN manifest ON manifest.id = repository_manifest.manifest_id
            WHERE repository_manifest.repository_id = ? AND repository_manifest.manifest_id = ?
                AND repository_manifest.untagged_at IS NOT NULL
            """,
            [repositoryID, manifestID]
        )
        // What came with another manifest may have gone with it a moment ago.
        guard let row, let period = removal.period(try row.repositoryName("name")) else { return nil }
        let untagged: Timestamp = candidate["untagged_at"]
        let pulled = [
            candidate["pulled_at"] as Timestamp?,
            pulls.time(of: .init(repositoryID: repositoryID, manifestID: manifestID)),
        ].compactMap { $0 }.max()
        guard max(untagged, pulled ?? untagged) + period <= removal.now else { return nil }
        if try belongsToOther(row, repositoryID: repositoryID) {
            // Its time begins anew when that one goes.
            try run(
                "UPDATE repository_manifest SET untagged_at = NULL WHERE repository_id = ? AND manifest_id = ?",
                [repositoryID, manifestID]
            )
            return nil
        }
        guard try !isPart(manifestID: manifestID, repositoryID: repositoryID) else { return nil }
        try removeManifest(
            manifestID,
            repositoryID: repositoryID,
            keptUntil: removal.keptUntil,
            untagged: untagged,
            now: removal.now
        )
        return try row.removedManifest(untagged: untagged)
    }

    /// Whether an index lists a manifest, or its subject is there.
    private func belongsToOther(_ row: Row, repositoryID: Int64) throws -> Bool {
        if try isReferenced(row["digest"], repositoryID: repositoryID) { return true }
        guard row["subject"] as String? != nil else { return false }
        return try manifestID(row.digest("subject"), repositoryID: repositoryID) != nil
    }

    /// Whether an image is part of a group of uploads that may still become an index.
    private func isPart(manifestID: Int64, repositoryID: Int64) throws -> Bool {
        try exists(
            """
            SELECT 1 FROM upload_part JOIN upload_group ON upload_group.id = upload_part.group_id
            WHERE upload_part.manifest_id = ? AND upload_group.repository_id = ? LIMIT 1
            """,
            [manifestID, repositoryID]
        )
    }

    /// Takes blobs whose time has come out of repositories that no longer refer to them, and says how many it looked at.
    func markGarbage(now: Timestamp, limit: Int) throws -> Int {
        let waiting = try rows(
            "SELECT repository_id, digest FROM garbage WHERE due <= ? ORDER BY due LIMIT ?",
            [now, limit]
        )
        for row in waiting {
            let repositoryID: Int64 = row["repository_id"]
            let digest: String = row["digest"]
            try run("DELETE FROM garbage WHERE repository_id = ? AND digest = ?", [repositoryID, digest])
            if try isReferenced(digest, repositoryID: repositoryID) { continue }
            // In whatever state: one that is damaged is no more needed than one that is whole.
            let blob = try self.row(
                """
                SELECT blob.id FROM blob
                JOIN repository_blob ON repository_blob.blob_id = blob.id AND repository_id = ?
                WHERE blob.digest = ?
                """,
                [repositoryID, digest]
            )
            if let blob { try unlink(blobID: blob["id"], digest: digest, repositoryID: repositoryID) }
        }
        return waiting.count
    }

    /// Removes repositories that hold nothing, and the history of tags that are long gone; says whether there may be more.
    func removeRemains(now: Timestamp, emptySince: Timestamp, limit: Int) throws -> Bool {
        let removals = try rows(
            """
            SELECT id, repository_id, tag FROM tag_history
            WHERE digest IS NULL AND at < ? ORDER BY at LIMIT ?
            """,
            [now - Self.historyPeriod, limit]
        )
        for row in removals {
            try run(
                "DELETE FROM tag_history WHERE repository_id = ? AND tag = ? AND id <= ?",
                [row["repository_id"] as Int64, row["tag"] as String, row["id"] as Int64]
            )
        }
        let repositories = try rows(
            """
            SELECT id FROM repository WHERE manifest_count = 0 AND created_at <= ?
                AND NOT EXISTS (SELECT 1 FROM repository_blob WHERE repository_id = repository.id)
                AND NOT EXISTS (SELECT 1 FROM garbage WHERE repository_id = repository.id)
                AND NOT EXISTS (SELECT 1 FROM upload_group WHERE repository_id = repository.id)
            ORDER BY id LIMIT ?
            """,
            [emptySince, limit]
        )
        for row in repositories {
            try run("DELETE FROM tag_history WHERE repository_id = ?", [row["id"] as Int64])
            try run("DELETE FROM repository WHERE id = ?", [row["id"] as Int64])
        }
        return removals.count == limit || repositories.count == limit
    }

    /// Records what becomes of a tag, the digest that it points to, or nil where it is removed, and forgets what is long
    /// past.
    func addHistory(of tag: String, _ digest: Digest?, repositoryID: Int64, now: Timestamp) throws {
        try run(
            "INSERT INTO tag_history (repository_id, tag, digest, at) VALUES (?, ?, ?, ?)",
            [repositoryID, tag, digest?.description, now]
        )
        try run(
            """
            DELETE FROM tag_history WHERE repository_id = ?1 AND tag = ?2 AND id <=
                (SELECT id FROM tag_history WHERE repository_id = ?1 AND tag = ?2
                ORDER BY id DESC LIMIT 1 OFFSET ?3)
            """,
            [repositoryID, tag, Self.keptHistory]
        )
    }

    /// How many of a tag's changes are kept: a tag that moves with every build would otherwise make the database grow
    /// for ever.
    private static var keptHistory: Int { 100 }

    /// A quarter of a year: long enough to learn which image had a tag when something broke.
    private static var historyPeriod: Duration { .seconds(90 * 86_400) }
}
