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

    package init(
        content: Content,
        length: Int64?,
        repository: RepositoryName,
        tag: Tag,
        name: ExecutableName,
        options: PackagingOptions
    ) {
        self.content = content
        self.length = length
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
    /// sender vanishes, nothing is kept.
    package func package(
        _ upload: ExecutableUpload<some AsyncSequence<ByteBuffer, any Error>>
    ) async throws -> PackagedUpload {
        try await withSession { executable in
            try await withSession { layer in
                let image = try await build(upload, spool: executable, layer: layer)
                // Before anything of the image is kept.
                let key = try buildKey(of: image, options: upload.options)
                if upload.options.isDryRun { return try await rehearse(image, of: upload) }
                let verified = try await blobs.finishUpload(layer, expecting: image.layer.descriptor.digest)
                _ = try await publish(verified, in: upload.repository)
                try await push(image.configuration, in: upload.repository)
                try await pushAttestations(of: image, in: upload.repository)
                let attached = try await attachedDocuments(of: image, in: upload.repository)
                var packaged = try await publish(image, of: upload, key: key)
                packaged.newAttestations = image.attestations.filter {
                    !attached.contains($0.manifest.descriptor.digest)
                }
                return packaged
            }
        }
    }

    /// What an upload would become, were it kept, as far as it concerns this image alone.
    private func rehearse(
        _ image: PackagedImage,
        of upload: ExecutableUpload<some AsyncSequence<ByteBuffer, any Error>>
    ) async throws -> PackagedUpload {
        let (tag, repository) = (upload.tag, upload.repository)
        let current = try await catalog.manifest(.tag(tag), in: repository, now: clock())
        let isMoved = current.map { $0.digest != image.digest } ?? false
        if let current, isMoved, !policy.immutable(among: [tag], in: repository).isEmpty {
            throw StorageError.tagImmutable(tag, current.digest)
        }
        return PackagedUpload(
            image: image,
            placement: .tagged(image.digest),
            platforms: [image.platform],
            expires: policy.expiry(
                of: [tag],
                in: repository,
                timeToLive: upload.options.timeToLive,
                now: clock()
            )[tag],
            isChange: current == nil || isMoved,
            isDryRun: true
        )
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

    /// Writes the executable to one session and the layer to another, and returns what they became.
    ///
    /// The executable is kept until it is whole because only then can it be inspected.
    private func build(
        _ upload: ExecutableUpload<some AsyncSequence<ByteBuffer, any Error>>,
        spool: UploadID,
        layer: UploadID
    ) async throws -> PackagedImage {
        var content = PeekedContent(upload.content)
        if let folder = try await folderReader(for: upload.options, &content) {
            return try await build(folder, content, of: upload, spool: spool, layer: layer)
        }
        var executable = UploadWriter(blobs: blobs, upload: spool, offset: 0, limit: policy.maximumUploadSize)
        var output = UploadWriter(blobs: blobs, upload: layer, offset: 0, limit: nil)
        var builder: ImageBuilder
        if let length = upload.length {
            builder = packager.begin(upload.request(size: length))
            while let chunk = try await content.next() {
                try await executable.write(chunk)
                try await output.write(builder.append(Array(chunk.readableBytesView)))
            }
            try await executable.flush()
        } else {
            // An archive's entry begins with its size, so that nothing can be done before all has come.
            while let chunk = try await content.next() { try await executable.write(chunk) }
            try await executable.flush()
            builder = packager.begin(upload.request(size: executable.offset))
            var offset: Int64 = 0
            while offset < executable.offset {
                let chunk = try await blobs.read(
                    offset..<min(offset + Self.portion, executable.offset),
                    of: spool
                )
                try await output.write(builder.append(Array(chunk.readableBytesView)))
                offset += Int64(chunk.readableBytes)
            }
        }
        let (chunks, image) = try await builder.finish { range in
            let bytes = try await blobs.read(Int64(range.lowerBound)..<Int64(range.upperBound), of: spool)
            return Array(bytes.readableBytesView)
        }
        try await output.write(chunks)
        try await output.flush()
        return image
    }

    /// What is read at once of an executable that came without a length.
    private static var portion: Int64 { 512 * 1024 }
}

extension ExecutableUpload {
    /// `size` is the executable's, in bytes.
    fileprivate func request(size: Int64) -> ImageRequest {
        ImageRequest(name: name, options: options, size: UInt64(size))
    }
}

extension UploadWriter {
    fileprivate mutating func write(_ chunks: [[UInt8]]) async throws {
        for chunk in chunks { try await write(ByteBuffer(bytes: chunk)) }
    }
}
