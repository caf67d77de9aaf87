import GRDB
package import OCI
import Synchronization

extension SQLiteCatalog {
    package func nextGarbage() async throws -> Timestamp? {
        try await read { database in
            if try database.exists("SELECT 1 FROM blob WHERE state = 1 LIMIT 1") { return .distantPast }
            return try database.row("SELECT min(due) AS due FROM garbage")?["due"]
        }
    }

    package func removeExpiredTags(now: Timestamp, limit: Int) async throws -> [RemovedTag] {
        try await writes.perform(.power, mayUseReserve: true) {
            try $0.removeExpiredTags(now: now, limit: limit)
        }
    }

    package func tagUsePage(
        of repository: RepositoryName,
        after last: String?,
        limit: Int,
        now: Timestamp
    ) async throws -> Page<TagUse> {
        try await read { [pulls] database in
            guard let repositoryID = try database.repositoryID(repository) else {
                return Page(elements: [], hasMore: false)
            }
            let rows = try database.rows(
                """
                SELECT tag.name, tag.manifest_id, tag.updated_at, tag.is_immutable, manifest.digest,
                    repository_manifest.pulled_at
                FROM tag JOIN manifest ON manifest.id = tag.manifest_id
                JOIN repository_manifest ON repository_manifest.repository_id = tag.repository_id
                    AND repository_manifest.manifest_id = tag.manifest_id
                WHERE tag.repository_id = ? AND tag.name > ? AND (tag.expires_at IS NULL OR tag.expires_at > ?)
                ORDER BY tag.name LIMIT ?
                """,
                [repositoryID, last ?? "", now, limit + 1]
            )
            let uses = try rows.prefix(limit).map { row in
                let key = PullLog.Key(repositoryID: repositoryID, manifestID: row["manifest_id"])
                let pulled = [row["pulled_at"] as Timestamp?, pulls.time(of: key)].compactMap { $0 }.max()
                return TagUse(
                    tag: try row.tag("name"),
                    digest: try row.digest("digest"),
                    pushed: row["updated_at"],
                    pulled: pulled,
                    isImmutable: row["is_immutable"]
                )
            }
            return Page(elements: uses, hasMore: rows.count > limit)
        }
    }

    package func removeTags(
        _ tags: [TagUse],
        of repository: RepositoryName,
        now: Timestamp
    ) async throws -> [RemovedTag] {
        try await writes.perform(.power, mayUseReserve: true) { [pulls] database in
            try database.removeTags(tags, of: repository, pulls: pulls, now: now)
        }
    }

    package func removeUntagged(
        _ removal: UntaggedRemoval,
        after last: UntaggedRemoval.Cursor?,
        limit: Int
    ) async throws -> UntaggedRemoval.Portion {
        try await writes.perform(.power, mayUseReserve: true) { [pulls] database in
            try database.removeUntagged(removal, after: last, limit: limit, pulls: pulls)
        }
    }

    package func markGarbage(now: Timestamp, limit: Int) async throws -> Int {
        try await writes.perform(.power, mayUseReserve: true) { try $0.markGarbage(now: now, limit: limit) }
    }

    package func sweepGarbage(
        limit: Int,
        removing remove: @escaping @Sendable (Digest) throws -> Void
    ) async throws -> [BlobRecord] {
        // The state is read again in the transaction that removes the bytes: a push in between has given the content
        // another row. And alone: bytes are removed only for a deletion that no crash can take back any more.
        try await writes.perform(.crash, isAlone: true, mayUseReserve: true) { [self] database in
            // A copy that is being made needs what it has read of.
            guard pins.withLock({ $0 == 0 }) else { return [] }
            let records = try database.blobsBeingDeleted(limit: limit)
            for record in records {
                try remove(record.digest)
                try database.run("DELETE FROM blob WHERE id = ?", [record.id.rowID])
            }
            return records
        }
    }

    package func removeRemains(now: Timestamp, emptySince: Timestamp, limit: Int) async throws -> Bool {
        try await writes.perform(.crash, mayUseReserve: true) { database in
            try database.removeRemains(now: now, emptySince: emptySince, limit: limit)
        }
    }

    package func forecastCollection(
        retiring tags: [RepositoryName: [TagUse]],
        _ removal: UntaggedRemoval
    ) async throws -> CollectionForecast {
        // What is done is what a collection does, and then taken back: so the two cannot say different things.
        try await writes.perform(.crash) { [pulls] database in
            var forecast = CollectionForecast(tags: [], manifests: [], blobs: [])
            try database.inSavepoint {
                forecast = try database.collectEverything(retiring: tags, removal, pulls: pulls)
                return .rollback
            }
            return forecast
        }
    }
}

extension Database {
    /// Blobs whose bytes are to be removed.
    fileprivate func blobsBeingDeleted(limit: Int) throws -> [BlobRecord] {
        try rows("SELECT id, digest, size FROM blob WHERE state = 1 ORDER BY id LIMIT ?", [limit])
            .map { try $0.blobRecord() }
    }

    /// All steps of a collection in their order, but for the bytes.
    fileprivate func collectEverything(
        retiring tags: [RepositoryName: [TagUse]],
        _ removal: UntaggedRemoval,
        pulls: PullLog
    ) throws -> CollectionForecast {
        let now = removal.now
        var removedTags = try removeExpiredTags(now: now, limit: .max)
        for (repository, tags) in tags {
            removedTags += try removeTags(tags, of: repository, pulls: pulls, now: now)
        }
        var manifests = try closeGroups(now: now, keptUntil: removal.keptUntil, limit: .max).removed
        while true {
            // What a manifest held is due with it, and may stand before it in the order.
            let portion = try removeUntagged(removal, after: nil, limit: .max, pulls: pulls)
            guard !portion.removed.isEmpty else { break }
            manifests += portion.removed
        }
        _ = try markGarbage(now: now, limit: .max)
        return CollectionForecast(
            tags: removedTags,
            manifests: manifests,
            blobs: try blobsBeingDeleted(limit: .max)
        )
    }
}

extension Timestamp {
    /// Earlier than anything.
    package static let distantPast = Timestamp(milliseconds: .min)
}
