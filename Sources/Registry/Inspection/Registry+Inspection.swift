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
        let details = try? await image(
            ImageName(repository: repository, reference: .digest(record.digest))
        )
        return ImageSummary(
            repository: repository,
            tag: record,
            platforms: details?.parts.compactMap(\.platform) ?? [],
            size: details?.size ?? 0
        )
    }

    /// Everything that the manifest of an image says, and those below it.
    package func image(_ name: ImageName) async throws -> ImageDetails {
        let record = try await manifest(name.reference, in: name.repository)
        let manifest = try parsed(record)
        let parts: [ImageDetails.Part]
        if case .index(let children) = manifest.content {
            var found: [ImageDetails.Part] = []
            for child in children {
                // An index may name what is not here, and what is no manifest.
                let reference = Reference.digest(child.digest)
                guard let record = try await catalog.manifest(reference, in: name.repository, now: clock())
                else {
                    continue
                }
                found.append(try await part(record, platform: child.platform, in: name.repository))
            }
            parts = found
        } else {
            parts = [try await part(record, platform: nil, in: name.repository)]
        }
        return ImageDetails(
            name: name,
            digest: record.digest,
            mediaType: record.mediaType,
            artifactType: manifest.artifactType,
            annotations: manifest.annotations,
            parts: parts
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

    private func parsed(_ record: ManifestRecord) throws -> Manifest {
        do { return try Manifest(parsing: record.bytes, contentType: record.mediaType) } catch {
            throw RegistryError.manifestInvalid(error)
        }
    }
}
