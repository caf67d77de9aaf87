package import OCI

/// A tag that collection has removed.
package struct RemovedTag: Hashable, Sendable {
    package let repository: RepositoryName
    package let tag: Tag
    /// What it pointed to.
    package let digest: Digest
    /// When its time was over; nil for one that had no end.
    package let expired: Timestamp?
    /// What was known of its use, where that is why it went.
    package let use: TagUse?
}

/// A manifest that collection has taken out of a repository.
package struct RemovedManifest: Hashable, Sendable {
    package let repository: RepositoryName
    package let digest: Digest
    /// The manifest's own bytes.
    package let size: Int64
    /// Since when nothing named it; nil for one that waited for other parts of its build, in vain.
    package let untagged: Timestamp?
}

/// A tag with what retention goes by.
package struct TagUse: Hashable, Sendable {
    package let tag: Tag
    package let digest: Digest
    /// When it was pointed to the manifest that it points to.
    package let pushed: Timestamp
    /// When somebody last read that manifest in this repository, by whatever name; nil for never.
    package let pulled: Timestamp?
    /// Whether whoever pushed it said that it stays with its manifest.
    package let isImmutable: Bool
}

/// Which manifests that nothing names any more go, and when.
package struct UntaggedRemoval: Sendable {
    /// Where a portion begins: behind this manifest.
    package struct Cursor: Hashable, Sendable {
        let untagged: Timestamp
        let repositoryID: Int64
        let manifestID: Int64
    }

    /// What one portion came to.
    package struct Portion: Sendable {
        package let removed: [RemovedManifest]
        /// Where the next one begins; nil at the end.
        package let next: Cursor?
    }

    /// How long a manifest of a repository stays that lost its last name, from then or from when it was last
    /// pulled; nil for ever.
    package let period: @Sendable (RepositoryName) -> Duration?
    /// None of the periods is shorter.
    package let shortestPeriod: Duration
    /// Before this, what the manifests alone referred to is not collected.
    package let keptUntil: Timestamp
    package let now: Timestamp

    package init(
        shortestPeriod: Duration,
        keptUntil: Timestamp,
        now: Timestamp,
        period: @escaping @Sendable (RepositoryName) -> Duration?
    ) {
        self.period = period
        self.shortestPeriod = shortestPeriod
        self.keptUntil = keptUntil
        self.now = now
    }
}

/// Everything that one round of collection would remove.
package struct CollectionForecast: Sendable {
    package let tags: [RemovedTag]
    package let manifests: [RemovedManifest]
    package let blobs: [BlobRecord]
}
