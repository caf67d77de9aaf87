import OCI
import Storage

/// A catalog whose operations wait for their turn.
struct SteppedCatalog: Catalog {
    let catalog: any Catalog
    let turnstile: Turnstile

    func blob(_ digest: Digest, in repository: RepositoryName) async throws -> BlobRecord? {
        await turnstile.pass()
        return try await catalog.blob(digest, in: repository)
    }

    func publishBlob(_ publication: BlobPublication) async throws -> BlobRecord {
        await turnstile.pass()
        return try await catalog.publishBlob(publication)
    }

    func mountBlob(
        _ digest: Digest,
        from source: RepositoryName?,
        to repository: RepositoryName,
        keptUntil: Timestamp,
        now: Timestamp
    ) async throws -> BlobRecord? {
        await turnstile.pass()
        return try await catalog.mountBlob(
            digest,
            from: source,
            to: repository,
            keptUntil: keptUntil,
            now: now
        )
    }

    func keepBlob(
        _ digest: Digest,
        in repository: RepositoryName,
        until keptUntil: Timestamp
    ) async throws -> KeptBlob? {
        await turnstile.pass()
        return try await catalog.keepBlob(digest, in: repository, until: keptUntil)
    }

    func lease(onBlobsOf repository: RepositoryName) -> ReadLease? { catalog.lease(onBlobsOf: repository) }

    func deleteBlob(_ digest: Digest, in repository: RepositoryName) async throws -> Bool {
        await turnstile.pass()
        return try await catalog.deleteBlob(digest, in: repository)
    }

    func manifest(
        _ reference: Reference,
        in repository: RepositoryName,
        now: Timestamp
    ) async throws -> ManifestRecord? {
        await turnstile.pass()
        return try await catalog.manifest(reference, in: repository, now: now)
    }

    func pullManifest(
        _ reference: Reference,
        in repository: RepositoryName,
        now: Timestamp
    ) async throws -> PulledManifest? {
        await turnstile.pass()
        return try await catalog.pullManifest(reference, in: repository, now: now)
    }

    func flushPulls() async throws {
        try await catalog.flushPulls()
    }

    func dates(
        of reference: Reference,
        in repository: RepositoryName,
        now: Timestamp
    ) async throws -> ManifestDates? {
        try await catalog.dates(of: reference, in: repository, now: now)
    }

    func publishManifest(_ publication: ManifestPublication) async throws -> ManifestPublication.Outcome {
        await turnstile.pass()
        return try await catalog.publishManifest(publication)
    }

    func publishPart(_ part: PartPublication) async throws -> PartPublication.Outcome {
        try await catalog.publishPart(part)
    }

    func rememberedImage(_ key: Digest, in repository: RepositoryName) async throws -> RememberedImage? {
        try await catalog.rememberedImage(key, in: repository)
    }

    func hasRememberedImage(hint: Digest, in repository: RepositoryName) async throws -> Bool {
        try await catalog.hasRememberedImage(hint: hint, in: repository)
    }

    func closeGroups(now: Timestamp, keptUntil: Timestamp, limit: Int) async throws -> GroupClosure {
        try await catalog.closeGroups(now: now, keptUntil: keptUntil, limit: limit)
    }

    func deleteTag(_ tag: Tag, in repository: RepositoryName, now: Timestamp) async throws -> Bool {
        await turnstile.pass()
        return try await catalog.deleteTag(tag, in: repository, now: now)
    }

    func deleteManifest(
        _ digest: Digest,
        in repository: RepositoryName,
        keptUntil: Timestamp,
        now: Timestamp
    ) async throws -> Bool {
        await turnstile.pass()
        return try await catalog.deleteManifest(digest, in: repository, keptUntil: keptUntil, now: now)
    }

    func tagPage(
        of repository: RepositoryName,
        after last: String?,
        limit: Int,
        now: Timestamp
    ) async throws -> Page<TagRecord>? {
        try await catalog.tagPage(of: repository, after: last, limit: limit, now: now)
    }

    func tagNamePage(
        of repository: RepositoryName,
        after last: String?,
        limit: Int,
        now: Timestamp
    ) async throws -> Page<Tag>? {
        try await catalog.tagNamePage(of: repository, after: last, limit: limit, now: now)
    }

    func repositoryPage(after last: String?, limit: Int) async throws -> Page<RepositoryName> {
        try await catalog.repositoryPage(after: last, limit: limit)
    }

    func referrerPage(
        of subject: Digest,
        in repository: RepositoryName,
        artifactType: String?,
        after last: ReferrerRecord.ID?,
        limit: Int,
        maximumSize: Int
    ) async throws -> Page<ReferrerRecord> {
        try await catalog.referrerPage(
            of: subject,
            in: repository,
            artifactType: artifactType,
            after: last,
            limit: limit,
            maximumSize: maximumSize
        )
    }

    func referrers(
        of subject: Digest,
        in repository: RepositoryName,
        among digests: [Digest]
    ) async throws -> Set<Digest> {
        try await catalog.referrers(of: subject, in: repository, among: digests)
    }

    func withSnapshot<Value: Sendable>(
        now: Timestamp,
        _ body: @escaping @Sendable (any CatalogSnapshot) throws -> Value
    ) async throws -> Value {
        try await catalog.withSnapshot(now: now, body)
    }

    func hasManifest(_ digest: Digest, in repository: RepositoryName) throws -> Bool {
        try catalog.hasManifest(digest, in: repository)
    }

    func markSynced(_ blobs: [BlobRecord.ID]) async throws {
        await turnstile.pass()
        try await catalog.markSynced(blobs)
    }

    func dropUnsynced(
        _ blob: BlobRecord.ID,
        removing remove: @escaping @Sendable (Digest) throws -> Void
    ) async throws {
        await turnstile.pass()
        try await catalog.dropUnsynced(blob, removing: remove)
    }

    func unsyncedBlobs() async throws -> [BlobRecord] {
        try await catalog.unsyncedBlobs()
    }

    func unknownBlobs(among digests: [Digest]) throws -> [Digest] {
        try catalog.unknownBlobs(among: digests)
    }

    func nextGarbage() async throws -> Timestamp? {
        try await catalog.nextGarbage()
    }

    func removeExpiredTags(now: Timestamp, limit: Int) async throws -> [RemovedTag] {
        await turnstile.pass()
        return try await catalog.removeExpiredTags(now: now, limit: limit)
    }

    func tagUsePage(
        of repository: RepositoryName,
        after last: String?,
        limit: Int,
        now: Timestamp
    ) async throws -> Page<TagUse> {
        try await catalog.tagUsePage(of: repository, after: last, limit: limit, now: now)
    }

    func removeTags(
        _ tags: [TagUse],
        of repository: RepositoryName,
        now: Timestamp
    ) async throws -> [RemovedTag] {
        await turnstile.pass()
        return try await catalog.removeTags(tags, of: repository, now: now)
    }

    func removeUntagged(
        _ removal: UntaggedRemoval,
        after last: UntaggedRemoval.Cursor?,
        limit: Int
    ) async throws -> UntaggedRemoval.Portion {
        await turnstile.pass()
        return try await catalog.removeUntagged(removal, after: last, limit: limit)
    }

    func markGarbage(now: Timestamp, limit: Int) async throws -> Int {
        await turnstile.pass()
        return try await catalog.markGarbage(now: now, limit: limit)
    }

    func sweepGarbage(
        limit: Int,
        removing remove: @escaping @Sendable (Digest) throws -> Void
    ) async throws -> [BlobRecord] {
        await turnstile.pass()
        return try await catalog.sweepGarbage(limit: limit, removing: remove)
    }

    func removeRemains(now: Timestamp, emptySince: Timestamp, limit: Int) async throws -> Bool {
        try await catalog.removeRemains(now: now, emptySince: emptySince, limit: limit)
    }

    func forecastCollection(
        retiring tags: [RepositoryName: [TagUse]],
        _ removal: UntaggedRemoval
    ) async throws -> CollectionForecast {
        try await catalog.forecastCollection(retiring: tags, removal)
    }

    func storedBlobs(after last: BlobRecord.ID?, limit: Int) async throws -> [StoredBlob] {
        try await catalog.storedBlobs(after: last, limit: limit)
    }

    func storedSize() async throws -> Int64 {
        try await catalog.storedSize()
    }

    func quarantinedBlob(_ digest: Digest, in repository: RepositoryName) async throws -> BlobRecord? {
        try await catalog.quarantinedBlob(digest, in: repository)
    }

    func quarantine(_ blob: BlobRecord.ID) async throws -> Bool {
        try await catalog.quarantine(blob)
    }

    func isQuarantined(_ blob: BlobRecord.ID) async throws -> Bool {
        try await catalog.isQuarantined(blob)
    }

    func release(_ blob: BlobRecord.ID) async throws -> Bool {
        try await catalog.release(blob)
    }

    func uses(of digest: Digest, limit: Int) async throws -> [ContentUse] {
        try await catalog.uses(of: digest, limit: limit)
    }

    func isReferenced(_ digest: Digest) async throws -> Bool {
        try await catalog.isReferenced(digest)
    }

    func adoptBlob(_ digest: Digest, size: Int64, now: Timestamp) async throws -> Bool {
        try await catalog.adoptBlob(digest, size: size, now: now)
    }

    func removeUnknown(
        _ digest: Digest,
        removing remove: @escaping @Sendable (Digest) throws -> Void
    ) async throws -> Bool {
        try await catalog.removeUnknown(digest, removing: remove)
    }

    func rebuildRecords(of digest: Digest, in repository: RepositoryName) async throws -> Bool {
        try await catalog.rebuildRecords(of: digest, in: repository)
    }

    func reconcileRecords(
        isRehearsal: Bool,
        keptUntil: Timestamp,
        now: Timestamp
    ) async throws -> [ReconciledRecords] {
        try await catalog.reconcileRecords(isRehearsal: isRehearsal, keptUntil: keptUntil, now: now)
    }

    func isRestored() async throws -> Bool {
        try await catalog.isRestored()
    }

    func noteReconciled() async throws {
        try await catalog.noteReconciled()
    }

    func scrubProgress() async throws -> ScrubProgress? {
        try await catalog.scrubProgress()
    }

    func saveScrubProgress(_ progress: ScrubProgress) async throws {
        try await catalog.saveScrubProgress(progress)
    }

    func withPinnedContent<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        try await catalog.withPinnedContent(body)
    }

    func copy(to path: String, now: Timestamp) async throws -> CatalogCopy {
        try await catalog.copy(to: path, now: now)
    }
}
