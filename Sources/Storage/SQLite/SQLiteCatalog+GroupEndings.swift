import GRDB

extension SQLiteCatalog {
    package func closeGroups(now: Timestamp, keptUntil: Timestamp, limit: Int) async throws -> GroupClosure {
        try await writes.perform(.power, mayUseReserve: true) {
            try $0.closeGroups(now: now, keptUntil: keptUntil, limit: limit)
        }
    }
}

extension Database {
    /// Closes groups whose time is over, but not one that an older one would take the tag back from.
    func closeGroups(now: Timestamp, keptUntil: Timestamp, limit: Int) throws -> GroupClosure {
        let groups = try rows(
            """
            SELECT id, repository_id FROM upload_group
            WHERE open_until <= ?1 AND NOT EXISTS (
                SELECT 1 FROM upload_group AS older WHERE older.repository_id = upload_group.repository_id
                AND older.tag = upload_group.tag AND older.id < upload_group.id AND older.open_until > ?1)
            ORDER BY open_until LIMIT ?2
            """,
            [now, limit]
        )
        var removed: [RemovedManifest] = []
        for row in groups {
            let (id, repositoryID) = (row["id"] as Int64, row["repository_id"] as Int64)
            let parts = try rows(
                """
                SELECT upload_part.manifest_id, manifest.digest, manifest.size, repository.name
                FROM upload_part JOIN manifest ON manifest.id = upload_part.manifest_id
                JOIN repository ON repository.id = ?
                WHERE upload_part.group_id = ? AND is_staged = 1
                """,
                [repositoryID, id]
            )
            try run("DELETE FROM upload_group WHERE id = ?", [id])
            for part in parts {
                let isRemoved = try removeUnused(
                    manifestID: part["manifest_id"],
                    repositoryID: repositoryID,
                    keptUntil: keptUntil,
                    now: now
                )
                if isRemoved { removed.append(try part.removedManifest(untagged: nil)) }
            }
        }
        return GroupClosure(count: groups.count, removed: removed)
    }

    /// Ends the groups of a tag: parts that come from now on begin others.
    func endGroups(ofTag tag: String, repositoryID: Int64) throws {
        let groups = try rows(
            "SELECT id FROM upload_group WHERE repository_id = ? AND tag = ?",
            [repositoryID, tag]
        )
        for group in groups { try endGroup(group["id"]) }
    }

    /// What was staged in it, and waits for nothing any more, is left to `closeGroups`: under a key that no part has.
    func endGroup(_ id: Int64) throws {
        try run("DELETE FROM upload_group WHERE id = ? AND tagged_manifest_id IS NOT NULL", [id])
        try run("UPDATE upload_group SET key = ' ' || id WHERE id = ?", [id])
    }

    /// Removes a manifest from a repository, unless a tag had or has it, or an index or a group has it; says whether it did.
    @discardableResult
    func removeUnused(
        manifestID: Int64,
        repositoryID: Int64,
        keptUntil: Timestamp,
        now: Timestamp
    ) throws -> Bool {
        let isUsed = try exists(
            """
            SELECT 1 FROM tag WHERE manifest_id = ?1 AND repository_id = ?2
            UNION ALL
            SELECT 1 FROM manifest JOIN reference ON reference.repository_id = ?2 AND reference.target = manifest.digest
            WHERE manifest.id = ?1
            UNION ALL
            SELECT 1 FROM upload_part JOIN upload_group ON upload_group.id = upload_part.group_id
            WHERE upload_part.manifest_id = ?1 AND upload_group.repository_id = ?2
            UNION ALL
            SELECT 1 WHERE NOT EXISTS
                (SELECT 1 FROM repository_manifest WHERE repository_id = ?2 AND manifest_id = ?1 AND untagged_at IS NULL)
            LIMIT 1
            """,
            [manifestID, repositoryID]
        )
        guard !isUsed else { return false }
        try removeManifest(manifestID, repositoryID: repositoryID, keptUntil: keptUntil, now: now)
        return true
    }
}
