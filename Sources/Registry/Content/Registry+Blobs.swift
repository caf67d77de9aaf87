import Logging
package import OCI
package import Storage

extension Registry {
    /// Opens a blob of a repository for reading.
    package func blob(_ digest: Digest, in repository: RepositoryName) async throws -> OpenBlob {
        var missing: BlobRecord.ID?
        while true {
            guard let record = try await catalog.blob(digest, in: repository) else {
                // Whoever asks for its bytes is told why there are none; everybody else, that it is not there.
                if try await catalog.quarantinedBlob(digest, in: repository) != nil {
                    throw StorageError.corrupt(digest)
                }
                throw RegistryError.blobUnknown(digest)
            }
            if let blob = try await blobs.open(digest, size: record.size) { return blob }
            // Before it could be opened it may have been deleted, and even pushed again under another record.
            guard record.id != missing else { throw StorageError.corrupt(digest) }
            missing = record.id
        }
    }

    /// Says how large a blob is, and keeps it for as long as a client may count on having been told.
    ///
    /// A blob whose bytes are damaged is unknown here, because the push that follows heals it.
    package func statBlob(_ digest: Digest, in repository: RepositoryName) async throws -> Int64 {
        try await keepBlob(digest, in: repository).record.size
    }

    /// The same, and how long it may be told again.
    package func keepBlob(_ digest: Digest, in repository: RepositoryName) async throws -> KeptBlob {
        guard let blob = try await catalog.keepBlob(digest, in: repository, until: keptUntil) else {
            throw RegistryError.blobUnknown(digest)
        }
        do {
            guard try await blobs.open(digest, size: blob.record.size) != nil else {
                throw RegistryError.blobUnknown(digest)
            }
        } catch StorageError.corrupt {
            throw RegistryError.blobUnknown(digest)
        }
        return blob
    }

    /// How long what is read next of a repository's blobs may be told again; nil while something is being written.
    package func lease(onBlobsOf repository: RepositoryName) -> ReadLease? {
        catalog.lease(onBlobsOf: repository)
    }

    /// Makes a blob that is visible in another repository visible in this one; false where that has none.
    ///
    /// `source` nil means any repository.
    package func mountBlob(
        _ digest: Digest,
        from source: RepositoryName?,
        to repository: RepositoryName
    ) async throws -> Bool {
        let record = try await catalog.mountBlob(
            digest,
            from: source,
            to: repository,
            keptUntil: keptUntil,
            now: clock()
        )
        return record != nil
    }

    /// Takes a blob out of a repository.
    package func deleteBlob(_ digest: Digest, in repository: RepositoryName) async throws {
        guard policy.allowsDeletes else { throw RegistryError.deletesDenied(.blob) }
        guard try await catalog.deleteBlob(digest, in: repository) else {
            throw RegistryError.blobUnknown(digest)
        }
        // Its bytes go now if no other repository has it. Where this fails the next sweep or start does it.
        do {
            _ = try await catalog.sweepGarbage(limit: 1, removing: { [blobs] in try blobs.remove($0) })
        } catch {
            logger.warning(
                "a deleted blob's bytes stay for now",
                metadata: ["digest": "\(digest)", "error": "\(error)"]
            )
        }
    }
}
