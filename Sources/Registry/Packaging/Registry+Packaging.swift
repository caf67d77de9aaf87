package import NIOCore
package import OCI
package import Packager
package import Storage

/// An executable on its way to being an image.
package struct ExecutableUpload<Content: AsyncSequence<ByteBuffer, any Error> & Sendable>: Sendable {
    package let content: Content
    /// How many bytes will come; nil where the client does not know.
    package let length: Int64?
    package let repository: RepositoryName
    package let tag: Tag
    /// The executable's name in the image.
    package let name: ExecutableName
    package let options: PackagingOptions
    /// Digests that the client says the content has.
    package let announced: Set<Digest>
    /// Whether the client sends nothing until it is told to go on.
    package let isHeldBack: Bool

    package init(
        content: Content,
        length: Int64?,
        announced: Set<Digest> = [],
        isHeldBack: Bool = false,
        repository: RepositoryName,
        tag: Tag,
        name: ExecutableName,
        options: PackagingOptions
    ) {
        self.content = content
        self.length = length
        self.announced = announced
        self.isHeldBack = isHeldBack
        self.repository = repository
        self.tag = tag
        self.name = name
        self.options = options
    }
}

extension Registry {
    /// An image that an executable became.
    package struct PackagedUpload: Sendable {
        package let image: PackagedImage
        /// Where the image stands among those of other platforms.
        package let placement: PartPublication.Placement
        /// The platforms that the tag stands for, or will.
        package let platforms: [Platform]
        /// A platform whose image the tag stood for before, and does not any more.
        package var replaced: Platform?
        /// When the tag ceases to be there; nil where it stays.
        package var expires: Timestamp?
        /// False where the same image had the same tag before.
        package let isChange: Bool
        /// Whether this is only what would be, and nothing was kept.
        package var isDryRun = false
        /// Those of the image's documents that were not attached to it before.
        package var newAttestations: [Attestation] = []

        /// The digest that the tag points to, or where it does not point here the image's own.
        package var digest: Digest {
            if case .tagged(let digest) = placement { digest } else { image.digest }
        }
    }

    /// Makes an image of an executable, and tags it.
    ///
    /// When this returns it survives a loss of power.
    ///
    /// The layer is archived, compressed and hashed while the executable arrives. Of one that is refused, or whose
    /// sender vanishes, nothing is kept. What the repository has been sent before is hashed and not packaged again, and
    /// where the client waits to be told to go on, and has announced its digest, it is not read at all.
    package func package(
        _ upload: ExecutableUpload<some AsyncSequence<ByteBuffer, any Error>>
    ) async throws -> PackagedUpload {
        if upload.isHeldBack, let digest = upload.announced.first(where: { $0.algorithm == .sha256 }),
            let packaged = try await publishRemembered(digest, of: upload)
        {
            return packaged
        }
        return try await withSession { spool in
            try await withSession { layer in
                var arrival = Arrival(of: upload, spool: spool, layer: layer)
                switch try await receive(&arrival) {
                case .repeated(let packaged): return packaged
                case .made(let image): return try await keep(image, of: arrival)
                }
            }
        }
    }

    /// Makes what an image is made of blobs, and publishes it.
    private func keep<Content>(
        _ image: PackagedImage,
        of arrival: Arrival<Content>
    ) async throws -> PackagedUpload {
        let upload = arrival.upload
        // Before anything of the image is kept.
        let key = try buildKey(of: image, options: upload.options)
        if upload.options.isDryRun { return try await publish(image, of: upload, key: key, memo: nil) }
        let verified = try await blobs.finishUpload(
            arrival.layer,
            expecting: image.layer.descriptor.digest
        )
        _ = try await publish(verified, in: upload.repository)
        try await push(image.configuration, in: upload.repository)
        try await pushAttestations(of: image, in: upload.repository)
        let attached = try await attachedDocuments(of: image, in: upload.repository)
        var packaged = try await publish(image, of: upload, key: key, memo: arrival.memo(of: image, packager))
        packaged.newAttestations = image.attestations.filter {
            !attached.contains($0.manifest.descriptor.digest)
        }
        return packaged
    }

    /// Runs a body with an upload session of its own, of which nothing is left afterwards.
    func withSession<Value>(_ body: (UploadID) async throws -> Value) async throws -> Value {
        let id = try await blobs.beginUpload(nil)
        do {
            let value = try await body(id)
            await abandon(id)
            return value
        } catch {
            await abandon(id)
            throw error
        }
    }
}

extension ExecutableUpload {
    /// `size` is the executable's, in bytes; 0 where it is not known.
    func request(size: Int64) -> ImageRequest {
        ImageRequest(name: name, options: options, size: UInt64(size))
    }
}
