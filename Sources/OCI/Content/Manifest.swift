import FoundationEssentials

/// What a manifest's bytes say: parsed once, on the way in, and kept beside the bytes, which are never rewritten.
///
/// The media type decides little: the shape of the document does. One with `manifests` is an index, one with `config`
/// and `layers` an image or artifact; a document that claims to be both is refused, because two clients would read
/// two different things out of one digest.
///
/// - SeeAlso: image-spec v1.1.1, manifest.md and image-index.md; CVE-2021-41190
package struct Manifest: Hashable, Sendable {
    /// What the document holds.
    package enum Content: Hashable, Sendable {
        case image(configuration: Descriptor, layers: [Descriptor])
        case index(manifests: [Descriptor])
        /// Neither, with whatever it lists under `blobs`: an artifact of a type that this program does not know.
        case artifact(blobs: [Descriptor])
    }

    package let mediaType: MediaType
    package let content: Content
    /// The manifest that this one says something about; it need not exist.
    package let subject: Descriptor?
    /// As written, or for an image without one its configuration's media type.
    package let artifactType: MediaType?
    package let annotations: [String: String]

    /// Distribution-spec v1.1.1, "Pushing Manifests", lets clients count on 4 MiB; more is refused.
    package static let maximumSize = 4 * 1024 * 1024
    /// No tool makes images of more than a few hundred layers, or indexes of more than some thousand
    /// manifests.
    ///
    /// Without a bound one 4 MiB manifest would cost thirty thousand rows.
    package static let maximumReferences = 10_000

    /// Parses a manifest.
    ///
    /// - Parameters:
    ///   - bytes: the document, at most `maximumSize`.
    ///   - contentType: what the client announced; it must agree with the document's own `mediaType`.
    /// - Throws: what is wrong with the document, in words for the client.
    package init(parsing bytes: [UInt8], contentType: MediaType?) throws(ManifestError) {
        guard bytes.count <= Self.maximumSize else { throw .tooLarge }
        guard !bytes.isEmpty else { throw .malformed("a manifest is a JSON document, and this one is empty") }
        if let contentType, contentType.isDockerSchema1 { throw .schema1 }
        try StrictJSON.check(bytes)
        let document: ManifestDocument
        do {
            document = try JSONDecoder().decode(ManifestDocument.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw .malformed(error.summary)
        } catch {
            throw .malformed("not a JSON object")
        }
        try self.init(document, contentType: contentType)
    }

    private init(_ document: ManifestDocument, contentType: MediaType?) throws(ManifestError) {
        if let contentType, let own = document.mediaType, contentType != own {
            throw .contradictoryMediaType(header: contentType, document: own)
        }
        content = try document.content()
        guard let mediaType = document.mediaType ?? contentType ?? content.defaultMediaType else {
            throw .missingMediaType
        }
        if mediaType.isDockerSchema1 { throw .schema1 }
        try content.validateShape(for: mediaType)
        self.mediaType = mediaType
        subject = document.subject
        annotations = document.annotations
        artifactType = document.artifactType ?? content.configuration?.mediaType
        guard references.count <= Self.maximumReferences else { throw .tooManyReferences(references.count) }
    }
}

extension Manifest {
    /// Everything that has to be kept for as long as this manifest is, in the document's order.
    ///
    /// Not the subject.
    package var references: [ManifestReference] {
        switch content {
        case .image(let configuration, let layers):
            [ManifestReference(.configuration, configuration)] + layers.map { ManifestReference(.layer, $0) }
        case .index(let manifests): manifests.map { ManifestReference(.manifest, $0) }
        case .artifact(let blobs): blobs.map { ManifestReference(.layer, $0) }
        }
    }

    /// Whether this is an index of other manifests.
    package var isIndex: Bool {
        if case .index = content { true } else { false }
    }
}

/// One thing that a manifest refers to.
package struct ManifestReference: Hashable, Sendable {
    /// What the reference is to.
    package enum Kind: Int, Hashable, Sendable {
        case configuration = 0
        case layer = 1
        case manifest = 2
    }

    package let kind: Kind
    package let descriptor: Descriptor

    init(_ kind: Kind, _ descriptor: Descriptor) {
        self.kind = kind
        self.descriptor = descriptor
    }
}

extension Manifest.Content {
    fileprivate var configuration: Descriptor? {
        if case .image(let configuration, _) = self { configuration } else { nil }
    }

    /// What a document without any media type is, by the specification's examples.
    fileprivate var defaultMediaType: MediaType? {
        switch self {
        case .image: .ociManifest
        case .index: .ociIndex
        case .artifact: nil
        }
    }

    fileprivate func validateShape(for mediaType: MediaType) throws(ManifestError) {
        switch (mediaType, self) {
        case (.ociManifest, .image), (.dockerManifest, .image): return
        case (.ociIndex, .index), (.dockerManifestList, .index): return
        case (.ociManifest, _), (.dockerManifest, _):
            throw .malformed("a \(mediaType) has a 'config' and 'layers'")
        case (.ociIndex, _), (.dockerManifestList, _):
            throw .malformed("a \(mediaType) has 'manifests'")
        default: return
        }
    }
}

/// Why bytes are no manifest that can be stored.
package enum ManifestError: Error, Equatable {
    case tooLarge
    case malformed(String)
    case ambiguous
    case missingMediaType
    case schema1
    case contradictoryMediaType(header: MediaType, document: MediaType)
    case tooManyReferences(Int)
}

extension ManifestError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge: "a manifest has at most \(Manifest.maximumSize) bytes"
        case .malformed(let problem): problem
        case .ambiguous: "a manifest has either 'manifests' or 'config' and 'layers', not both"
        case .missingMediaType: "neither a Content-Type header nor a 'mediaType' says what this manifest is"
        case .schema1: "Docker's image manifest schema 1 is not accepted: push with a client from after 2016"
        case .contradictoryMediaType(let header, let document):
            "the Content-Type header says \(header), the manifest's 'mediaType' \(document)"
        case .tooManyReferences(let count):
            "a manifest refers to at most \(Manifest.maximumReferences) things, this one to \(count)"
        }
    }
}
