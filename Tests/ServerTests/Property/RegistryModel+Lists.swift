extension RegistryModel {
    func listTags(_ name: String, _ page: Call.Page) -> Expectation {
        guard let limit = Self.limit(page.number) else { return Self.malformedNumber }
        guard let repository = repositories[name] else { return .error(404, "NAME_UNKNOWN") }
        let path = "/v2/\(name)/tags/list"
        return list(Array(repository.tags.keys), "tags", of: name, path, page.last, limit)
    }

    func listRepositories(_ page: Call.Page) -> Expectation {
        guard let limit = Self.limit(page.number) else { return Self.malformedNumber }
        let names = repositories.filter { !$0.value.manifests.isEmpty }.map(\.key)
        return list(names, "repositories", of: nil, "/v2/_catalog", page.last, limit)
    }

    private static let malformedNumber = Expectation.error(400, "PAGINATION_NUMBER_INVALID")

    /// How many entries there may be; nil for a number that is none.
    private static func limit(_ number: String?) -> Int? {
        guard let number else { return 1000 }
        guard !number.isEmpty, number.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return min(Int(number) ?? 10_000, 10_000)
    }

    private func list(
        _ names: [String],
        _ key: String,
        of repository: String?,
        _ path: String,
        _ last: String?,
        _ limit: Int
    ) -> Expectation {
        let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let behind = sorted.filter { (last ?? "").utf8.lexicographicallyPrecedes($0.utf8) }
        let page = Array(behind.prefix(limit))
        var link: String?
        if let last = page.last, behind.count > limit {
            link = "<\(path)?n=\(limit)&last=\(last)>; rel=\"next\""
        }
        return Expectation(
            status: 200,
            fields: ["Link": link],
            content: .names(page, key: key, repository: repository)
        )
    }

    func listReferrers(_ name: String, _ subject: String, _ type: String?, _ number: String?) -> Expectation {
        guard let limit = Self.limit(number) else { return Self.malformedNumber }
        let named = (repositories[name]?.manifests ?? [:]).compactMap { digest, manifest in
            let document = World.documents[manifest.document]
            return document.subject == subject
                ? Expectation.Referrer(document.entry(digest, as: manifest.mediaType)) : nil
        }
        let known = Set(named.map(\.digest))
        var seen: Set<String> = []
        let tagged = entriesUnderTag(name, subject).filter { entry in
            guard !known.contains(entry.digest), type == nil || entry.artifactType == type else {
                return false
            }
            return seen.insert(entry.digest).inserted
        }
        let wanted = named.filter { type == nil || $0.artifactType == type }
        let total = wanted.count + tagged.count
        var expectation = Expectation(
            status: 200,
            fields: [
                "Content-Type": Document.index, "OCI-Filters-Applied": type == nil ? nil : "artifactType",
            ],
            content: .referrers(named: wanted, tagged: tagged, count: min(limit, total))
        )
        expectation.goesOn = limit > 0 && total > limit
        return expectation
    }

    /// What an index under the subject's own tag lists.
    private func entriesUnderTag(_ name: String, _ subject: String) -> [Expectation.Referrer] {
        let tag = subject.replacing(":", with: "-")
        guard let repository = repositories[name], let digest = repository.tags[tag],
            let manifest = repository.manifests[digest]
        else { return [] }
        let document = World.documents[manifest.document]
        return document.shape == .index ? document.entries.map(Expectation.Referrer.init) : []
    }
}

extension Expectation.Referrer {
    init(_ entry: Document.Entry) {
        self.init(
            mediaType: entry.mediaType,
            digest: entry.digest,
            size: entry.size,
            artifactType: entry.artifactType,
            annotations: entry.annotations.isEmpty ? nil : entry.annotations
        )
    }
}
