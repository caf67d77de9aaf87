import OCI
import Storage

extension Registry {
    /// Calls a body with the tags that no rule keeps, in portions of one repository each.
    ///
    /// Reads alone: whoever removes them looks again.
    func forEachRetiredPortion(
        _ body: (RepositoryName, RetentionRule, [TagUse]) async throws -> Void
    ) async throws {
        guard policy.retention.contains(where: \.retiresTags) else { return }
        var last: String?
        var hasMore = true
        while hasMore {
            let page = try await Pace().portion {
                try await catalog.repositoryPage(after: last, limit: Self.repositoryPortion)
            }
            for repository in page.elements {
                guard let rule = policy.retentionRule(of: repository), rule.retiresTags else { continue }
                try await forEachRetiredPortion(of: repository, rule, body)
            }
            last = page.elements.last?.rawValue
            hasMore = page.hasMore
        }
    }

    private func forEachRetiredPortion(
        of repository: RepositoryName,
        _ rule: RetentionRule,
        _ body: (RepositoryName, RetentionRule, [TagUse]) async throws -> Void
    ) async throws {
        let now = clock()
        var retention = TagRetention(rule: rule, policy: policy, repository: repository, now: now)
        try await forEachTagPortion(of: repository, now: now) { tags in
            for tag in tags { retention.look(at: tag) }
        }
        retention.finish()
        try await forEachTagPortion(of: repository, now: now) { [retention] tags in
            let retired = tags.filter { !retention.keeps($0) }
            if !retired.isEmpty { try await body(repository, rule, retired) }
        }
    }

    private func forEachTagPortion(
        of repository: RepositoryName,
        now: Timestamp,
        _ body: ([TagUse]) async throws -> Void
    ) async throws {
        var last: String?
        var hasMore = true
        while hasMore {
            let page = try await Pace().portion {
                try await catalog.tagUsePage(of: repository, after: last, limit: Self.tagPortion, now: now)
            }
            try await body(page.elements)
            last = page.elements.last?.tag.rawValue
            hasMore = page.hasMore
        }
    }

    /// A page is some hundred kilobytes.
    private static var tagPortion: Int { 1000 }
    private static var repositoryPortion: Int { 1000 }
}
