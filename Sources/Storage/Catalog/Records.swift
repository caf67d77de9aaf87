package import OCI

/// What the catalog knows of a blob.
package struct BlobRecord: Hashable, Sendable, Identifiable {
    /// Names this copy of the content: content that was deleted and pushed again has another.
    package struct ID: Hashable, Sendable {
        let rowID: Int64
    }

    package let id: ID
    package let digest: Digest
    /// In bytes.
    package let size: Int64
}

/// Verified content on its way to being a blob.
package struct BlobPublication: Sendable {
    package let digest: Digest
    /// In bytes.
    package let size: Int64
    package let repository: RepositoryName
    package let placement: BlobPlacement
    /// Before this the blob is not collected, though no manifest refers to it.
    package let keptUntil: Timestamp
    package let now: Timestamp

    package init(
        digest: Digest,
        size: Int64,
        repository: RepositoryName,
        placement: BlobPlacement,
        keptUntil: Timestamp,
        now: Timestamp
    ) {
        self.digest = digest
        self.size = size
        self.repository = repository
        self.placement = placement
        self.keptUntil = keptUntil
        self.now = now
    }
}

/// A stored manifest as one repository has it.
package struct ManifestRecord: Hashable, Sendable {
    package let digest: Digest
    package let mediaType: MediaType
    /// Exactly what was pushed.
    package let bytes: [UInt8]

    package init(digest: Digest, mediaType: MediaType, bytes: [UInt8]) {
        self.digest = digest
        self.mediaType = mediaType
        self.bytes = bytes
    }
}

/// When a manifest came into a repository, and its tag to where it is.
package struct ManifestDates: Hashable, Sendable {
    package let pushed: Timestamp
    /// Since when the tag points to it; nil where it was named by its digest.
    package let tagged: Timestamp?
    /// When the tag will be gone; nil where it stays.
    package let expires: Timestamp?

    package init(pushed: Timestamp, tagged: Timestamp? = nil, expires: Timestamp? = nil) {
        self.pushed = pushed
        self.tagged = tagged
        self.expires = expires
    }
}

/// A manifest on its way into a repository.
package struct ManifestPublication: Sendable {
    /// What became of it.
    package enum Outcome: Hashable, Sendable {
        /// Whether anything changed: false where the manifest was there and its tags pointed to it.
        case published(isChange: Bool)
        /// Nothing has changed: these must be synced, and named in `synced`, first.
        case unsynced([BlobRecord])
    }

    package let repository: RepositoryName
    package let digest: Digest
    package let bytes: [UInt8]
    package let manifest: Manifest
    package let tags: [Tag]
    /// Those of the tags that may not be moved away from another manifest.
    package let immutableTags: Set<Tag>
    /// When tags cease to be there; those that are not named stay.
    package var expiry: [Tag: Timestamp]
    /// Whether the tags may not be moved from now on.
    package var locksTags: Bool
    /// Whether the manifest may refer to content that the repository has not.
    package let isSparse: Bool
    /// Whether nothing is to change, and what the manifest refers to need not be there: to learn what would come of it.
    package var isRehearsal = false
    /// What is to be remembered of how the manifest was made.
    package var memo: PackagingMemo?
    /// Manifests about this one that are there with it or not at all, and go when it goes; without tags, in the same
    /// repository.
    package var attached: [ManifestPublication] = []
    /// Blobs that were synced for this publication.
    package var synced: Set<BlobRecord.ID>
    package let now: Timestamp

    package init(
        repository: RepositoryName,
        digest: Digest,
        bytes: [UInt8],
        manifest: Manifest,
        tags: [Tag],
        immutableTags: Set<Tag> = [],
        expiry: [Tag: Timestamp] = [:],
        locksTags: Bool = false,
        isSparse: Bool = false,
        memo: PackagingMemo? = nil,
        synced: Set<BlobRecord.ID> = [],
        now: Timestamp
    ) {
        self.repository = repository
        self.digest = digest
        self.bytes = bytes
        self.manifest = manifest
        self.tags = tags
        self.immutableTags = immutableTags
        self.expiry = expiry
        self.locksTags = locksTags
        self.isSparse = isSparse
        self.memo = memo
        self.synced = synced
        self.now = now
    }
}

/// A tag and what it points to.
package struct TagRecord: Hashable, Sendable {
    package let tag: Tag
    package let digest: Digest
    package let updated: Timestamp
    /// From then on the tag is not there; nil where it stays.
    package let expires: Timestamp?
}

/// A manifest that names another one as its subject.
package struct ReferrerRecord: Hashable, Sendable, Identifiable {
    /// The place of a manifest among all that name the same subject: a later one's is greater.
    package struct ID: Hashable, Sendable {
        package let rowID: Int64

        package init(rowID: Int64) { self.rowID = rowID }
    }

    package let id: ID
    /// The descriptor of the manifest in canonical JSON, with its artifact type and its annotations.
    package let descriptor: [UInt8]
}

/// Part of a list.
package struct Page<Element: Sendable>: Sendable {
    package let elements: [Element]
    /// Whether there are elements behind the last one.
    package let hasMore: Bool

    package init(elements: [Element], hasMore: Bool) {
        self.elements = elements
        self.hasMore = hasMore
    }
}

extension Page: Equatable where Element: Equatable {}
