package import OCI
package import Storage

extension Registry {
    /// Where a list of referrers goes on.
    ///
    /// Its text is for links alone: no client makes one up.
    package enum ReferrerCursor: Hashable, Sendable {
        /// Behind a manifest that names the subject itself.
        case named(ReferrerRecord.ID)
        /// At a place in the index under the fallback tag.
        case tagged(Int)

        package init?(_ text: String) {
            let digits = text.hasPrefix("tag-") ? text.dropFirst("tag-".count) : text[...]
            guard !digits.isEmpty, digits.utf8.allSatisfy(\.isASCIIDigit) else { return nil }
            if digits.startIndex == text.startIndex {
                guard let rowID = Int64(digits) else { return nil }
                self = .named(ReferrerRecord.ID(rowID: rowID))
            } else {
                guard let place = Int(digits) else { return nil }
                self = .tagged(place)
            }
        }

        package var text: String {
            switch self {
            case .named(let id): String(id.rowID)
            case .tagged(let place): "tag-\(place)"
            }
        }
    }

    /// Part of the list of a manifest's referrers.
    package struct ReferrerPage: Hashable, Sendable {
        /// Descriptors in canonical JSON, with artifact types and annotations.
        package var descriptors: [[UInt8]]
        /// Where the list goes on; nil at its end.
        package var next: ReferrerCursor?
    }

    /// What is known about a manifest, which need not exist: the manifests that name it as their subject, in the order in
    /// which they came, and then those that a client has listed under the fallback tag and that do not name it.
    ///
    /// `artifactType`: only those of this type; nil for all. A page has 2 MiB of descriptors at most, or a single one that
    /// is longer, as many clients read no documents of more than 4 MiB.
    ///
    /// - SeeAlso: distribution-spec v1.1.1, "Listing Referrers", "Referrers Tag Schema"
    package func referrers(
        of subject: Digest,
        in repository: RepositoryName,
        artifactType: String?,
        at cursor: ReferrerCursor?,
        limit: Int
    ) async throws -> ReferrerPage {
        var page = ReferrerPage(descriptors: [], next: nil)
        var place = 0
        switch cursor {
        case .tagged(let first): place = first
        case .named, nil:
            let last: ReferrerRecord.ID? = if case .named(let id) = cursor { id } else { nil }
            let named = try await catalog.referrerPage(
                of: subject,
                in: repository,
                artifactType: artifactType,
                after: last,
                limit: limit,
                maximumSize: Self.maximumReferrerBytes
            )
            page.descriptors = named.elements.map(\.descriptor)
            if named.hasMore {
                page.next = named.elements.last.map { .named($0.id) }
                return page
            }
        }
        let tagged = try await taggedReferrers(of: subject, in: repository, artifactType: artifactType)
        var size = page.descriptors.reduce(0) { $0 + $1.count }
        for (index, descriptor) in tagged.enumerated().dropFirst(place) {
            let bytes = descriptor.json.canonicalBytes
            size += bytes.count
            let isFull = size > Self.maximumReferrerBytes && !page.descriptors.isEmpty
            if page.descriptors.count >= limit || isFull {
                page.next = .tagged(index)
                return page
            }
            page.descriptors.append(bytes)
        }
        return page
    }

    /// Many descriptors a page, in half of what clients read.
    private static var maximumReferrerBytes: Int { 2 * 1024 * 1024 }

    /// What clients of registries without this list have put into an index of their own.
    private func taggedReferrers(
        of subject: Digest,
        in repository: RepositoryName,
        artifactType: String?
    ) async throws -> [Descriptor] {
        guard let tag = Tag(referrersOf: subject),
            let record = try await catalog.manifest(.tag(tag), in: repository, now: clock()),
            case .index(let manifests) = try? Manifest(parsing: record.bytes, contentType: record.mediaType)
                .content
        else { return [] }
        var seen = try await catalog.referrers(of: subject, in: repository, among: manifests.map(\.digest))
        return manifests.filter { descriptor in
            guard artifactType == nil || descriptor.artifactType?.rawValue == artifactType else {
                return false
            }
            return seen.insert(descriptor.digest).inserted
        }
    }
}

extension Tag {
    /// The tag under which clients keep a list of what they know about a manifest, where a registry keeps none.
    ///
    /// A dash stands for each character that a digest may hold and a tag may not.
    ///
    /// - SeeAlso: distribution-spec, "Referrers Tag Schema"
    init?(referrersOf subject: Digest) {
        let name = "\(subject.algorithm.description.prefix(32))-\(subject.encoded.prefix(64))"
        try? self.init(String(name.map { $0 == "+" || $0 == "=" ? "-" : $0 }))
    }
}
