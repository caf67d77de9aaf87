import OCI
import TestSupport

/// A manifest of the model's world: its bytes, and what somebody who wrote them knows they say.
struct Document: Sendable {
    enum Shape { case image, index, malformed }

    /// Something that it lists.
    struct Entry: Sendable {
        let digest: String
        let mediaType: String
        let size: Int
        var artifactType: String?
        var annotations: [String: String] = [:]

        /// Another host has it, by its licence.
        var isForeign: Bool { mediaType.contains("nondistributable") }
    }

    let name: String
    let shape: Shape
    /// In the document; nil where it leaves that to the Content-Type.
    let mediaType: String?
    let entries: [Entry]
    var subject: String?
    var artifactType: String?
    var annotations: [String: String] = [:]
    let bytes: [UInt8]

    var digest: String { Digest(of: bytes).description }
    var longDigest: String { Digest(of: bytes, algorithm: .sha512).description }

    /// What its type is where nobody says.
    var defaultMediaType: String { shape == .index ? Self.index : Self.manifest }

    /// The descriptor of the manifest in an index or a list of referrers.
    func entry(_ digest: String, as mediaType: String) -> Entry {
        Entry(
            digest: digest,
            mediaType: mediaType,
            size: bytes.count,
            artifactType: artifactType ?? (shape == .image ? entries.first?.mediaType : nil),
            annotations: annotations
        )
    }

    static let manifest = "application/vnd.oci.image.manifest.v1+json"
    static let index = "application/vnd.oci.image.index.v1+json"
    static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
}

extension Document {
    /// An image or an artifact: the first entry is the configuration.
    static func image(
        _ name: String,
        type: String? = manifest,
        _ entries: [Entry],
        subject: Document? = nil,
        artifactType: String? = nil,
        annotations: [String: String] = [:]
    ) -> Document {
        let layers = entries.dropFirst().map(json).joined(separator: ",")
        let content = "\"config\":\(json(entries[0])),\"layers\":[\(layers)]"
        return make(name, .image, type, content, entries, subject, artifactType, annotations)
    }

    static func index(
        _ name: String,
        type: String? = index,
        _ entries: [Entry],
        subject: Document? = nil,
        artifactType: String? = nil,
        annotations: [String: String] = [:]
    ) -> Document {
        let content = "\"manifests\":[\(entries.map(json).joined(separator: ","))]"
        return make(name, .index, type, content, entries, subject, artifactType, annotations)
    }

    static func malformed(_ name: String, _ text: String) -> Document {
        Document(name: name, shape: .malformed, mediaType: nil, entries: [], bytes: Array(text.utf8))
    }

    private static func make(
        _ name: String,
        _ shape: Shape,
        _ type: String?,
        _ content: String,
        _ entries: [Entry],
        _ subject: Document?,
        _ artifactType: String?,
        _ annotations: [String: String]
    ) -> Document {
        var text = "{ \"schemaVersion\": 2, \"x-name\": \"\(name)\", \(content)"
        if let type { text += ", \"mediaType\": \"\(type)\"" }
        if let subject {
            text += ", \"subject\": " + json(subject.entry(subject.digest, as: subject.defaultMediaType))
        }
        if let artifactType { text += ", \"artifactType\": \"\(artifactType)\"" }
        if !annotations.isEmpty { text += ", \"annotations\": \(json(annotations))" }
        return Document(
            name: name,
            shape: shape,
            mediaType: type,
            entries: entries,
            subject: subject?.digest,
            artifactType: artifactType,
            annotations: annotations,
            bytes: Array((text + " }\n").utf8)
        )
    }

    private static func json(_ entry: Entry) -> String {
        var text =
            "{\"mediaType\":\"\(entry.mediaType)\",\"digest\":\"\(entry.digest)\",\"size\":\(entry.size)"
        if let type = entry.artifactType { text += ",\"artifactType\":\"\(type)\"" }
        if !entry.annotations.isEmpty { text += ",\"annotations\":\(json(entry.annotations))" }
        return text + "}"
    }

    private static func json(_ annotations: [String: String]) -> String {
        "{" + annotations.sorted { $0.key < $1.key }.map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",")
            + "}"
    }
}
