import NIOCore
import OCI
import Packager
import Storage

extension Registry {
    /// How long images of one build may come apart: CI's slowest runs take hours, and nobody waits for a day.
    private static var groupTime: Duration { .seconds(24 * 3600) }

    /// Finds what the uploads of one build have in common: the name that was given, or what the program tells.
    ///
    /// - Returns: nil where nothing is known, so that the upload stands alone.
    /// - Throws: ``RegistryError`` where others are expected, and nothing is known, or not this platform.
    func buildKey(of image: PackagedImage, options: PackagingOptions) throws(RegistryError) -> String? {
        // One never equals the other, whatever name is given.
        let key = options.build.map { "build \($0)" } ?? image.buildKey.map { "program \($0)" }
        guard !options.expected.isEmpty else { return key }
        guard let key else { throw .unknownBuild }
        guard options.expected.contains(image.platform) else {
            throw .unexpectedPlatform(image.platform, expected: options.expected)
        }
        return key
    }

    /// Gives an image its tag, or says what would come of that, together with the images of other platforms that have the same key.
    func publish(
        _ image: PackagedImage,
        of upload: ExecutableUpload<some AsyncSequence<ByteBuffer, any Error>>,
        key: String?,
        memo: PackagingMemo?
    ) async throws -> PackagedUpload {
        let manifest: Manifest
        do {
            manifest = try Manifest(
                parsing: image.manifest.bytes,
                contentType: image.manifest.descriptor.mediaType
            )
        } catch {
            throw RegistryError.manifestInvalid(error)
        }
        let (repository, tag, options) = (upload.repository, upload.tag, upload.options)
        // What is remembered has its documents already.
        let attached = memo == nil ? [] : try attachments(of: image, in: repository)
        func publication(tags: [Tag]) -> ManifestPublication {
            var publication = self.publication(
                of: manifest,
                image.manifest.bytes,
                as: image.digest,
                tags: tags,
                in: repository
            )
            publication.expiry = policy.expiry(
                of: [tag],
                in: repository,
                timeToLive: options.timeToLive,
                now: publication.now
            )
            publication.locksTags = options.isImmutable
            publication.attached = attached
            publication.memo = memo
            publication.isRehearsal = options.isDryRun
            return publication
        }
        guard let key else {
            let replaced = try await otherPlatform(than: image.platform, at: tag, in: repository)
            let publication = publication(tags: [tag])
            let isChange = try await publish(publication)
            return PackagedUpload(
                image: image,
                placement: .tagged(image.digest),
                platforms: [image.platform],
                replaced: replaced,
                expires: publication.expiry[tag],
                isChange: isChange,
                isDryRun: options.isDryRun
            )
        }
        let part = publication(tags: [])
        let published = try await publish(
            PartPublication(
                image: part,
                platform: image.platform,
                tag: tag,
                isTagImmutable: !policy.immutable(among: [tag], in: repository).isEmpty,
                key: key,
                expected: options.expected,
                openUntil: clock() + Self.groupTime
            )
        )
        return PackagedUpload(
            image: image,
            placement: published.placement,
            platforms: published.platforms,
            expires: part.expiry[tag],
            isChange: published.isChange,
            isDryRun: options.isDryRun
        )
    }

    /// Publishes a part, and before it syncs what it reaches and may not survive a loss of power yet.
    private func publish(_ part: PartPublication) async throws -> PartPublication.Published {
        var part = part
        for _ in 0..<Self.maximumPublicationAttempts {
            switch try await catalog.publishPart(part) {
            case .published(let published): return published
            case .unsynced(let records):
                if try await sync(records) { part.image.synced.formUnion(records.map(\.id)) }
            }
        }
        throw StorageError.missingReferences(part.image.manifest.references.map(\.descriptor.digest))
    }

    /// The platform of the image that a tag stands for, where it is another: somebody may have meant both.
    private func otherPlatform(
        than platform: Platform,
        at tag: Tag,
        in repository: RepositoryName
    ) async throws -> Platform? {
        guard let record = try await catalog.manifest(.tag(tag), in: repository, now: clock()),
            let manifest = try? Manifest(parsing: record.bytes, contentType: record.mediaType)
        else { return nil }
        let platforms: [Platform]
        switch manifest.content {
        case .index(let manifests): platforms = manifests.compactMap(\.platform)
        case .image(let descriptor, _):
            // It may be missing, as in a mirror.
            let configuration = try? await configuration(descriptor, in: repository)
            platforms = (configuration ?? nil).map { [$0.platform] } ?? []
        case .artifact: platforms = []
        }
        return platforms.first { $0 != platform }
    }
}
