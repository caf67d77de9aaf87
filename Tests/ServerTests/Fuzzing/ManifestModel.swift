import OCI
import TestSupport

/// A manifest as what it says, from which its document is made.
struct ManifestModel {
    private let isIndex: Bool
    /// Mentioned in the document, or left to its shape.
    private let isTyped: Bool
    let references: [String]
    let sizes: [Int64]
    let subject: String?
    private let artifactType: String?
    let annotations: [String: String]

    init(_ random: inout SplitMix) {
        isIndex = random.once(in: 2)
        isTyped = random.once(in: 2)
        let count = Int.random(in: isIndex ? 0...4 : 1...4, using: &random)
        references = (0..<count).map { _ in Self.digest(&random) }
        sizes = (0..<count).map { _ in random.pick([0, 1, 70_000, 1 << 53 + 1, .max]) }
        subject = random.once(in: 2) ? Self.digest(&random) : nil
        artifactType = random.once(in: 2) ? random.pick(["application/x.test", "a/b+json"]) : nil
        var annotations: [String: String] = [:]
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            annotations[random.pick(["a", "A", "org.example.é", "\"", "s", "\u{17F}"])] =
                random.pick(HostileText.fragments.filter { !$0.contains("\0") })
        }
        self.annotations = annotations
    }

    private static func digest(_ random: inout SplitMix) -> String {
        random.once(in: 3) ? "blake3:\(random.text("abc", 3...3))" : "sha256:\(random.text("0af", 64...64))"
    }

    var mediaType: String {
        "application/vnd.oci.image.\(isIndex ? "index" : "manifest").v1+json"
    }

    /// What the first descriptor of an image is of, its configuration.
    private static let descriptorType = "application/x.config"

    var expectedArtifactType: String? { artifactType ?? (isIndex ? nil : Self.descriptorType) }

    /// The document, its members and what nobody asked for in any order.
    func tree(_ random: inout SplitMix) -> JSONTree {
        let descriptors = zip(references, sizes).map { Self.descriptor($0.0, $0.1, &random) }
        var members: [(key: String, value: JSONTree)] = [
            ("schemaVersion", .literal("2")),
            ("unknown", .array([.string("annotations"), .random(&random, levels: 0)])),
        ]
        if isTyped { members.append(("mediaType", .string(mediaType))) }
        if isIndex {
            members.append(("manifests", .array(descriptors)))
        } else {
            members.append(("config", descriptors[0]))
            members.append(("layers", .array(Array(descriptors.dropFirst()))))
        }
        if let subject { members.append(("subject", Self.descriptor(subject, 1, &random))) }
        if let artifactType { members.append(("artifactType", .string(artifactType))) }
        if !annotations.isEmpty {
            members.append(("annotations", .object(annotations.map { ($0.key, .string($0.value)) })))
        }
        return .object(members.shuffled(using: &random))
    }

    private static func descriptor(_ digest: String, _ size: Int64, _ random: inout SplitMix) -> JSONTree {
        let members: [(key: String, value: JSONTree)] = [
            ("mediaType", .string(descriptorType)), ("digest", .string(digest)),
            ("size", .literal("\(size)")), ("data", .string("e30=")),
        ]
        return .object(members.shuffled(using: &random))
    }
}
