package import OCI

/// Everything that names or relates content: repositories, tags, manifests with their bytes, which blob is visible
/// where, and what may be collected when.
///
/// Every method is a whole operation, and happens entirely or not at all. Those that promise something to a client
/// say how far: an operation is *durable* if it survives a loss of power once it has returned, and *safe from a
/// crash* if it survives the death of the process.
///
/// Any implementation passes the suites `Catalog…Conformance`. Every method may throw `StorageError`; none is cut short
/// when the task that calls it is cancelled. A `limit` is not negative.
package protocol Catalog: CatalogVerification, CatalogBackup {
    // MARK: Blobs

    /// The blob, where it is visible in the repository.
    func blob(_ digest: Digest, in repository: RepositoryName) async throws -> BlobRecord?

    /// Makes verified content a blob of a repository. Safe from a crash.
    ///
    /// The content is put into its place within the operation: no earlier, so that a crash leaves no blob without a
    /// record, and no later. Unless a manifest comes to refer to it, it may be collected after `keptUntil`.
    func publishBlob(_ publication: BlobPublication) async throws -> BlobRecord

    /// Makes a blob that another repository has visible in this one; nil where there is none. Safe from a crash.
    ///
    /// `source`: where it must be visible; nil for anywhere.
    func mountBlob(
        _ digest: Digest,
        from source: RepositoryName?,
        to repository: RepositoryName,
        keptUntil: Timestamp,
        now: Timestamp
    ) async throws -> BlobRecord?

    /// The blob, where it is visible, with the promise that it is not collected before `keptUntil`.
    ///
    /// This is what a client must be told from that may count on the blob, and not push it. It writes only where the
    /// blob waits to be collected.
    func keepBlob(
        _ digest: Digest,
        in repository: RepositoryName,
        until keptUntil: Timestamp
    ) async throws -> KeptBlob?

    /// How long what is read next of the blobs of a repository may be told again; nil while something is being written.
    func lease(onBlobsOf repository: RepositoryName) -> ReadLease?

    /// Takes a blob out of a repository; false where it was not visible. Durable.
    ///
    /// - Throws: `blobInUse` where a manifest of the repository refers to it.
    func deleteBlob(_ digest: Digest, in repository: RepositoryName) async throws -> Bool

    // MARK: Manifests and tags

    /// A manifest by tag or digest.
    func manifest(
        _ reference: Reference,
        in repository: RepositoryName,
        now: Timestamp
    ) async throws -> ManifestRecord?

    /// A manifest by tag or digest, for somebody who pulls it or may count on it from now on.
    ///
    /// That it was pulled is remembered in memory until `flushPulls`, and keeps it from being collected as one that
    /// nothing names. Nothing is written.
    func pullManifest(
        _ reference: Reference,
        in repository: RepositoryName,
        now: Timestamp
    ) async throws -> PulledManifest?

    /// Records what was pulled since the last call. Safe from a crash.
    func flushPulls() async throws

    /// When a manifest came, and its tag where it is named by one; nil where there is no such manifest.
    func dates(
        of reference: Reference,
        in repository: RepositoryName,
        now: Timestamp
    ) async throws -> ManifestDates?

    /// Stores a manifest with what is attached to it, and points tags to it. Durable, with everything that they reach.
    ///
    /// - Returns: `.published`, or `.unsynced` with the blobs that have to be synced first; nothing has changed then.
    /// - Throws: `missingReferences` with everything that the manifest refers to and the repository has not;
    ///   `tagImmutable` where an immutable tag points to another manifest.
    func publishManifest(_ publication: ManifestPublication) async throws -> ManifestPublication.Outcome

    /// Stores one platform's image, and points a tag to it and to the other parts of its group together.
    ///
    /// Durable. A group takes the tag with its first part, or when all that are expected are there, and keeps it until
    /// another group or another push takes it. With one part the tag points to the image, with several to an index of them.
    /// A part of a platform that the group has already takes that one's place.
    ///
    /// - Throws: as `publishManifest`. An immutable tag takes a further platform of its own group, and nothing else.
    func publishPart(_ part: PartPublication) async throws -> PartPublication.Outcome

    /// The image of a repository that was published with a memo of this key; nil where it is not there any more.
    func rememberedImage(_ key: Digest, in repository: RepositoryName) async throws -> RememberedImage?

    /// Whether a repository has an image that was published with a memo of this hint.
    func hasRememberedImage(hint: Digest, in repository: RepositoryName) async throws -> Bool

    /// Closes groups whose time is over, and removes the images of those that never took their tag. Durable.
    ///
    /// - Returns: how many were closed; fewer than `limit` means that nothing else is due.
    func closeGroups(now: Timestamp, keptUntil: Timestamp, limit: Int) async throws -> GroupClosure

    /// Removes a tag, not its manifest; false where there was none. Durable.
    func deleteTag(_ tag: Tag, in repository: RepositoryName, now: Timestamp) async throws -> Bool

    /// Removes a manifest and all its tags from a repository, with what came attached; false where it was not there.
    /// Durable.
    ///
    /// `keptUntil`: before this, what the manifest alone referred to is not collected.
    /// - Throws: `manifestInUse` where an index of the repository lists it.
    func deleteManifest(
        _ digest: Digest,
        in repository: RepositoryName,
        keptUntil: Timestamp,
        now: Timestamp
    ) async throws -> Bool

    // MARK: Lists

    /// Tags in byte order, those behind `last`; nil for a repository that does not exist.
    func tagPage(
        of repository: RepositoryName,
        after last: String?,
        limit: Int,
        now: Timestamp
    ) async throws -> Page<TagRecord>?

    /// The names alone of the same tags: all that clients are told of a list, at a fraction of the work.
    func tagNamePage(
        of repository: RepositoryName,
        after last: String?,
        limit: Int,
        now: Timestamp
    ) async throws -> Page<Tag>?

    /// Repositories that hold a manifest, in byte order, those behind `last`.
    func repositoryPage(after last: String?, limit: Int) async throws -> Page<RepositoryName>

    /// Manifests that name another as their subject, in the order in which they came, those behind `last`.
    ///
    /// The subject need not exist. `artifactType`: only those of this type; nil for all. A page ends early
    /// where its descriptors would have together more than `maximumSize` bytes, but never empty where there is anything.
    func referrerPage(
        of subject: Digest,
        in repository: RepositoryName,
        artifactType: String?,
        after last: ReferrerRecord.ID?,
        limit: Int,
        maximumSize: Int
    ) async throws -> Page<ReferrerRecord>

    /// Which of these manifests name another as their subject.
    func referrers(
        of subject: Digest,
        in repository: RepositoryName,
        among digests: [Digest]
    ) async throws -> Set<Digest>

    // MARK: Everything at once

    /// Runs a body that may block on everything as it is at one moment.
    ///
    /// What is written meanwhile is not held up, and not seen in the snapshot. The body must not keep the snapshot.
    func withSnapshot<Value: Sendable>(
        now: Timestamp,
        _ body: @escaping @Sendable (any CatalogSnapshot) throws -> Value
    ) async throws -> Value

    /// Whether a repository has a manifest at this moment, blocking; also within the body of `withSnapshot`.
    func hasManifest(_ digest: Digest, in repository: RepositoryName) throws -> Bool

    // MARK: Keeping content

    /// Records that these blobs were synced. Durable.
    func markSynced(_ blobs: [BlobRecord.ID]) async throws

    /// Forgets a blob whose bytes could not be made durable, in all repositories. Safe from a crash.
    func dropUnsynced(
        _ blob: BlobRecord.ID,
        removing remove: @escaping @Sendable (Digest) throws -> Void
    ) async throws

    /// All blobs that are not known to be synced.
    func unsyncedBlobs() async throws -> [BlobRecord]

    /// Which of these have no record, blocking.
    func unknownBlobs(among digests: [Digest]) throws -> [Digest]

    // MARK: Collection

    /// When the next blob is due to be looked at; nil where none waits.
    func nextGarbage() async throws -> Timestamp?

    /// Removes tags whose time is over. Durable.
    ///
    /// - Returns: those that went; fewer than `limit` means that no other has expired.
    func removeExpiredTags(now: Timestamp, limit: Int) async throws -> [RemovedTag]

    /// Tags with what retention goes by, in byte order, those behind `last`; none for a repository that does not exist.
    func tagUsePage(
        of repository: RepositoryName,
        after last: String?,
        limit: Int,
        now: Timestamp
    ) async throws -> Page<TagUse>

    /// Removes tags that are as they were seen: neither pushed nor pulled since. Durable.
    func removeTags(
        _ tags: [TagUse],
        of repository: RepositoryName,
        now: Timestamp
    ) async throws -> [RemovedTag]

    /// Removes manifests that had a name and lost it, some of them a call. Durable.
    ///
    /// What an index lists stays with the index, and what has a subject with the subject: their time begins when
    /// those are gone, as if all had been named by the same name.
    func removeUntagged(
        _ removal: UntaggedRemoval,
        after last: UntaggedRemoval.Cursor?,
        limit: Int
    ) async throws -> UntaggedRemoval.Portion

    /// The first step of the collection of blobs. Durable.
    ///
    /// Takes blobs whose time has come out of repositories that no longer refer to them. A blob that is then in no
    /// repository is marked as being deleted: from now on it does not exist for anybody.
    ///
    /// - Returns: how many were looked at; fewer than `limit` means that nothing else is due.
    func markGarbage(now: Timestamp, limit: Int) async throws -> Int

    /// The second step: removes the bytes of blobs that are being deleted, and then their records.
    ///
    /// Repeating it after a crash is harmless. Returns the blobs that went.
    func sweepGarbage(
        limit: Int,
        removing remove: @escaping @Sendable (Digest) throws -> Void
    ) async throws -> [BlobRecord]

    /// Removes what nobody misses: repositories that hold nothing and came before `emptySince`, and the history of tags
    /// that are long gone. Safe from a crash.
    ///
    /// - Returns: whether there may be more.
    func removeRemains(now: Timestamp, emptySince: Timestamp, limit: Int) async throws -> Bool

    /// What all steps together would remove now, these tags among it, without removing anything.
    func forecastCollection(
        retiring tags: [RepositoryName: [TagUse]],
        _ removal: UntaggedRemoval
    ) async throws -> CollectionForecast
}

/// What closing groups of uploads came to.
package struct GroupClosure: Hashable, Sendable {
    /// How many were closed.
    package let count: Int
    package let removed: [RemovedManifest]
}
