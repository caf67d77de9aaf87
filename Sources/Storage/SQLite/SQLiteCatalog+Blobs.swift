import GRDB
package import OCI

extension SQLiteCatalog {
    package func blob(_ digest: Digest, in repository: RepositoryName) async throws -> BlobRecord? {
        try await read { database in
            guard let repositoryID = try database.repositoryID(repository) else { return nil }
            return try database.visibleBlob(digest, repositoryID: repositoryID)?.blobRecord()
        }
    }

    package func keepBlob(
        _ digest: Digest,
        in repository: RepositoryName,
        until keptUntil: Timestamp
    ) async throws -> KeptBlob? {
        let lease = lease(onBlobsOf: repository)
        let found = try await read { try $0.keptBlob(digest, in: repository) }
        guard let found else { return nil }
        guard let due = found.due else { return KeptBlob(record: found.record, lease: lease) }
        if due >= keptUntil { return KeptBlob(record: found.record, lease: nil) }
        return try await writes.perform(.crash, changes: .nothing) { database in
            guard let found = try database.keptBlob(digest, in: repository) else { return nil }
            if let due = found.due, due < keptUntil {
                try database.enqueueGarbage(
                    digest.description,
                    repositoryID: found.repositoryID,
                    due: keptUntil
                )
            }
            return KeptBlob(record: found.record, lease: nil)
        }
    }

    package func lease(onBlobsOf repository: RepositoryName) -> ReadLease? {
        writes.epochs.stamp(repository).map { ReadLease(writes.epochs, $0) }
    }

    package func publishBlob(_ publication: BlobPublication) async throws -> BlobRecord {
        try await writes.perform(.crash, changes: .nothing, undo: { publication.placement.undo() }) {
            database in
            let repositoryID = try database.repositoryID(publication.repository, createdAt: publication.now)
            let id = try Self.placeBlob(publication, database)
            try database.link(
                blobID: id,
                digest: publication.digest,
                repositoryID: repositoryID,
                keptUntil: publication.keptUntil,
                now: publication.now
            )
            return BlobRecord(id: .init(rowID: id), digest: publication.digest, size: publication.size)
        }
    }

    /// Puts the content in its place as the state of its record demands, and returns the record's row.
    private static func placeBlob(_ publication: BlobPublication, _ database: Database) throws -> Int64 {
        let digest = publication.digest.description
        let existing = try database.row("SELECT id, state FROM blob WHERE digest = ?", [digest])
        if let id: Int64 = existing?["id"], existing?["state"] == 0 {
            // One that is there was verified, and may be synced already; one that went missing is healed.
            guard try publication.placement.ensure() else { return id }
        } else {
            // A file without a row was left by a crash, and nobody knows what it holds: it is written over. So is
            // one that is damaged, or about to be deleted.
            try publication.placement.replace()
        }
        return try database.renewBlob(existing?["id"], publication)
    }

    package func mountBlob(
        _ digest: Digest,
        from source: RepositoryName?,
        to repository: RepositoryName,
        keptUntil: Timestamp,
        now: Timestamp
    ) async throws -> BlobRecord? {
        try await writes.perform(.crash, changes: .nothing) { database in
            let row: Row?
            if let source {
                row = try database.repositoryID(source).flatMap {
                    try database.visibleBlob(digest, repositoryID: $0)
                }
            } else {
                row = try database.row(
                    "SELECT id, digest, size FROM blob WHERE digest = ? AND state = 0",
                    [digest.description]
                )
            }
            guard let record = try row?.blobRecord() else { return nil }
            try database.link(
                blobID: record.id.rowID,
                digest: digest,
                repositoryID: database.repositoryID(repository, createdAt: now),
                keptUntil: keptUntil,
                now: now
            )
            return record
        }
    }

    package func deleteBlob(_ digest: Digest, in repository: RepositoryName) async throws -> Bool {
        try await writes.perform(.power, mayUseReserve: true, changes: .repository(repository)) { database in
            guard let repositoryID = try database.repositoryID(repository),
                let row = try database.visibleBlob(digest, repositoryID: repositoryID)
            else { return false }
            guard try !database.isReferenced(digest.description, repositoryID: repositoryID) else {
                throw StorageError.blobInUse(digest)
            }
            try database.unlink(blobID: row["id"], digest: digest.description, repositoryID: repositoryID)
            return true
        }
    }
}

// MARK: Durability

extension SQLiteCatalog {
    package func markSynced(_ blobs: [BlobRecord.ID]) async throws {
        try await writes.perform(.power, mayUseReserve: true, changes: .nothing) { database in
            for blob in blobs { try database.run("UPDATE blob SET synced = 1 WHERE id = ?", [blob.rowID]) }
        }
    }

    package func dropUnsynced(
        _ blob: BlobRecord.ID,
        removing remove: @escaping @Sendable (Digest) throws -> Void
    ) async throws {
        try await writes.perform(.crash, mayUseReserve: true) { database in
            let row = try database.row("SELECT digest FROM blob WHERE id = ? AND synced = 0", [blob.rowID])
            guard let digest = try row?.digest("digest") else { return }
            try database.run(
                """
                DELETE FROM garbage WHERE digest = ? AND repository_id IN
                (SELECT repository_id FROM repository_blob WHERE blob_id = ?)
                """,
                [digest.description, blob.rowID]
            )
            try database.run("DELETE FROM repository_blob WHERE blob_id = ?", [blob.rowID])
            try database.run("DELETE FROM blob WHERE id = ?", [blob.rowID])
            try remove(digest)
        }
    }

    package func unsyncedBlobs() async throws -> [BlobRecord] {
        try await read { database in
            try database.rows("SELECT id, digest, size FROM blob WHERE synced = 0 AND state = 0 ORDER BY id")
                .map { try $0.blobRecord() }
        }
    }

    package func unknownBlobs(among digests: [Digest]) throws -> [Digest] {
        // One statement for all: after a crash every file that there is is asked for.
        let list = "[" + digests.map { "\"\($0)\"" }.joined(separator: ",") + "]"
        return try readBlocking { database in
            try database.rows(
                """
                SELECT value AS digest FROM json_each(?)
                WHERE NOT EXISTS (SELECT 1 FROM blob WHERE blob.digest = json_each.value)
                """,
                [list]
            )
            .map { try $0.digest("digest") }
        }
    }
}

extension Database {
    /// The blob, if it is visible, and when it is due to be collected, if it is.
    fileprivate func keptBlob(
        _ digest: OCI.Digest,
        in repository: RepositoryName
    ) throws -> (record: BlobRecord, repositoryID: Int64, due: Timestamp?)? {
        guard let repositoryID = try repositoryID(repository),
            let blob = try visibleBlob(digest, repositoryID: repositoryID)
        else { return nil }
        let garbage = try row(
            "SELECT due FROM garbage WHERE repository_id = ? AND digest = ?",
            [repositoryID, digest.description]
        )
        return (try blob.blobRecord(), repositoryID, garbage?["due"])
    }
}
