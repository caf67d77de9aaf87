/// A typed pointer to content: what it is, where it is, and how large it is.
///
/// - SeeAlso: image-spec v1.1.1, descriptor.md, "Properties"
package struct Descriptor: Hashable, Sendable {
    package var mediaType: MediaType
    package var digest: Digest
    /// Bytes, never negative.
    package var size: Int64
    package var artifactType: MediaType?
    package var annotations: [String: String]
    /// Only in an index.
    package var platform: Platform?

    package init(
        mediaType: MediaType,
        digest: Digest,
        size: Int64,
        artifactType: MediaType? = nil,
        annotations: [String: String] = [:],
        platform: Platform? = nil
    ) {
        precondition(size >= 0, "a descriptor's size is never negative")
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.artifactType = artifactType
        self.annotations = annotations
        self.platform = platform
    }
}

extension Descriptor: Decodable {
    private enum CodingKeys: CodingKey {
        case mediaType, digest, size, artifactType, annotations, platform
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mediaType = try container.decode(MediaType.self, forKey: .mediaType)
        digest = try container.decode(Digest.self, forKey: .digest)
        size = try container.decode(Int64.self, forKey: .size)
        guard size >= 0 else {
            throw DecodingError.dataCorruptedError(
                forKey: .size,
                in: container,
                debugDescription: "a size is never negative"
            )
        }
        artifactType = try container.decodeNonEmptyMediaType(forKey: .artifactType)
        annotations = try container.decodeIfPresent([String: String].self, forKey: .annotations) ?? [:]
        platform = try container.decodeIfPresent(Platform.self, forKey: .platform)
    }
}

extension Descriptor: Encodable {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(mediaType, forKey: .mediaType)
        try container.encode(digest, forKey: .digest)
        try container.encode(size, forKey: .size)
        try container.encodeIfPresent(artifactType, forKey: .artifactType)
        if !annotations.isEmpty { try container.encode(annotations, forKey: .annotations) }
        try container.encodeIfPresent(platform, forKey: .platform)
    }
}

extension Descriptor {
    /// The descriptor in the specification's order of keys, without those that say nothing.
    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("mediaType", .string(mediaType.rawValue)),
            .init("digest", .string(digest.description)),
            .init("size", .integer(size)),
        ]
        if let artifactType { members.append(.init("artifactType", .string(artifactType.rawValue))) }
        if !annotations.isEmpty { members.append(.init("annotations", .sorted(annotations))) }
        if let platform { members.append(.init("platform", platform.json)) }
        return .object(members)
    }
}
