import OCI
import Storage

/// Decides which tags of one repository a rule keeps.
///
/// Takes all tags once, to learn which are the newest, and then says of each whether it stays.
struct TagRetention {
    let rule: RetentionRule
    let policy: RegistryPolicy
    let repository: RepositoryName
    let now: Timestamp
    private var newest = NewestTags(limit: 0)

    init(rule: RetentionRule, policy: RegistryPolicy, repository: RepositoryName, now: Timestamp) {
        self.rule = rule
        self.policy = policy
        self.repository = repository
        self.now = now
        newest = NewestTags(limit: rule.last ?? 0)
    }

    /// Takes note of a tag.
    mutating func look(at use: TagUse) {
        if !isKeptByName(use.tag) { newest.insert(use) }
    }

    /// Ends the look at all tags.
    mutating func finish() { newest.cut() }

    /// Whether a tag stays, once all have been looked at.
    func keeps(_ use: TagUse) -> Bool {
        // Whoever pushes several tags in a row has not finished with the first of them.
        if use.pushed + policy.grace > now { return true }
        if use.isImmutable || !policy.immutable(among: [use.tag], in: repository).isEmpty { return true }
        if isKeptByName(use.tag) || newest.contains(use) { return true }
        if let within = rule.pushedWithin, use.pushed + within > now { return true }
        if let within = rule.pulledWithin, let pulled = use.pulled, pulled + within > now { return true }
        return false
    }

    private func isKeptByName(_ tag: Tag) -> Bool {
        rule.keptTags.contains { $0.matches(tag.rawValue) }
    }
}

/// The newest of many tags, in memory for so many and no more.
private struct NewestTags {
    private struct Place: Comparable {
        let pushed: Timestamp
        let tag: Tag

        init(_ use: TagUse) { (pushed, tag) = (use.pushed, use.tag) }

        static func < (left: Place, right: Place) -> Bool {
            (left.pushed, left.tag.rawValue) < (right.pushed, right.tag.rawValue)
        }
    }

    private let limit: Int
    /// Twice as many as are wanted at most: they are sorted once for each time that so many have come.
    private var places: [Place] = []
    /// The last that counts, once there are enough.
    private var oldest: Place?

    init(limit: Int) { self.limit = limit }

    mutating func insert(_ use: TagUse) {
        let place = Place(use)
        guard limit > 0, oldest.map({ place > $0 }) ?? true else { return }
        places.append(place)
        if places.count == 2 * limit { cut() }
    }

    /// Leaves those that count, and no others.
    mutating func cut() {
        guard limit > 0, places.count >= limit else { return }
        places = Array(places.sorted(by: >).prefix(limit))
        oldest = places.last
    }

    /// Whether a tag is one of the newest of all that were inserted before the last `cut`.
    func contains(_ use: TagUse) -> Bool { limit > 0 && oldest.map { Place(use) >= $0 } ?? true }
}
