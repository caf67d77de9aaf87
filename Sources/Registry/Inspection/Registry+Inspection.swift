import FoundationEssentials
import NIOCore
package import OCI
package import Storage

extension Registry {
    /// Where a list of images goes on: behind a tag of a repository, or behind all of them.
    package struct ImageCursor: Hashable, Sendable {
        package let repository: RepositoryName
        /// Nil: the repository has been listed to its end.
        package let tag: Tag?

        package init(repository: RepositoryName, tag: Tag?) {
            self.repository = repository
            self.tag = tag
        }
    }

    /// Images by repository and tag, in byte order, those behind a cursor.
    package func images(after cursor: ImageCursor?, limit: Int) async throws -> Page<ImageSummary> {
        var found: [ImageSummary] = []
        var repositories: [(RepositoryName, Tag?)] = []
        if let cursor, let tag = cursor.tag { repositories.append((cursor.repository, tag)) }
        let page = try await catalog.repositoryPage(after: cursor?.repository.rawValue, limit: limit + 1)
        repositories += page.elements.map { ($0, nil) }
        for (repository, tag) in repositories where found.count <= limit {
            let tags = try await catalog.tagPage(
                of: repository,
                after: tag?.rawValue,
                limit: limit + 1 - found.count,
                now: clock()
            )
            for record in tags?.elements ?? [] { found.append(try await summary(of: record, in: repository)) }
            if tags?.elements.isEmpty != false, tag == nil {
                found.append(ImageSummary(repository: repository, tag: nil, platforms: [], size: 0))
            }
        }
        return Page(elements: Array(found.prefix(limit)), hasMore: found.count > limit)
    }

    private func summary(of record: TagRecord, in repository: RepositoryName) async throws -> ImageSummary {
        let image = ImageName(repository: repository, reference: .digest(record.digest))
        let details = try? await manifests(of: image, named: image)
        return ImageSummary(
            repository: repository,
            tag: record,
            platforms: details?.parts.compactMap(\.platform) ?? [],
            size: details?.size ?? 0
        )
    }

    /// Everything that is known of an image: what its manifest says, and those below it, and what refers to them.
    ///
    /// `platform`: picks one of an index; nil for all.
    package func image(_ name: ImageName, for platform: Platform? = nil) async throws -> ImageDetails {
        var picked = name
        if let platform {
            let image = try await platformImage(name, for: platform)
            picked = ImageName(repository: name.repository, reference: .digest(image.record.digest))
        }
        var details = try await manifests(of: picked, named: name)
        details.dates = try await catalog.dates(of: name.reference, in: name.repository, now: clock())
        for index in details.parts.indices {
            details.parts[index].referrers = try await referrers(
                of: details.parts[index].digest,
                in: name.repository
            )
        }
        if details.parts.map(\.digest) != [details.digest] {
            details.referrers = try await referrers(of: details.digest, in: name.repository)
        }
        return details
    }

    private func referrers(
        of subject: Digest,
        in repository: RepositoryName
    ) async throws -> ImageDetails.Referrers {
        let page = try await referrers(
            of: subject,
            in: repository,
            artifactType: nil,
            at: nil,
            limit: Self.maximumReferrers
        )
        return ImageDetails.Referrers(
            descriptors: page.descriptors.compactMap {
                try? JSONDecoder().decode(Descriptor.self, from: Data($0))
            },
            hasMore: page.next != nil
        )
    }

    /// As many as somebody reads; there is a list of its own of all.
    private static var maximumReferrers: Int { 50 }

    /// No image is for so many platforms; without a bound one request would look for ten thousand manifests.
    private static var maximumParts: Int { 64 }

    /// What a manifest and those below it say.
    ///
    /// `name` is what it was asked for by, where that is not the manifest's own.
    private func manifests(of image: ImageName, named name: ImageName) async throws -> ImageDetails {
        let record = try await manifest(image.reference, in: image.repository)
        let manifest = try parsed(record)
        var parts: [ImageDetails.Part] = []
        var hasMore = false
        if case .index(let children) = manifest.content {
            for child in children.prefix(Self.maximumParts) {
                // An index may name what is not here, and what is no manifest.
                let reference = Reference.digest(child.digest)
                guard let record = try await catalog.manifest(reference, in: image.repository, now: clock())
                else {
                    continue
                }
                parts.append(try await part(record, platform: child.platform, in: image.repository))
            }
            hasMore = children.count > Self.maximumParts
        } else {
            parts = [try await part(record, platform: nil, in: image.repository)]
        }
        return ImageDetails(
            name: name,
            digest: record.digest,
            mediaType: record.mediaType,
            artifactType: manifest.artifactType,
            annotations: manifest.annotations,
            parts: parts,
            hasMoreParts: hasMore
        )
    }

    private func part(
        _ record: ManifestRecord,
        platform: Platform?,
        in repository: RepositoryName
    ) async throws -> ImageDetails.Part {
        let manifest = try parsed(record)
        var configuration: ImageConfiguration?
        var layers: [Descriptor] = []
        if case .image(let descriptor, let imageLayers) = manifest.content {
            layers = imageLayers
            configuration = try await self.configuration(descriptor, in: repository)
        }
        return ImageDetails.Part(
            digest: record.digest,
            mediaType: record.mediaType,
            platform: platform ?? configuration?.platform,
            configuration: configuration,
            layers: layers,
            annotations: manifest.annotations,
            size: manifest.references.reduce(Int64(record.bytes.count)) { $0.adding($1.descriptor.size) }
        )
    }

    /// The configuration of an image; nil for an artifact's, which may be anything.
    func configuration(
        _ descriptor: Descriptor,
        in repository: RepositoryName
    ) async throws -> ImageConfiguration? {
        let isImage =
            descriptor.mediaType == .ociConfiguration || descriptor.mediaType == .dockerConfiguration
        guard isImage else { return nil }
        let blob = try await blob(descriptor.digest, in: repository)
        // What the manifest says of its size need not be true.
        guard blob.size <= Manifest.maximumSize else { return nil }
        let bytes = try await blob.read(0..<blob.size)
        return try? ImageConfiguration(parsing: Array(bytes.readableBytesView))
    }

    func parsed(_ record: ManifestRecord) throws -> Manifest {
        do { return try Manifest(parsing: record.bytes, contentType: record.mediaType) } catch {
            throw RegistryError.manifestInvalid(error)
        }
    }
}
