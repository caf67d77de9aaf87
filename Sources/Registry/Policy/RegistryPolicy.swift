import OCI
import Storage

/// What a registry's owner decides.
package struct RegistryPolicy: Hashable, Sendable {
    /// How long a blob stays that no manifest refers to.
    ///
    /// A push uploads its blobs before its manifest; in between nothing else holds them.
    package var grace: Duration
    /// The most bytes of one blob or uploaded executable; nil for no limit.
    package var maximumUploadSize: Int64?
    /// Whether clients may delete blobs, manifests and tags.
    package var allowsDeletes: Bool
    /// The tags that stay with the manifest that they were first given to.
    package var immutableTags: [TagPattern]
    /// How long tags are there whose uploads do not say; the first that fits counts.
    package var tagLifetimes: [TagLifetime]
    /// The repositories where a manifest may refer to content that is not there.
    package var sparseRepositories: [NamePattern]
    /// How long an upload session that nothing is sent to can be resumed.
    package var uploadExpiry: Duration

    package init(
        grace: Duration = .seconds(24 * 3600),
        maximumUploadSize: Int64? = nil,
        allowsDeletes: Bool = true,
        immutableTags: [TagPattern] = [],
        tagLifetimes: [TagLifetime] = [],
        sparseRepositories: [NamePattern] = [],
        uploadExpiry: Duration = .seconds(7 * 24 * 3600)
    ) {
        self.grace = grace
        self.maximumUploadSize = maximumUploadSize
        self.allowsDeletes = allowsDeletes
        self.immutableTags = immutableTags
        self.tagLifetimes = tagLifetimes
        self.sparseRepositories = sparseRepositories
        self.uploadExpiry = uploadExpiry
    }

    /// Those of some tags that may not be moved to another manifest.
    func immutable(among tags: [Tag], in repository: RepositoryName) -> Set<Tag> {
        Set(tags.filter { tag in immutableTags.contains { $0.matches(tag, in: repository) } })
    }

    /// When some tags of those that are pushed now cease to be there; the others stay.
    ///
    /// `timeToLive`: what the push itself says.
    func expiry(
        of tags: [Tag],
        in repository: RepositoryName,
        timeToLive: Duration?,
        now: Timestamp
    ) -> [Tag: Timestamp] {
        tags.reduce(into: [:]) { expiry, tag in
            let lifetime = tagLifetimes.first { $0.pattern.matches(tag, in: repository) }
            expiry[tag] = (timeToLive ?? lifetime?.duration).map { now + $0 }
        }
    }

    /// Whether a manifest of the repository may refer to content that is not there.
    func isSparse(_ repository: RepositoryName) -> Bool {
        sparseRepositories.contains { $0.matches(repository.rawValue) }
    }
}
