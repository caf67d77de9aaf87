import GRDB
package import OCI

extension SQLiteCatalog {
    package func manifest(
        _ reference: Reference,
        in repository: RepositoryName,
        now: Timestamp
    ) async throws -> ManifestRecord? {
        try await read { try $0.manifestRow(reference, in: repository, now: now)?.manifestRecord() }
    }

    package func dates(
        of reference: Reference,
        in repository: RepositoryName,
        now: Timestamp
    ) async throws -> ManifestDates? {
        try await read { database in
            guard let repositoryID = try database.repositoryID(repository) else { return nil }
            let row =
                switch reference {
                case .tag(let tag):
                    try database.row(
                        """
                        SELECT repository_manifest.pushed_at, tag.updated_at, tag.expires_at FROM tag
                        JOIN repository_manifest ON repository_manifest.repository_id = tag.repository_id
                            AND repository_manifest.manifest_id = tag.manifest_id
                        WHERE tag.repository_id = ? AND tag.name = ?
                            AND (tag.expires_at IS NULL OR tag.expires_at > ?)
                        """,
                        [repositoryID, tag.rawValue, now]
                    )
                case .digest(let digest):
                    try database.row(
                        """
                        SELECT repository_manifest.pushed_at, NULL AS updated_at, NULL AS expires_at FROM manifest
                        JOIN repository_manifest ON repository_manifest.repository_id = ?
                            AND repository_manifest.manifest_id = manifest.id
                        WHERE manifest.digest = ?
                        """,
                        [repositoryID, digest.description]
                    )
                }
            return row.map {
                ManifestDates(pushed: $0["pushed_at"], tagged: $0["updated_at"], expires: $0["expires_at"])
            }
        }
    }

    package func deleteTag(_ tag: Tag, in repository: RepositoryName, now: Timestamp) async throws -> Bool {
        try await writes.perform(.power, mayUseReserve: true, changes: .repository(repository)) { database in
            guard let repositoryID = try database.repositoryID(repository),
                let row = try database.row(
                    """
                    SELECT manifest_id FROM tag
                    WHERE repository_id = ? AND name = ? AND (expires_at IS NULL OR expires_at > ?)
                    """,
                    [repositoryID, tag.rawValue, now]
                )
            else { return false }
            try database.removeTag(tag.rawValue, repositoryID: repositoryID, now: now)
            try database.noteUntagged(manifestID: row["manifest_id"], repositoryID: repositoryID, now: now)
            return true
        }
    }

    package func deleteManifest(
        _ digest: Digest,
        in repository: RepositoryName,
        keptUntil: Timestamp,
        now: Timestamp
    ) async throws -> Bool {
        try await writes.perform(.power, mayUseReserve: true, changes: .repository(repository)) { database in
            guard let repositoryID = try database.repositoryID(repository),
                let manifestID = try database.manifestID(digest, repositoryID: repositoryID)
            else { return false }
            let parents = try database.rows(
                """
                SELECT manifest.digest FROM reference JOIN manifest ON manifest.id = reference.manifest_id
                WHERE reference.repository_id = ? AND reference.target = ? AND reference.kind = ? LIMIT 8
                """,
                [repositoryID, digest.description, ManifestReference.Kind.manifest.rawValue]
            )
            guard parents.isEmpty else {
                throw StorageError.manifestInUse(digest, by: try parents.map { try $0.digest("digest") })
            }
            let tags = try database.rows(
                "SELECT name FROM tag WHERE repository_id = ? AND manifest_id = ?",
                [repositoryID, manifestID]
            )
            for tag in tags { try database.removeTag(tag["name"], repositoryID: repositoryID, now: now) }
            try database.removeManifest(
                manifestID,
                repositoryID: repositoryID,
                keptUntil: keptUntil,
                now: now
            )
            return true
        }
    }
}

extension Database {
    /// A manifest by tag or digest, with what is known of it in the repository.
    func manifestRow(_ reference: Reference, in repository: RepositoryName, now: Timestamp) throws -> Row? {
        guard let repositoryID = try repositoryID(repository) else { return nil }
        switch reference {
        case .tag(let tag):
            return try row(
                """
                SELECT manifest.digest, repository_manifest.repository_id, repository_manifest.manifest_id,
                    repository_manifest.media_type, repository_manifest.untagged_at, tag.expires_at,
                    manifest.bytes
                FROM tag
                JOIN manifest ON manifest.id = tag.manifest_id
                JOIN repository_manifest ON repository_manifest.repository_id = tag.repository_id
                    AND repository_manifest.manifest_id = tag.manifest_id
                WHERE tag.repository_id = ? AND tag.name = ?
                    AND (tag.expires_at IS NULL OR tag.expires_at > ?)
                """,
                [repositoryID, tag.rawValue, now]
            )
        case .digest(let digest):
            return try row(
                """
                SELECT manifest.digest, repository_manifest.repository_id, repository_manifest.manifest_id,
                    repository_manifest.media_type, repository_manifest.untagged_at, NULL AS expires_at,
                    manifest.bytes
                FROM manifest
                JOIN repository_manifest ON repository_manifest.repository_id = ?
                    AND repository_manifest.manifest_id = manifest.id
                WHERE manifest.digest = ?
                """,
                [repositoryID, digest.description]
            )
        }
    }

    /// The row of a manifest that a repository has.
    func manifestID(_ digest: Digest, repositoryID: Int64) throws -> Int64? {
        try row(
            """
            SELECT manifest.id FROM manifest
            JOIN repository_manifest ON repository_manifest.manifest_id = manifest.id
                AND repository_manifest.repository_id = ?
            WHERE manifest.digest = ?
            """,
            [repositoryID, digest.description]
        )?["id"]
    }

    /// Removes a tag, and ends the groups of uploads that would point it anew.
    func removeTag(_ name: String, repositoryID: Int64, now: Timestamp) throws {
        try endGroups(ofTag: name, repositoryID: repositoryID)
        try run("DELETE FROM tag WHERE repository_id = ? AND name = ?", [repositoryID, name])
        try addHistory(of: name, nil, repositoryID: repositoryID, now: now)
    }

    /// Remembers since when a manifest has no tag, if it has none.
    func noteUntagged(manifestID: Int64, repositoryID: Int64, now: Timestamp) throws {
        try run(
            """
            UPDATE repository_manifest SET untagged_at = ?1
            WHERE repository_id = ?2 AND manifest_id = ?3
                AND NOT EXISTS (SELECT 1 FROM tag WHERE repository_id = ?2 AND manifest_id = ?3)
            """,
            [now, repositoryID, manifestID]
        )
    }

    /// Remembers since when a manifest is without what it belonged to, unless a tag names it or that was later.
    private func noteUnnamed(manifestID: Int64, repositoryID: Int64, since: Timestamp) throws {
        try run(
            """
            UPDATE repository_manifest SET untagged_at = max(coalesce(untagged_at, ?1), ?1)
            WHERE repository_id = ?2 AND manifest_id = ?3
                AND NOT EXISTS (SELECT 1 FROM tag WHERE repository_id = ?2 AND manifest_id = ?3)
            """,
            [since, repositoryID, manifestID]
        )
    }

    /// The same for whatever names a manifest as its subject.
    private func noteReferrersUnnamed(of manifestID: Int64, repositoryID: Int64, since: Timestamp) throws {
        let referrers = try rows(
            """
            SELECT referrer.manifest_id FROM manifest
            CROSS JOIN referrer ON referrer.repository_id = ? AND referrer.subject = manifest.digest
            WHERE manifest.id = ?
            """,
            [repositoryID, manifestID]
        )
        for row in referrers {
            try noteUnnamed(manifestID: row["manifest_id"], repositoryID: repositoryID, since: since)
        }
    }

    /// Takes a manifest out of a repository with what came with it, and has what they alone referred to looked at later.
    ///
    /// `untagged`: since when nothing named it, where that was before now: for what it took along.
    func removeManifest(
        _ manifestID: Int64,
        repositoryID: Int64,
        keptUntil: Timestamp,
        untagged: Timestamp? = nil,
        now: Timestamp
    ) throws {
        let targets = try rows(
            "SELECT target, kind FROM reference WHERE repository_id = ? AND manifest_id = ?",
            [repositoryID, manifestID]
        )
        try run(
            "DELETE FROM reference WHERE repository_id = ? AND manifest_id = ?",
            [repositoryID, manifestID]
        )
        for row in targets {
            let target: String = row["target"]
            if try isReferenced(target, repositoryID: repositoryID) { continue }
            if row["kind"] == ManifestReference.Kind.manifest.rawValue {
                let child = try Self.parsed(target)
                if let childID = try self.manifestID(child, repositoryID: repositoryID) {
                    try noteUnnamed(manifestID: childID, repositoryID: repositoryID, since: untagged ?? now)
                }
            }
            // A child too: its bytes may have been pushed as a blob besides.
            try enqueueGarbage(target, repositoryID: repositoryID, due: keptUntil)
        }
        try removeReferrer(manifestID: manifestID, repositoryID: repositoryID)
        try forget(manifestID: manifestID, repositoryID: repositoryID)
        try detach(manifestID: manifestID, repositoryID: repositoryID)
        try removeAttachments(of: manifestID, repositoryID: repositoryID, keptUntil: keptUntil, now: now)
        try noteReferrersUnnamed(of: manifestID, repositoryID: repositoryID, since: untagged ?? now)
        try run(
            """
            DELETE FROM upload_part WHERE manifest_id = ?1 AND EXISTS
            (SELECT 1 FROM upload_group WHERE upload_group.id = group_id AND upload_group.repository_id = ?2)
            """,
            [manifestID, repositoryID]
        )
        try run(
            "DELETE FROM repository_manifest WHERE repository_id = ? AND manifest_id = ?",
            [repositoryID, manifestID]
        )
        try run("UPDATE repository SET manifest_count = manifest_count - 1 WHERE id = ?", [repositoryID])
        try run(
            """
            DELETE FROM manifest
            WHERE id = ? AND NOT EXISTS (SELECT 1 FROM repository_manifest WHERE manifest_id = manifest.id)
            """,
            [manifestID]
        )
    }

    private static func parsed(_ text: String) throws -> Digest {
        do { return try Digest(text) } catch {
            throw StorageError.database("'\(text.printable)' in column target is no digest")
        }
    }
}
