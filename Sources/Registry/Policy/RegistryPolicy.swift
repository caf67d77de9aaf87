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
    /// How long a manifest stays that had a tag and lost it, from then or from when it was last pulled; nil for ever.
    package var untaggedPeriod: Duration?
    /// Which tags are kept; the first rule that fits a repository counts.
    package var retention: [RetentionRule]
    /// How many upload sessions can be open at once.
    package var maximumSessions: Int

    package init(
        grace: Duration = .seconds(24 * 3600),
        maximumUploadSize: Int64? = nil,
        allowsDeletes: Bool = true,
        immutableTags: [TagPattern] = [],
        tagLifetimes: [TagLifetime] = [],
        sparseRepositories: [NamePattern] = [],
        uploadExpiry: Duration = .seconds(7 * 24 * 3600),
        untaggedPeriod: Duration? = .seconds(7 * 24 * 3600),
        retention: [RetentionRule] = [],
        maximumSessions: Int = 10_000
    ) {
        self.grace = grace
        self.maximumUploadSize = maximumUploadSize
        self.allowsDeletes = allowsDeletes
        self.immutableTags = immutableTags
        self.tagLifetimes = tagLifetimes
        self.sparseRepositories = sparseRepositories
        self.uploadExpiry = uploadExpiry
        self.untaggedPeriod = untaggedPeriod
        self.retention = retention
        self.maximumSessions = maximumSessions
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

    /// The rule of retention for a repository, if there is one.
    func retentionRule(of repository: RepositoryName) -> RetentionRule? {
        retention.first { $0.repositories.matches(repository.rawValue) }
    }

    /// How long a manifest of a repository stays that has lost its tag; nil for ever.
    func untaggedPeriod(in repository: RepositoryName) -> Duration? {
        switch retentionRule(of: repository)?.untagged {
        case .after(let period): period
        case .never: nil
        case nil: untaggedPeriod
        }
    }

    /// No manifest that has lost its tag goes before this; nil where none ever does.
    var shortestUntaggedPeriod: Duration? {
        let periods = retention.compactMap { rule in
            if case .after(let period) = rule.untagged { period } else { nil as Duration? }
        }
        return (periods + [untaggedPeriod].compactMap { $0 }).min()
    }

    /// Whether a manifest of the repository may refer to content that is not there.
    func isSparse(_ repository: RepositoryName) -> Bool {
        sparseRepositories.contains { $0.matches(repository.rawValue) }
    }
}
