package import OCI

/// A pattern for tags: `v*` for tags of any repository, `release/*:*` for those of certain repositories.
package struct TagPattern: Hashable, Sendable {
    /// Nil for any.
    private let repository: NamePattern?
    private let tag: NamePattern

    /// Parses `[<pattern of repositories>:]<pattern of tags>`.
    package init(_ text: some StringProtocol) throws(NamePatternError) {
        let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        repository = try halves.count == 2 ? NamePattern(repositories: halves[0]) : nil
        guard let last = halves.last else { throw .empty }
        // No tag has a slash: somebody means a repository, and would protect nothing.
        guard !last.contains("/") else { throw .slashInTag }
        tag = try NamePattern(last)
    }

    /// Whether a tag of a repository is one of those that the pattern stands for.
    package func matches(_ tag: Tag, in repository: RepositoryName) -> Bool {
        self.tag.matches(tag.rawValue) && self.repository?.matches(repository.rawValue) != false
    }
}

extension TagPattern: CustomStringConvertible {
    package var description: String { repository.map { "\($0):\(tag)" } ?? tag.description }
}
