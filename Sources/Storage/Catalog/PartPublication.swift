package import OCI

/// One platform's image on its way into a group: images of one build that come apart, in any order, and share a tag.
package struct PartPublication: Sendable {
    /// The image, without tags of its own.
    package var image: ManifestPublication
    package let platform: Platform
    package let tag: Tag
    /// Whether the tag stays with the group that it was first given to.
    package let isTagImmutable: Bool
    /// What the parts of one build have in common.
    package let key: String
    /// The platforms that have to be there before the tag moves; empty where it moves with each part.
    package let expected: [Platform]
    /// How long the group is open for further parts.
    package let openUntil: Timestamp

    package init(
        image: ManifestPublication,
        platform: Platform,
        tag: Tag,
        isTagImmutable: Bool,
        key: String,
        expected: [Platform],
        openUntil: Timestamp
    ) {
        self.image = image
        self.platform = platform
        self.tag = tag
        self.isTagImmutable = isTagImmutable
        self.key = key
        self.expected = expected
        self.openUntil = openUntil
    }

    /// What became of it.
    package enum Outcome: Hashable, Sendable {
        case published(Published)
        /// Nothing has changed: these must be synced, and named in the image's `synced`, first.
        case unsynced([BlobRecord])
    }

    /// Where a part stands among the others of its group.
    package struct Published: Hashable, Sendable {
        package let placement: Placement
        /// The platforms of the group, in the order of their names.
        package let platforms: [Platform]
        /// False where the same part was there and the tag pointed to its group.
        package let isChange: Bool
    }

    /// What the tag has of a part.
    package enum Placement: Hashable, Sendable {
        /// The tag points to the image alone, or to an index of the whole group.
        case tagged(Digest)
        /// The tag waits for these platforms.
        case staged(missing: [Platform])
        /// Another group took the tag meanwhile. The image is there by its digest.
        case late
    }
}
