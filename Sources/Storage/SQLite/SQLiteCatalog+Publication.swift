import FoundationEssentials
import GRDB
import OCI

extension SQLiteCatalog {
    package func publishManifest(
        _ publication: ManifestPublication
    ) async throws -> ManifestPublication.Outcome {
        try await writes.perform(.power, changes: .repository(publication.repository)) { database in
            var outcome = ManifestPublication.Outcome.unsynced([])
            try database.inSavepoint {
                outcome = try Self.publish(publication, database)
                return publication.isRehearsal ? .rollback : .commit
            }
            return outcome
        }
    }

    private static func publish(
        _ publication: ManifestPublication,
        _ database: Database
    ) throws -> ManifestPublication.Outcome {
        switch try add(publication, database) {
        case .unsynced(let blobs): return .unsynced(blobs)
        case .added(let manifestID, let repositoryID, var isChange):
            // It was meant to stay, whatever becomes of a group that it was staged in.
            try database.run("UPDATE upload_part SET is_staged = 0 WHERE manifest_id = ?", [manifestID])
            try database.detach(manifestID: manifestID, repositoryID: repositoryID)
            for tag in publication.tags where try point(tag, to: manifestID, publication, database) {
                // Whoever pushes here next with a part of an older build does not know of this one.
                try database.endGroups(ofTag: tag.rawValue, repositoryID: repositoryID)
                isChange = true
            }
            return .published(isChange: isChange)
        }
    }

    /// What became of a manifest without its tags.
    enum Addition {
        case added(manifestID: Int64, repositoryID: Int64, isNew: Bool)
        case unsynced([BlobRecord])
    }

    /// Adds a manifest to its repository with what is attached to it, if all that they refer to is there and durable.
    static func add(_ publication: ManifestPublication, _ database: Database) throws -> Addition {
        let existingID = try database.repositoryID(publication.repository)
        var unsynced = try checkReferences(of: publication, repositoryID: existingID, database)
        for var attached in publication.attached {
            attached.synced = publication.synced
            let more = try checkReferences(of: attached, repositoryID: existingID, database)
            unsynced += more.filter { !unsynced.contains($0) }
        }
        guard unsynced.isEmpty else { return .unsynced(unsynced) }
        for blob in publication.synced {
            try database.run("UPDATE blob SET synced = 1 WHERE id = ? AND synced = 0", [blob.rowID])
        }
        let repositoryID = try database.repositoryID(publication.repository, createdAt: publication.now)
        let (manifestID, isNew) = try store(publication, repositoryID: repositoryID, database)
        if let memo = publication.memo {
            try database.remember(memo, manifestID: manifestID, repositoryID: repositoryID)
        }
        for attached in publication.attached {
            let (attachedID, isNew) = try store(attached, repositoryID: repositoryID, database)
            // What somebody has pushed besides stays for itself.
            guard isNew else { continue }
            try database.attach(attachedID, to: manifestID, repositoryID: repositoryID)
        }
        return .added(manifestID: manifestID, repositoryID: repositoryID, isNew: isNew)
    }

    /// Throws what is missing, and returns what is there but may not survive a loss of power.
    private static func checkReferences(
        of publication: ManifestPublication,
        repositoryID: Int64?,
        _ database: Database
    ) throws -> [BlobRecord] {
        guard !publication.isRehearsal else { return [] }
        var missing: [Digest] = []
        var unsynced: [BlobRecord] = []
        var children: Set<Digest> = []
        var seen: Set<Digest> = []
        for reference in publication.manifest.references
        where seen.insert(reference.descriptor.digest).inserted {
            let digest = reference.descriptor.digest
            // An index may also list blobs: build caches are pushed as such.
            if reference.kind == .manifest, let repositoryID,
                try database.manifestID(digest, repositoryID: repositoryID) != nil
            {
                children.insert(digest)
                continue
            }
            if let repositoryID, let row = try database.visibleBlob(digest, repositoryID: repositoryID) {
                let record = try row.blobRecord()
                if row["synced"] == 0, !publication.synced.contains(record.id) { unsynced.append(record) }
            } else if !publication.mayMiss(reference) {
                missing.append(digest)
            }
        }
        guard missing.isEmpty else { throw StorageError.missingReferences(missing) }
        guard let repositoryID, !children.isEmpty else { return unsynced }
        let below = try database.unsyncedBlobs(repositoryID: repositoryID).filter { record in
            guard !publication.synced.contains(record.id), !unsynced.contains(record) else { return false }
            return try !database.manifestsAbove(record.digest, repositoryID: repositoryID)
                .isDisjoint(with: children)
        }
        return unsynced + below
    }

    /// Makes the rows of a manifest and its references, unless the repository has them.
    private static func store(
        _ publication: ManifestPublication,
        repositoryID: Int64,
        _ database: Database
    ) throws -> (manifestID: Int64, isNew: Bool) {
        let digest = publication.digest.description
        func addReferrer(_ id: Int64) throws {
            try database.addReferrer(
                publication.manifest,
                digest: publication.digest,
                size: publication.bytes.count,
                manifestID: id,
                repositoryID: repositoryID
            )
        }
        // What was damaged is healed by the push of the same content, as a blob is.
        try database.run(
            "UPDATE manifest SET bytes = ?1, size = length(?1) WHERE digest = ?2 AND bytes IS NOT ?1",
            [Data(publication.bytes), digest]
        )
        if let id = try database.manifestID(publication.digest, repositoryID: repositoryID) {
            // Whoever was told that it is stored may count on it as somebody may who has pulled it.
            try database.run(
                """
                UPDATE repository_manifest SET untagged_at = max(untagged_at, ?1)
                WHERE repository_id = ?2 AND manifest_id = ?3 AND untagged_at IS NOT NULL
                """,
                [publication.now, repositoryID, id]
            )
            try database.run(
                """
                UPDATE repository_manifest SET media_type = ?1, artifact_type = ?2
                WHERE repository_id = ?3 AND manifest_id = ?4 AND media_type <> ?1
                """,
                [
                    publication.manifest.mediaType.rawValue, publication.manifest.artifactType?.rawValue,
                    repositoryID, id,
                ]
            )
            let isChange = database.changesCount > 0
            if isChange {
                try database.removeReferrer(manifestID: id, repositoryID: repositoryID)
                try addReferrer(id)
            }
            return (id, isChange)
        }
        try database.run(
            "INSERT OR IGNORE INTO manifest (digest, size, created_at, bytes) VALUES (?, ?, ?, ?)",
            [digest, publication.bytes.count, publication.now, Data(publication.bytes)]
        )
        guard let id = try database.row("SELECT id FROM manifest WHERE digest = ?", [digest])?["id"] as Int64?
        else {
            throw StorageError.database("the manifest \(digest) was not stored")
        }
        try database.run(
            """
            INSERT INTO repository_manifest
            (repository_id, manifest_id, media_type, artifact_type, subject, pushed_at) VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                repositoryID, id, publication.manifest.mediaType.rawValue,
                publication.manifest.artifactType?.rawValue,
                publication.manifest.subject?.digest.description, publication.now,
            ]
        )
        try database.run(
            "UPDATE repository SET manifest_count = manifest_count + 1 WHERE id = ?",
            [repositoryID]
        )
        try addReferrer(id)
        for reference in publication.manifest.references {
            let target = reference.descriptor.digest.description
            try database.run(
                "INSERT OR IGNORE INTO reference (repository_id, target, manifest_id, kind) VALUES (?, ?, ?, ?)",
                [repositoryID, target, id, reference.kind.rawValue]
            )
            try database.run(
                "DELETE FROM garbage WHERE repository_id = ? AND digest = ?",
                [repositoryID, target]
            )
        }
        return (id, true)
    }

    /// Points a tag to a manifest, and says whether it did not already.
    ///
    /// Whoever points it last says how long it is there, unless it cannot be moved.
    ///
    /// `mayMoveLocked`: whether the tag is moved also where somebody has said that it stays.
    static func point(
        _ tag: Tag,
        to manifestID: Int64,
        _ publication: ManifestPublication,
        _ database: Database,
        mayMoveLocked: Bool = false
    ) throws -> Bool {
        let repositoryID = try database.repositoryID(publication.repository, createdAt: publication.now)
        let current = try database.tagTarget(tag, repositoryID: repositoryID)
        let isValid = current?.expires.map { $0 > publication.now } ?? (current != nil)
        let isLocked =
            isValid && !mayMoveLocked
            && (current?.isImmutable == true || publication.immutableTags.contains(tag))
        let expires = publication.expiry[tag]
        if let current, current.manifestID == manifestID, isValid {
            // Retention goes by when it was last pushed, whether that was a change or none.
            try database.run(
                "UPDATE tag SET updated_at = max(updated_at, ?) WHERE repository_id = ? AND name = ?",
                [publication.now, repositoryID, tag.rawValue]
            )
            if !isLocked, current.expires != expires || publication.locksTags && !current.isImmutable {
                try database.run(
                    "UPDATE tag SET expires_at = ?, is_immutable = ? WHERE repository_id = ? AND name = ?",
                    [expires, publication.locksTags || current.isImmutable, repositoryID, tag.rawValue]
                )
            }
            return false
        }
        if let current, isLocked {
            throw StorageError.tagImmutable(tag, try database.manifestDigest(current.manifestID))
        }
        try database.run(
            """
            INSERT OR REPLACE INTO tag (repository_id, name, manifest_id, updated_at, expires_at, is_immutable)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                repositoryID, tag.rawValue, manifestID, publication.now, expires,
                publication.locksTags || isValid && current?.isImmutable == true,
            ]
        )
        try database.addHistory(
            of: tag.rawValue,
            publication.digest,
            repositoryID: repositoryID,
            now: publication.now
        )
        try database.run(
            "UPDATE repository_manifest SET untagged_at = NULL WHERE repository_id = ? AND manifest_id = ?",
            [repositoryID, manifestID]
        )
        if let previous = current?.manifestID, previous != manifestID {
            try database.noteUntagged(manifestID: previous, repositoryID: repositoryID, now: publication.now)
        }
        return true
    }
}

/// What a tag's row says.
struct TagTarget {
    let manifestID: Int64
    let expires: Timestamp?
    let isImmutable: Bool
}

extension ManifestPublication {
    /// Whether something that the manifest refers to need not be there.
    fileprivate func mayMiss(_ reference: ManifestReference) -> Bool {
        reference.descriptor.mediaType.isNonDistributable || isSparse
    }
}

extension Database {
    /// What a tag points to or pointed to, if it has expired.
    func tagTarget(_ tag: Tag, repositoryID: Int64) throws -> TagTarget? {
        try row(
            "SELECT manifest_id, expires_at, is_immutable FROM tag WHERE repository_id = ? AND name = ?",
            [repositoryID, tag.rawValue]
        )
        .map {
            TagTarget(
                manifestID: $0["manifest_id"],
                expires: $0["expires_at"],
                isImmutable: $0["is_immutable"]
            )
        }
    }

    /// The digest of a manifest that a tag points to.
    func manifestDigest(_ id: Int64) throws -> Digest {
        guard let row = try row("SELECT digest FROM manifest WHERE id = ?", [id]) else {
            throw StorageError.database("the manifest of a tag is missing")
        }
        return try row.digest("digest")
    }

    /// The blobs of a repository that are not known to survive a loss of power.
    fileprivate func unsyncedBlobs(repositoryID: Int64) throws -> [BlobRecord] {
        // CROSS JOIN: from the few that are not synced, not from the many of the repository.
        try rows(
            """
            SELECT blob.id, blob.digest, blob.size FROM blob
            CROSS JOIN repository_blob ON repository_blob.blob_id = blob.id AND repository_blob.repository_id = ?
            WHERE blob.synced = 0 AND blob.state = 0 ORDER BY blob.id
            """,
            [repositoryID]
        )
        .map { try $0.blobRecord() }
    }

    /// The manifests of a repository that refer to something, themselves or through others that they list.
    ///
    /// Most that is not synced has none: a blob is synced with the first manifest that refers to it. What came
    /// later is a layer that its manifest may lack, or one that had been lost.
    fileprivate func manifestsAbove(_ digest: Digest, repositoryID: Int64) throws -> Set<Digest> {
        let rows = try rows(
            """
            WITH RECURSIVE above (digest) AS (
                SELECT manifest.digest FROM reference JOIN manifest ON manifest.id = reference.manifest_id
                WHERE reference.repository_id = ?1 AND reference.target = ?2
                UNION
                SELECT manifest.digest FROM above
                CROSS JOIN reference ON reference.repository_id = ?1 AND reference.target = above.digest
                CROSS JOIN manifest ON manifest.id = reference.manifest_id
            )
            SELECT digest FROM above
            """,
            [repositoryID, digest.description]
        )
        return try Set(rows.map { try $0.digest("digest") })
    }
}
