package import OCI

/// What `Catalog` offers to whoever holds it against the stored bytes.
///
/// A blob whose bytes are known to be damaged is *quarantined*: it does not exist for clients, and the repositories
/// that had it have it again as soon as the same content is pushed to any of them.
package protocol CatalogVerification: Sendable {
    /// Blobs that are there or quarantined, in the order in which they came, those behind `last`.
    func storedBlobs(after last: BlobRecord.ID?, limit: Int) async throws -> [StoredBlob]

    /// How many bytes all of these have together.
    func storedSize() async throws -> Int64

    /// The blob, where it is quarantined and would else be visible in the repository.
    func quarantinedBlob(_ digest: Digest, in repository: RepositoryName) async throws -> BlobRecord?

    /// Quarantines a copy of a blob; false where that is not there any more, or quarantined already. Durable.
    func quarantine(_ blob: BlobRecord.ID) async throws -> Bool

    /// Whether this copy of a blob is still there, and quarantined.
    func isQuarantined(_ blob: BlobRecord.ID) async throws -> Bool

    /// Makes a blob whose bytes turned out to be whole what it was; false where it is not quarantined. Durable.
    func release(_ blob: BlobRecord.ID) async throws -> Bool

    /// The images that a blob or manifest belongs to, by name: tags, and manifests that no tag and no index names.
    func uses(of digest: Digest, limit: Int) async throws -> [ContentUse]

    // MARK: Reconciliation

    /// Whether a manifest of any repository refers to a digest.
    func isReferenced(_ digest: Digest) async throws -> Bool

    /// Makes content without a record, verified and synced, a blob of every repository that refers to it; false where it
    /// has a record, or nothing refers to it. Durable.
    func adoptBlob(_ digest: Digest, size: Int64, now: Timestamp) async throws -> Bool

    /// Removes content without a record that nothing refers to; false where that is not so any more.
    func removeUnknown(
        _ digest: Digest,
        removing remove: @escaping @Sendable (Digest) throws -> Void
    ) async throws -> Bool

    /// Writes down anew what the catalog says about a manifest besides its bytes; false where these are damaged or gone.
    /// Durable.
    func rebuildRecords(of digest: Digest, in repository: RepositoryName) async throws -> Bool

    /// Looks for records that contradict each other, and mends them, or only says what it would mend. Durable.
    func reconcileRecords(
        isRehearsal: Bool,
        keptUntil: Timestamp,
        now: Timestamp
    ) async throws -> [ReconciledRecords]

    /// Whether the catalog was restored, and what has no record is to be kept until somebody has looked at it.
    func isRestored() async throws -> Bool

    /// Says that somebody has. Durable.
    func noteReconciled() async throws

    // MARK: Scrubbing

    /// How far the content has been read again; nil where nobody has begun.
    func scrubProgress() async throws -> ScrubProgress?

    /// Remembers how far it has been. Safe from a crash.
    func saveScrubProgress(_ progress: ScrubProgress) async throws
}

/// A blob as whoever reads its bytes again finds it recorded.
package struct StoredBlob: Hashable, Sendable {
    package let record: BlobRecord
    package let isQuarantined: Bool

    package init(record: BlobRecord, isQuarantined: Bool) {
        self.record = record
        self.isQuarantined = isQuarantined
    }
}

/// An image that has something.
package struct ContentUse: Hashable, Sendable {
    package let repository: RepositoryName
    /// Nil for a manifest that no tag names.
    package let tag: Tag?
    package let manifest: Digest
}

extension ContentUse: CustomStringConvertible {
    package var description: String { tag.map { "\(repository):\($0)" } ?? "\(repository)@\(manifest)" }
}

/// What is wrong with a manifest of a repository.
package enum ManifestProblem: Hashable, Sendable {
    /// The stored bytes are not the manifest.
    case damaged
    /// The repository lacks what the manifest refers to.
    case missing([Digest])
    /// What the catalog says about the manifest is not what its bytes say.
    case misrecorded
}

/// Records of one kind that contradicted others.
package struct ReconciledRecords: Hashable, Sendable {
    /// In a few words, such as "counts of manifests".
    package let kind: String
    package let count: Int
}

/// How far the stored content has been read again.
package struct ScrubProgress: Hashable, Sendable {
    /// When the round began that this belongs to.
    package let begun: Timestamp
    /// The last blob that was read; nil at the beginning.
    package let last: BlobRecord.ID?
    /// Whether the round has come to its end.
    package let isDone: Bool

    package init(begun: Timestamp, last: BlobRecord.ID?, isDone: Bool) {
        self.begun = begun
        self.last = last
        self.isDone = isDone
    }
}
