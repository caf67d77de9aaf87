import GRDB
import OCI

extension SQLiteCatalog {
    package func publishPart(_ part: PartPublication) async throws -> PartPublication.Outcome {
        try await writes.perform(.power, changes: .repository(part.image.repository)) { database in
            var outcome = PartPublication.Outcome.unsynced([])
            try database.inSavepoint {
                outcome = try Self.publish(part, database)
                // The image may have been added before its group's index turned out to reach blobs that are not durable.
                if case .unsynced = outcome { return .rollback }
                return part.image.isRehearsal ? .rollback : .commit
            }
            return outcome
        }
    }

    private static func publish(
        _ part: PartPublication,
        _ database: Database
    ) throws -> PartPublication.Outcome {
        let manifestID: Int64
        let repositoryID: Int64
        var isChange: Bool
        switch try add(part.image, database) {
        case .unsynced(let blobs): return .unsynced(blobs)
        case .added(let manifest, let repository, let isNew):
            (manifestID, repositoryID, isChange) = (manifest, repository, isNew)
        }
        let group = try database.openGroup(of: part, repositoryID: repositoryID)
        let isOther = try database.setPart(part, manifestID: manifestID, isNew: isChange, group)
        isChange = isChange || isOther
        let images = try database.parts(ofGroup: group.id)
        let platforms = images.compactMap(\.platform)
        let missing = part.expected.filter { !platforms.contains($0) }
        var placement = PartPublication.Placement.staged(missing: missing)
        if missing.isEmpty, try database.hasNewerGroup(than: group.id, part.tag, repositoryID: repositoryID) {
            placement = .late
        } else if missing.isEmpty {
            switch try target(of: part, images, imageID: manifestID, database) {
            case .unsynced(let blobs): return .unsynced(blobs)
            case .found(let targetID, let publication):
                placement = .tagged(publication.digest)
                let hasMoved = try pointTag(of: part, to: targetID, publication, group, images, database)
                if hasMoved { isChange = true }
            }
        }
        if missing.isEmpty {
            try database.run("UPDATE upload_part SET is_staged = 0 WHERE group_id = ?", [group.id])
        }
        return .published(.init(placement: placement, platforms: platforms, isChange: isChange))
    }

    /// What a tag is to point to.
    private enum Target {
        case found(manifestID: Int64, ManifestPublication)
        case unsynced([BlobRecord])
    }

    /// The only image of a group, or an index of several, made where it is not there.
    private static func target(
        of part: PartPublication,
        _ images: [Descriptor],
        imageID: Int64,
        _ database: Database
    ) throws -> Target {
        guard images.count > 1 else { return .found(manifestID: imageID, part.image) }
        let index = try part.image.index(of: images)
        return switch try add(index, database) {
        case .added(let id, _, _): .found(manifestID: id, index)
        case .unsynced(let blobs): .unsynced(blobs)
        }
    }

    /// Points the tag, and says whether it did not point there already.
    ///
    /// An immutable tag takes further platforms of the group that it was first given to, and keeps the images it has.
    private static func pointTag(
        of part: PartPublication,
        to targetID: Int64,
        _ target: ManifestPublication,
        _ group: UploadGroup,
        _ images: [Descriptor],
        _ database: Database
    ) throws -> Bool {
        let row = try database.tagTarget(part.tag, repositoryID: group.repositoryID)
        let current = row.flatMap { row in
            row.expires.map { $0 <= part.image.now } == true ? nil : row
        }
        let isOwn = current != nil && current?.manifestID == group.taggedID
        let isImmutable = part.isTagImmutable || current?.isImmutable == true
        var isLocked = isImmutable
        if isLocked, isOwn, let current {
            // Earlier parts may have been replaced while the group waited for others.
            isLocked = try !database.images(of: current.manifestID, in: group)
                .isSubset(of: images.map(\.digest))
        }
        let hasMoved = try point(
            part.tag,
            to: targetID,
            target.tagged(as: part, isLocked: isLocked),
            database,
            mayMoveLocked: !isLocked
        )
        // An immutable tag that somebody else has given to the same image does not become the group's.
        if hasMoved || isOwn || !isImmutable {
            try database.run(
                "UPDATE upload_group SET tagged_manifest_id = ? WHERE id = ?",
                [targetID, group.id]
            )
        }
        return hasMoved
    }
}

/// A group as its row says.
private struct UploadGroup {
    let id: Int64
    let repositoryID: Int64
    /// What the group last pointed its tag to.
    let taggedID: Int64?
}

extension ManifestPublication {
    /// An index of images that the repository has.
    fileprivate func index(of images: [Descriptor]) throws -> ManifestPublication {
        let bytes = Manifest.indexBytes(images)
        let manifest: Manifest
        do { manifest = try Manifest(parsing: bytes, contentType: .ociIndex) } catch {
            throw StorageError.database("the index of a group is malformed: \(error)")
        }
        var index = ManifestPublication(
            repository: repository,
            digest: Digest(of: bytes),
            bytes: bytes,
            manifest: manifest,
            tags: [],
            synced: synced,
            now: now
        )
        index.isRehearsal = isRehearsal
        return index
    }

    /// The same with the tag of a part, which may be one that does not move.
    fileprivate func tagged(as part: PartPublication, isLocked: Bool) -> ManifestPublication {
        ManifestPublication(
            repository: repository,
            digest: digest,
            bytes: bytes,
            manifest: manifest,
            tags: [part.tag],
            immutableTags: isLocked ? [part.tag] : [],
            expiry: part.image.expiry,
            locksTags: part.image.locksTags,
            now: now
        )
    }
}

extension Database {
    /// The group of a part, opened where there is none, and kept open.
    fileprivate func openGroup(of part: PartPublication, repositoryID: Int64) throws -> UploadGroup {
        let expired = try row(
            "SELECT id FROM upload_group WHERE repository_id = ? AND tag = ? AND key = ? AND open_until <= ?",
            [repositoryID, part.tag.rawValue, part.key, part.image.now]
        )
        if let expired { try endGroup(expired["id"]) }
        try run(
            """
            INSERT INTO upload_group (repository_id, tag, key, open_until) VALUES (?, ?, ?, ?)
            ON CONFLICT (repository_id, tag, key) DO UPDATE SET open_until = excluded.open_until
            """,
            [repositoryID, part.tag.rawValue, part.key, part.openUntil]
        )
        let row = try row(
            "SELECT id, tagged_manifest_id FROM upload_group WHERE repository_id = ? AND tag = ? AND key = ?",
            [repositoryID, part.tag.rawValue, part.key]
        )
        guard let row else { throw StorageError.database("a group of uploads was not stored") }
        return UploadGroup(id: row["id"], repositoryID: repositoryID, taggedID: row["tagged_manifest_id"])
    }

    /// Makes an image its platform's part of a group, and says whether it was not.
    ///
    /// One that was staged in its place goes.
    fileprivate func setPart(
        _ part: PartPublication,
        manifestID: Int64,
        isNew: Bool,
        _ group: UploadGroup
    ) throws -> Bool {
        let platform = part.platform.description
        let previous = try row(
            "SELECT manifest_id, is_staged FROM upload_part WHERE group_id = ? AND platform = ?",
            [group.id, platform]
        )
        if let previous, previous["manifest_id"] == manifestID { return false }
        try run(
            "INSERT OR REPLACE INTO upload_part (group_id, platform, manifest_id, is_staged) VALUES (?, ?, ?, ?)",
            [group.id, platform, manifestID, isNew]
        )
        if let previous, previous["is_staged"] == true {
            try removeUnused(
                manifestID: previous["manifest_id"],
                repositoryID: group.repositoryID,
                keptUntil: part.openUntil,
                now: part.image.now
            )
        }
        return true
    }

    /// The images of a group, in the order of their platforms' names.
    fileprivate func parts(ofGroup groupID: Int64) throws -> [Descriptor] {
        try rows(
            """
            SELECT upload_part.platform, manifest.digest, manifest.size FROM upload_part
            JOIN manifest ON manifest.id = upload_part.manifest_id
            WHERE upload_part.group_id = ? ORDER BY upload_part.platform
            """,
            [groupID]
        )
        .map { row in
            Descriptor(
                mediaType: .ociManifest,
                digest: try row.digest("digest"),
                size: row["size"],
                platform: Platform(row["platform"] as String)
            )
        }
    }

    /// The images that a manifest which a group has tagged stands for: itself, or what it lists.
    fileprivate func images(of manifestID: Int64, in group: UploadGroup) throws -> Set<Digest> {
        let listed = try rows(
            "SELECT target FROM reference WHERE repository_id = ? AND manifest_id = ? AND kind = 2",
            [group.repositoryID, manifestID]
        )
        guard listed.isEmpty else { return try Set(listed.map { try $0.digest("target") }) }
        return [try manifestDigest(manifestID)]
    }

    /// Whether a group whose first part came later has taken the tag.
    fileprivate func hasNewerGroup(than id: Int64, _ tag: Tag, repositoryID: Int64) throws -> Bool {
        try exists(
            """
            SELECT 1 FROM upload_group
            WHERE repository_id = ? AND tag = ? AND id > ? AND tagged_manifest_id IS NOT NULL LIMIT 1
            """,
            [repositoryID, tag.rawValue, id]
        )
    }
}
