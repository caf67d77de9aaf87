package import OCI
package import Storage

/// A blob's bytes and what names them.
package struct BlobFixture: Hashable, Sendable {
    package let bytes: [UInt8]
    package let digest: Digest

    package init(_ bytes: [UInt8], algorithm: SupportedAlgorithm = .sha256) {
        self.bytes = bytes
        digest = Digest(of: bytes, algorithm: algorithm)
    }

    package init(_ text: String, algorithm: SupportedAlgorithm = .sha256) {
        self.init(Array(text.utf8), algorithm: algorithm)
    }

    package var size: Int64 { Int64(bytes.count) }

    /// What a manifest says to point to it.
    package func descriptor(_ mediaType: MediaType) -> Descriptor {
        Descriptor(mediaType: mediaType, digest: digest, size: size)
    }
}

/// A manifest's bytes, what names them and what they say.
package struct ManifestFixture: Hashable, Sendable {
    package let bytes: [UInt8]
    package let digest: Digest
    package let manifest: Manifest

    /// Parses a document as a push would.
    package init(_ document: JSONValue, algorithm: SupportedAlgorithm = .sha256) throws {
        try self.init(document.canonicalBytes, algorithm: algorithm)
    }

    package init(_ bytes: [UInt8], algorithm: SupportedAlgorithm = .sha256) throws {
        self.bytes = bytes
        digest = Digest(of: bytes, algorithm: algorithm)
        manifest = try Manifest(parsing: bytes, contentType: nil)
    }

    /// What an index says to list it.
    package var descriptor: Descriptor {
        Descriptor(mediaType: manifest.mediaType, digest: digest, size: Int64(bytes.count))
    }

    /// An index of manifests, or of anything else.
    package static func index(
        _ manifests: [Descriptor],
        annotations: [String: String] = [:]
    ) throws -> ManifestFixture {
        try ManifestFixture(
            .object([
                .init("schemaVersion", .integer(2)),
                .init("mediaType", .string(MediaType.ociIndex.rawValue)),
                .init("manifests", .array(manifests.map(\.json))),
                .init("annotations", .sorted(annotations)),
            ])
        )
    }

    /// An artifact that says something about another manifest.
    package static func artifact(
        _ type: MediaType,
        about subject: Descriptor,
        configuration: BlobFixture,
        layers: [Descriptor] = [],
        annotations: [String: String] = [:]
    ) throws -> ManifestFixture {
        try ManifestFixture(
            .object([
                .init("schemaVersion", .integer(2)),
                .init("mediaType", .string(MediaType.ociManifest.rawValue)),
                .init("artifactType", .string(type.rawValue)),
                .init("config", configuration.descriptor(.ociEmpty).json),
                .init("layers", .array(layers.map(\.json))),
                .init("subject", subject.json),
                .init("annotations", .sorted(annotations)),
            ])
        )
    }

    /// How it is published.
    package func publication(
        in repository: RepositoryName,
        tags: [Tag] = [],
        immutableTags: Set<Tag> = [],
        isSparse: Bool = false,
        synced: Set<BlobRecord.ID> = [],
        now: Timestamp
    ) -> ManifestPublication {
        ManifestPublication(
            repository: repository,
            digest: digest,
            bytes: bytes,
            manifest: manifest,
            tags: tags,
            immutableTags: immutableTags,
            isSparse: isSparse,
            synced: synced,
            now: now
        )
    }
}

/// A small image: its configuration, its layers and its manifest.
package struct ImageFixture: Hashable, Sendable {
    package let configuration: BlobFixture
    package let layers: [BlobFixture]
    package let manifest: ManifestFixture

    package var blobs: [BlobFixture] { [configuration] + layers }

    /// Makes an image whose content, and therefore every digest, follows from a name.
    ///
    /// Layers are text rather than archives: no registry looks into them.
    package init(_ name: String, layers: [BlobFixture]? = nil) throws {
        let layers = layers ?? [BlobFixture("layer of \(name)\n")]
        let configuration = ImageConfiguration(
            platform: Platform(os: "linux", architecture: "amd64"),
            execution: ImageConfiguration.Execution(entrypoint: ["/\(name)"], labels: ["name": name]),
            diffIDs: layers.map(\.digest)
        )
        self.configuration = BlobFixture(configuration.json.canonicalBytes)
        self.layers = layers
        manifest = try ManifestFixture(
            Manifest.imageManifestBytes(
                configuration: self.configuration.descriptor(.ociConfiguration),
                layers: layers.map { $0.descriptor(.ociLayerGzip) },
                annotations: [:]
            )
        )
    }
}
