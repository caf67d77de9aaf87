package import OCI
package import Storage

/// What a tag stands for, in a line: for lists.
package struct ImageSummary: Hashable, Sendable {
    package let repository: RepositoryName
    /// Nil for a repository that holds manifests and no tag.
    package let tag: TagRecord?
    /// What it runs on; empty for what is no image.
    package let platforms: [Platform]
    /// The bytes that a client without any of it would pull, for all platforms together.
    package let size: Int64
}

/// A manifest and what it is made of, in full.
package struct ImageDetails: Hashable, Sendable {
    /// One platform's image, or an artifact.
    package struct Part: Hashable, Sendable {
        package let digest: Digest
        package let mediaType: MediaType
        /// Nil for what is no image.
        package let platform: Platform?
        package let configuration: ImageConfiguration?
        package let layers: [Descriptor]
        package let annotations: [String: String]
        /// The bytes of the manifest, the configuration and the layers.
        package let size: Int64
        /// What is known about it.
        package var referrers = Referrers()
    }

    /// The first of the manifests that say something about another one.
    package struct Referrers: Hashable, Sendable {
        package var descriptors: [Descriptor] = []
        /// Whether there are more than these.
        package var hasMore = false
    }

    package let name: ImageName
    package let digest: Digest
    package let mediaType: MediaType
    package let artifactType: MediaType?
    package let annotations: [String: String]
    /// One for an image, one for each platform of an index.
    package var parts: [Part]
    /// Whether an index lists more than the parts.
    package let hasMoreParts: Bool
    package var dates: ManifestDates?
    /// What is known about an index as a whole: what is known about an image its only part has.
    package var referrers = Referrers()

    /// The bytes that a client without any of it would pull.
    package var size: Int64 { parts.reduce(0) { $0.adding($1.size) } }
}

extension Int64 {
    /// The sum of two sizes.
    ///
    /// Manifests say what they like about the size of what they list, so one that is too large stays the largest.
    func adding(_ size: Int64) -> Int64 {
        let (sum, isTooLarge) = addingReportingOverflow(size)
        return isTooLarge ? .max : sum
    }
}
