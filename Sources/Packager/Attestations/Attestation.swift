package import OCI

/// A document about an image, and the artifact that attaches it to the image's manifest.
package struct Attestation: Hashable, Sendable {
    /// What a document says, and how.
    package enum Kind: String, CaseIterable, Codable, Hashable, Sendable {
        /// What the program consists of.
        case spdx
        /// The same in another form.
        case cyclonedx
        /// What the image was made of, and how.
        case provenance
    }

    package let kind: Kind
    /// What a client pulls.
    package let content: PackagedImage.Document
    /// What names the image as its subject.
    package let manifest: PackagedImage.Document

    /// What artifacts have in place of a configuration.
    ///
    /// - SeeAlso: image-spec v1.1.1, manifest.md, "Guidance for an Empty Descriptor"
    package static let emptyConfiguration = PackagedImage.Document(Array("{}".utf8), mediaType: .ociEmpty)

    /// The documents about an image, which follow from it alone.
    static func documents(about image: AttestedImage) -> [Attestation] {
        Kind.allCases.filter { $0.isWanted(by: image.options) }.map { Attestation($0, about: image) }
    }

    /// A document that is stored already, by its descriptor and that of its artifact.
    init(stored kind: Kind, content: Descriptor, manifest: Descriptor) {
        self.kind = kind
        self.content = PackagedImage.Document(stored: content)
        self.manifest = PackagedImage.Document(stored: manifest)
    }

    private init(_ kind: Kind, about image: AttestedImage) {
        self.kind = kind
        content = PackagedImage.Document(
            kind.document(about: image).canonicalBytes,
            mediaType: kind.mediaType
        )
        var layer = content.descriptor
        // Under which name clients write it to a file.
        layer.annotations = [ImageRecipe.Key.title: "\(image.name.rawValue).\(kind.fileExtension)"]
        var annotations = [ImageRecipe.Key.created: image.created]
        if kind == .provenance {
            layer.annotations[Self.predicateType] = ProvenanceStatement.predicateType
            annotations[Self.predicateType] = ProvenanceStatement.predicateType
        }
        let bytes = Manifest.artifactManifestBytes(
            type: kind.mediaType,
            configuration: Self.emptyConfiguration.descriptor,
            layers: [layer],
            subject: image.manifest,
            annotations: annotations
        )
        manifest = PackagedImage.Document(bytes, mediaType: .ociManifest)
    }

    /// The annotation by which BuildKit and others tell in-toto's statements apart.
    private static let predicateType = "in-toto.io/predicate-type"
}

extension Attestation.Kind {
    /// Of the document, and so of the artifact: scanners look for it there.
    package var mediaType: MediaType {
        switch self {
        case .spdx: .spdx
        case .cyclonedx: .cyclonedx
        case .provenance: .inToto
        }
    }

    fileprivate var fileExtension: String {
        switch self {
        case .spdx: "spdx.json"
        case .cyclonedx: "cdx.json"
        case .provenance: "intoto.json"
        }
    }

    fileprivate func isWanted(by options: PackagingOptions) -> Bool {
        switch self {
        case .spdx: options.billsOfMaterials.contains(.spdx)
        case .cyclonedx: options.billsOfMaterials.contains(.cyclonedx)
        case .provenance: true
        }
    }

    fileprivate func document(about image: AttestedImage) -> JSONValue {
        switch self {
        case .spdx: SPDXDocument(of: image).json
        case .cyclonedx: CycloneDXDocument(of: image).json
        case .provenance: ProvenanceStatement(image: image).json
        }
    }
}
