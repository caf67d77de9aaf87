/// The fields of any manifest that a registry has to understand, as they stand in the JSON.
struct ManifestDocument: Decodable {
    let mediaType: MediaType?
    let artifactType: MediaType?
    let configuration: Descriptor?
    let layers: [Descriptor]?
    let manifests: [Descriptor]?
    let blobs: [Descriptor]?
    let subject: Descriptor?
    let annotations: [String: String]

    private enum CodingKeys: String, CodingKey {
        case schemaVersion, mediaType, artifactType, layers, manifests, blobs, subject, annotations
        case configuration = "config"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let version = try container.decodeIfPresent(Int.self, forKey: .schemaVersion), version != 2 {
            throw DecodingError.dataCorruptedError(
                forKey: .schemaVersion,
                in: container,
                debugDescription: "2 is the only version that can be stored"
            )
        }
        mediaType = try container.decodeNonEmptyMediaType(forKey: .mediaType)
        artifactType = try container.decodeNonEmptyMediaType(forKey: .artifactType)
        configuration = try container.decodeIfPresent(Descriptor.self, forKey: .configuration)
        layers = try container.decodeIfPresent([Descriptor].self, forKey: .layers)
        manifests = try container.decodeIfPresent([Descriptor].self, forKey: .manifests)
        blobs = try container.decodeIfPresent([Descriptor].self, forKey: .blobs)
        subject = try container.decodeIfPresent(Descriptor.self, forKey: .subject)
        annotations = try container.decodeIfPresent([String: String].self, forKey: .annotations) ?? [:]
    }

    /// What the fields amount to.
    func content() throws(ManifestError) -> Manifest.Content {
        switch (configuration, layers, manifests) {
        case (nil, nil, let manifests?): return .index(manifests: manifests)
        case (_, _, _?): throw .ambiguous
        case (let configuration?, let layers?, nil):
            return .image(configuration: configuration, layers: layers)
        case (_?, nil, nil): throw .malformed("'layers' is missing")
        case (nil, _?, nil): throw .malformed("'config' is missing")
        case (nil, nil, nil): return .artifact(blobs: blobs ?? [])
        }
    }
}
