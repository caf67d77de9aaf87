/// The type of a blob or manifest, such as `application/vnd.oci.image.manifest.v1+json`.
///
/// Holds `type "/" subtype` as written, without parameters.
///
/// - SeeAlso: image-spec v1.1.1, media-types.md; RFC 6838, section 4.2
package struct MediaType: Hashable, Sendable {
    package let rawValue: String

    /// RFC 6838 allows 127 characters on either side of the slash.
    package static let maximumLength = 2 * maximumNameLength + 1
    private static let maximumNameLength = 127

    /// Parses `type "/" subtype`, and nothing behind it.
    package init(_ string: some StringProtocol) throws(MediaTypeError) {
        let bytes = string.utf8
        guard bytes.count <= Self.maximumLength else { throw .tooLong }
        let halves = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard halves.count == 2, halves.allSatisfy({ Self.isRestrictedName($0) }) else { throw .malformed }
        self.rawValue = String(string)
    }

    /// Parses the value of a `Content-Type` header: parameters behind a semicolon are allowed, and dropped.
    package init(headerValue: some StringProtocol) throws(MediaTypeError) {
        // Not characters: to these U+037E is a semicolon as well.
        let type = headerValue.unicodeScalars.prefix { $0 != ";" }
        let start = type.firstIndex { $0 != " " && $0 != "\t" } ?? type.endIndex
        let end = type[start...].lastIndex { $0 != " " && $0 != "\t" }.map(type.index(after:)) ?? start
        try self.init(headerValue[start..<end])
    }

    private init(known: String) { rawValue = known }

    private static func isRestrictedName(_ bytes: some Collection<UInt8>) -> Bool {
        guard let first = bytes.first, first.isASCIILetter || first.isASCIIDigit,
            bytes.count <= maximumNameLength
        else { return false }
        return bytes.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || "!#$&-^_.+".utf8.contains($0) }
    }
}

extension MediaType {
    package static let ociManifest = MediaType(known: "application/vnd.oci.image.manifest.v1+json")
    package static let ociIndex = MediaType(known: "application/vnd.oci.image.index.v1+json")
    package static let ociConfiguration = MediaType(known: "application/vnd.oci.image.config.v1+json")
    package static let ociLayer = MediaType(known: "application/vnd.oci.image.layer.v1.tar")
    package static let ociLayerGzip = MediaType(known: "application/vnd.oci.image.layer.v1.tar+gzip")
    package static let ociLayerZstd = MediaType(known: "application/vnd.oci.image.layer.v1.tar+zstd")
    /// The type of `{}`, where a manifest has nothing to configure.
    ///
    /// - SeeAlso: image-spec v1.1.1, manifest.md, "Guidance for an Empty Descriptor"
    package static let ociEmpty = MediaType(known: "application/vnd.oci.empty.v1+json")
    /// A list of what software consists of, in JSON.
    package static let spdx = MediaType(known: "application/spdx+json")
    /// The same in another form.
    package static let cyclonedx = MediaType(known: "application/vnd.cyclonedx+json")
    /// A statement about software, in JSON.
    package static let inToto = MediaType(known: "application/vnd.in-toto+json")
    package static let dockerManifest = MediaType(
        known: "application/vnd.docker.distribution.manifest.v2+json"
    )
    package static let dockerManifestList = MediaType(
        known: "application/vnd.docker.distribution.manifest.list.v2+json"
    )
    package static let dockerConfiguration = MediaType(
        known: "application/vnd.docker.container.image.v1+json"
    )
    /// What every blob is served as: a registry does not know what a client meant it to be.
    package static let octetStream = MediaType(known: "application/octet-stream")

    /// Docker's first manifest format, which signs itself and cannot be addressed by content.
    var isDockerSchema1: Bool { rawValue.hasPrefix("application/vnd.docker.distribution.manifest.v1+") }

    /// Whether this is one of the formats of manifests and indexes that clients pull.
    package var isManifest: Bool {
        [.ociManifest, .ociIndex, .dockerManifest, .dockerManifestList].contains(self)
    }

    /// Whether a layer of this type may be absent: its licence lets only its maker distribute it.
    ///
    /// - SeeAlso: image-spec v1.1.1, layer.md, "Non-Distributable Layers"
    package var isNonDistributable: Bool {
        rawValue.hasPrefix("application/vnd.oci.image.layer.nondistributable.v1.")
            || rawValue.hasPrefix("application/vnd.docker.image.rootfs.foreign.diff.tar")
    }
}

extension MediaType: CustomStringConvertible {
    package var description: String { rawValue }
}

extension MediaType: Decodable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self = try container.decodeParsed { text throws(MediaTypeError) in try MediaType(text) }
    }
}

extension MediaType: Encodable {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// Why a text is no media type.
package enum MediaTypeError: Error, Equatable {
    case tooLong
    case malformed
}

extension MediaTypeError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong: "a media type has at most \(MediaType.maximumLength) characters"
        case .malformed: "a media type has the form type/subtype"
        }
    }
}
