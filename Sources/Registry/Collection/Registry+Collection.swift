import OCI
import Storage

extension Registry {
    /// Removes everything that is due: uploads that expired, tags whose time is over or that no rule keeps, manifests that
    /// have lost their names, and blobs that nothing needs.
    ///
    /// Clients go on meanwhile: each step is a short transaction that looks again at what it removes, and there is a
    /// pause after each. Where a step fails the others are taken all the same, and the first error is thrown then.
    ///
    /// `report` is called with each thing that went.
    package func collect(
        _ report: (CollectedItem) async throws -> Void = { _ in }
    ) async throws -> CollectionTotals {
        var totals = CollectionTotals()
        var failure: (any Error)?
        func take(_ item: CollectedItem) async throws {
            totals.add(item)
            try await report(item)
        }
        func attempt(_ step: () async throws -> Void) async {
            do { try await step() } catch { failure = failure ?? error }
        }
        await attempt { _ = try await expireUploads { try await take(.upload($0)) } }
        await attempt { try await removeExpiredTags(take) }
        await attempt { try await retireTags(take) }
        await attempt { try await closeGroups(take) }
        await attempt { try await removeUntagged(take) }
        await attempt { try await removeBlobs(take) }
        await attempt { try await removeRemains() }
        if let failure { throw failure }
        return totals
    }

    /// Reports what a collection would remove now, and removes nothing.
    package func forecastCollection(
        _ report: (CollectedItem) async throws -> Void = { _ in }
    ) async throws -> CollectionTotals {
        var totals = CollectionTotals()
        func take(_ item: CollectedItem) async throws {
            totals.add(item)
            try await report(item)
        }
        _ = try await expireUploads(isForecast: true) { try await take(.upload($0)) }
        var retired: [RepositoryName: [TagUse]] = [:]
        try await forEachRetiredPortion { repository, _, tags in retired[repository, default: []] += tags }
        let forecast = try await catalog.forecastCollection(retiring: retired, untaggedRemoval)
        for tag in forecast.tags {
            try await take(.tag(tag, rule: tag.use.flatMap { _ in policy.retentionRule(of: tag.repository) }))
        }
        for manifest in forecast.manifests { try await take(.manifest(manifest)) }
        for blob in forecast.blobs { try await take(.blob(blob)) }
        return totals
    }

    /// Bounds one transaction, and with it how long others wait: some milliseconds.
    private static var portion: Int { 64 }

    /// Removing the bytes of one blob takes as long as hundreds of rows where it is large.
    private static var sweepPortion: Int { 4 }

    private func removeExpiredTags(_ take: (CollectedItem) async throws -> Void) async throws {
        var count = Self.portion
        while count == Self.portion {
            let removed = try await Pace().portion {
                try await catalog.removeExpiredTags(now: clock(), limit: Self.portion)
            }
            for tag in removed { try await take(.tag(tag, rule: nil)) }
            count = removed.count
        }
    }

    private func retireTags(_ take: (CollectedItem) async throws -> Void) async throws {
        try await forEachRetiredPortion { repository, rule, tags in
            for start in stride(from: 0, to: tags.count, by: Self.portion) {
                let portion = Array(tags[start...].prefix(Self.portion))
                let removed = try await Pace().portion {
                    try await catalog.removeTags(portion, of: repository, now: clock())
                }
                for tag in removed { try await take(.tag(tag, rule: rule)) }
            }
        }
    }

    /// Closes groups of uploads whose time is over; what was staged and never completed goes with them.
    private func closeGroups(_ take: (CollectedItem) async throws -> Void) async throws {
        var count = Self.portion
        while count == Self.portion {
            let closure = try await Pace().portion {
                try await catalog.closeGroups(now: clock(), keptUntil: keptUntil, limit: Self.portion)
            }
            for manifest in closure.removed { try await take(.manifest(manifest)) }
            count = closure.count
        }
    }

    private func removeUntagged(_ take: (CollectedItem) async throws -> Void) async throws {
        guard policy.shortestUntaggedPeriod != nil else { return }
        var isChange = true
        // What an index held is due when the index goes, and may stand before it in the order.
        while isChange {
            isChange = false
            var last: UntaggedRemoval.Cursor?
            repeat {
                let portion = try await Pace().portion {
                    try await catalog.removeUntagged(untaggedRemoval, after: last, limit: Self.portion)
                }
                for manifest in portion.removed { try await take(.manifest(manifest)) }
                isChange = isChange || !portion.removed.isEmpty
                last = portion.next
            } while last != nil
        }
    }

    private var untaggedRemoval: UntaggedRemoval {
        UntaggedRemoval(
            // Where none ever goes, none is looked at.
            shortestPeriod: policy.shortestUntaggedPeriod ?? .seconds(1_000 * 365 * 86_400),
            keptUntil: keptUntil,
            now: clock(),
            period: { [policy] in policy.untaggedPeriod(in: $0) }
        )
    }

    private func removeBlobs(_ take: (CollectedItem) async throws -> Void) async throws {
        var count = Self.portion
        while count == Self.portion {
            count = try await Pace().portion {
                try await catalog.markGarbage(now: clock(), limit: Self.portion)
            }
        }
        count = Self.sweepPortion
        while count == Self.sweepPortion {
            let removed = try await Pace().portion {
                try await catalog.sweepGarbage(limit: Self.sweepPortion) { [blobs] in try blobs.remove($0) }
            }
            for record in removed { try await take(.blob(record)) }
            count = removed.count
        }
    }

    /// A repository that came within the grace period may be waiting for its first manifest.
    private func removeRemains() async throws {
        var hasMore = true
        while hasMore {
            hasMore = try await Pace().portion {
                try await catalog.removeRemains(
                    now: clock(),
                    emptySince: clock() - policy.grace,
                    limit: Self.portion
                )
            }
        }
    }
}
