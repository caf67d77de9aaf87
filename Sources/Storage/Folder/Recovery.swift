package import Logging
import OCI

/// What the next owner does where the one before died.
///
/// - SeeAlso: docs/storage.md, "After a crash"
package struct Recovery: Sendable {
    let blobs: any BlobStore
    let catalog: any Catalog
    let logger: Logger

    package init(blobs: any BlobStore, catalog: any Catalog, logger: Logger) {
        self.blobs = blobs
        self.catalog = catalog
        self.logger = logger
    }

    /// Brings files and records into agreement.
    package func run() async throws {
        logger.notice("the storage folder was not closed: checking what was written last")
        try await checkUnsynced()
        try await removeUnknown()
        try await resumeDeletions()
    }

    /// A blob that was never synced may have lost any part of its bytes: it is whole, or it goes.
    private func checkUnsynced() async throws {
        var whole: [BlobRecord] = []
        for record in try await catalog.unsyncedBlobs() {
            if try await isWhole(record) {
                whole.append(record)
            } else {
                logger.warning(
                    "dropping a blob that was not written whole",
                    metadata: ["digest": "\(record.digest)"]
                )
                try await catalog.dropUnsynced(record.id, removing: { [blobs] in try blobs.remove($0) })
            }
        }
        try await catalog.markSynced(whole.map(\.id))
    }

    /// Whether a blob is durable and what its digest says.
    ///
    /// Flushed first and read then: what is read is what the disk holds, not what memory remembers of bytes that a
    /// flush has failed to write.
    private func isWhole(_ record: BlobRecord) async throws -> Bool {
        do {
            try await blobs.sync([record.digest])
            return try await blobs.verify(record.digest, size: record.size)
        } catch StorageError.failed(let operation, let path, let code) {
            logger.warning(
                "a blob cannot be read back",
                metadata: ["operation": "\(operation)", "path": "\(path)", "errno": "\(code)"]
            )
            return false
        }
    }

    /// A file without a record was placed by a transaction that did not survive.
    ///
    /// Beside a catalog that was restored it may be more: what that one does not know yet, or not any more.
    private func removeUnknown() async throws {
        guard try await !catalog.isRestored() else {
            logger.notice(
                "the catalog was restored: what it does not know is kept until berth verify --repair"
            )
            return
        }
        try await blobs.forEachPlaced { [blobs, catalog, logger] digests in
            for digest in try catalog.unknownBlobs(among: digests) {
                logger.warning("removing a blob without a record", metadata: ["digest": "\(digest)"])
                try blobs.remove(digest)
            }
        }
    }

    /// Finishes the second step of collection where the first was taken.
    package func resumeDeletions() async throws {
        let portion = 256
        while try await catalog.sweepGarbage(limit: portion, removing: { [blobs] in try blobs.remove($0) })
            .count == portion
        {}
    }
}

extension Catalog {
    /// Makes every blob durable that is not known to be, so that the next start need not check.
    package func syncAll(with blobs: any BlobStore) async throws {
        let unsynced = try await unsyncedBlobs()
        guard !unsynced.isEmpty else { return }
        try await blobs.sync(unsynced.map(\.digest))
        try await markSynced(unsynced.map(\.id))
    }
}
