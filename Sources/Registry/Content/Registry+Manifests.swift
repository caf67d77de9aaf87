import Glibc
package import OCI
package import Storage

extension Registry {
    /// A manifest by tag or digest.
    package func manifest(
        _ reference: Reference,
        in repository: RepositoryName
    ) async throws -> ManifestRecord {
        guard let record = try await catalog.manifest(reference, in: repository, now: clock()) else {
            throw RegistryError.manifestUnknown(reference)
        }
        return try whole(record)
    }

    /// The database's file is as mortal as any other, and a manifest is hashed sooner than it is sent.
    private func whole(_ record: ManifestRecord) throws -> ManifestRecord {
        guard record.isWhole else { throw StorageError.corrupt(record.digest) }
        return record
    }

    /// A manifest by tag or digest, for a client that pulls it, or that counts on it from now on.
    package func pullManifest(
        _ reference: Reference,
        in repository: RepositoryName
    ) async throws -> PulledManifest {
        guard let pulled = try await catalog.pullManifest(reference, in: repository, now: clock()) else {
            throw RegistryError.manifestUnknown(reference)
        }
        _ = try whole(pulled.record)
        return pulled
    }

    /// Records what was pulled since the last call.
    package func flushPulls() async throws { try await catalog.flushPulls() }

    /// Says what a manifest is to somebody who may push it where it is not there: one that is damaged is not.
    package func statManifest(
        _ reference: Reference,
        in repository: RepositoryName
    ) async throws -> PulledManifest {
        do {
            return try await pullManifest(reference, in: repository)
        } catch StorageError.corrupt {
            throw RegistryError.manifestUnknown(reference)
        }
    }

    /// What became of a pushed manifest.
    package struct PushedManifest: Hashable, Sendable {
        package let digest: Digest
        /// The manifest that this one refers to as its subject.
        package let subject: Digest?
        /// False where the same manifest was there under the same name.
        package let isChange: Bool
    }

    /// Stores a manifest under a tag or its digest.
    ///
    /// When this returns it survives a loss of power.
    ///
    /// `contentType` is what the client announced, if it did; `tags` are names beside the reference.
    package func pushManifest(
        _ bytes: [UInt8],
        contentType: MediaType?,
        as reference: Reference,
        tags: [Tag] = [],
        in repository: RepositoryName
    ) async throws -> PushedManifest {
        let manifest: Manifest
        do { manifest = try Manifest(parsing: bytes, contentType: contentType) } catch {
            throw RegistryError.manifestInvalid(error)
        }
        let digest: Digest
        var names = tags
        switch reference {
        case .tag(let tag):
            digest = Digest(of: bytes)
            names.append(tag)
        case .digest(let announced):
            guard let algorithm = announced.supportedAlgorithm else {
                throw StorageError.unsupportedAlgorithm(announced)
            }
            digest = Digest(of: bytes, algorithm: algorithm)
            guard digest == announced else {
                throw StorageError.digestMismatch(announced: announced, actual: digest)
            }
        }
        let isChange = try await publish(
            publication(of: manifest, bytes, as: digest, tags: names, in: repository)
        )
        return PushedManifest(digest: digest, subject: manifest.subject?.digest, isChange: isChange)
    }

    /// A manifest on its way into a repository, as this registry's policy has it.
    func publication(
        of manifest: Manifest,
        _ bytes: [UInt8],
        as digest: Digest,
        tags: [Tag],
        in repository: RepositoryName
    ) -> ManifestPublication {
        let now = clock()
        return ManifestPublication(
            repository: repository,
            digest: digest,
            bytes: bytes,
            manifest: manifest,
            tags: tags,
            immutableTags: policy.immutable(among: tags, in: repository),
            expiry: policy.expiry(of: tags, in: repository, timeToLive: nil, now: now),
            isSparse: policy.isSparse(repository),
            now: now
        )
    }

    /// Publishes a manifest, and before it syncs what it reaches and may not survive a loss of power yet.
    func publish(_ publication: ManifestPublication) async throws -> Bool {
        var publication = publication
        // Between two attempts a blob can only have been dropped and pushed anew: nobody does that without end.
        for _ in 0..<Self.maximumPublicationAttempts {
            switch try await catalog.publishManifest(publication) {
            case .published(let isChange): return isChange
            case .unsynced(let records):
                if try await sync(records) { publication.synced.formUnion(records.map(\.id)) }
            }
        }
        throw StorageError.missingReferences(publication.manifest.references.map(\.descriptor.digest))
    }

    static var maximumPublicationAttempts: Int { 8 }

    /// Makes blobs safe from a loss of power; false where one of them is not there any more.
    func sync(_ records: [BlobRecord]) async throws -> Bool {
        do {
            try await blobs.sync(records.map(\.digest))
            return true
        } catch StorageError.tooManyOpenFiles {
            // Nothing was flushed, and so nothing was lost.
            throw StorageError.tooManyOpenFiles
        } catch StorageError.failed(_, _, code: ENOENT) {
            // It was deleted meanwhile, or its file was removed by hand: the client is told which one to push.
            for record in records where try await !isThere(record) {
                try await catalog.dropUnsynced(record.id, removing: { [blobs] in try blobs.remove($0) })
            }
            return false
        } catch {
            // After a flush that failed the kernel may have dropped the bytes, and a second flush would succeed
            // without them. So these blobs do not exist any more, and the client pushes them again.
            for record in records {
                try await catalog.dropUnsynced(record.id, removing: { [blobs] in try blobs.remove($0) })
            }
            throw error
        }
    }

    private func isThere(_ record: BlobRecord) async throws -> Bool {
        do {
            return try await blobs.open(record.digest, size: record.size) != nil
        } catch StorageError.corrupt {
            return false
        }
    }

    /// Removes a tag, or a manifest with all its tags.
    package func deleteManifest(_ reference: Reference, in repository: RepositoryName) async throws {
        let isDeleted =
            switch reference {
            case .tag where !policy.allowsDeletes: throw RegistryError.deletesDenied(.tag)
            case .digest where !policy.allowsDeletes: throw RegistryError.deletesDenied(.manifest)
            case .tag(let tag): try await catalog.deleteTag(tag, in: repository, now: clock())
            case .digest(let digest):
                try await catalog.deleteManifest(digest, in: repository, keptUntil: keptUntil, now: clock())
            }
        guard isDeleted else { throw RegistryError.manifestUnknown(reference) }
    }

    /// Tags in byte order, those behind `last`.
    package func tags(
        of repository: RepositoryName,
        after last: String?,
        limit: Int
    ) async throws -> Page<TagRecord> {
        let page = try await catalog.tagPage(of: repository, after: last, limit: limit, now: clock())
        guard let page else { throw RegistryError.repositoryUnknown(repository) }
        return page
    }

    /// The names of the same tags.
    package func tagNames(
        of repository: RepositoryName,
        after last: String?,
        limit: Int
    ) async throws -> Page<Tag> {
        let page = try await catalog.tagNamePage(of: repository, after: last, limit: limit, now: clock())
        guard let page else { throw RegistryError.repositoryUnknown(repository) }
        return page
    }

    /// Repositories in byte order, those behind `last`.
    package func repositories(after last: String?, limit: Int) async throws -> Page<RepositoryName> {
        try await catalog.repositoryPage(after: last, limit: limit)
    }
}
