import OCI
import TestSupport

/// What random calls are about: little enough that they get in each other's way.
enum World {
    /// One begins another, one holds the word of a path, and one may hold parts of images.
    static let repositories = ["a", "a/b", "x/blobs/y", "sparse/r"]
    /// Never pushed to, but mounted from and looked at.
    static let nowhere = "nowhere"

    // MARK: Blobs

    static let blobs: [BlobFixture] =
        ["", "{}", "0123456789", "layer\n"].map { BlobFixture($0) } + [BlobFixture(image.bytes)]

    // The first blobs without the one that is an image's bytes, of which the image is made.
    private static let empty = BlobFixture("")
    private static let braces = BlobFixture("{}")
    private static let digits = BlobFixture("0123456789")

    private static func entry(_ blob: BlobFixture, _ type: String) -> Document.Entry {
        Document.Entry(digest: "\(blob.digest)", mediaType: type, size: blob.bytes.count)
    }

    /// Digests that blobs are asked for by: in both algorithms, one that is of nothing here, and one of an algorithm
    /// that nobody computes.
    static let digests =
        blobs.flatMap { ["\($0.digest)", "\(Digest(of: $0.bytes, algorithm: .sha512))"] }
        + ["\(Digest(of: Array("absent".utf8)))", "blake3:abc"]

    // MARK: Manifests

    private static let configurationType = "application/vnd.oci.image.config.v1+json"
    private static let layerType = "application/vnd.oci.image.layer.v1.tar"
    static let artifactType = "application/vnd.example.sbom.v1+json"

    static let image = Document.image(
        "image",
        [entry(braces, configurationType), entry(digits, layerType)]
    )
    private static let untyped = Document.image("untyped", type: nil, [entry(braces, configurationType)])
    private static let docker = Document.image(
        "docker",
        type: Document.dockerManifest,
        [entry(braces, configurationType), entry(digits, layerType), entry(empty, layerType)]
    )
    private static let foreign = Document.image(
        "foreign",
        [
            entry(braces, configurationType),
            entry(
                BlobFixture("elsewhere"),
                "application/vnd.oci.image.layer.nondistributable.v1.tar"
            ),
        ]
    )
    private static let sbom = Document.image(
        "sbom",
        [entry(braces, "application/vnd.oci.empty.v1+json")],
        subject: image,
        artifactType: artifactType,
        annotations: ["org.example.é": "1", "b": ""]
    )
    private static let signature = Document.image(
        "signature",
        [entry(digits, "application/vnd.example.signature"), entry(digits, layerType)],
        subject: image
    )
    static let emptyIndex = Document.index("nothing", [])
    private static let index = Document.index("index", [listed(image), listed(docker)])
    private static let nested = Document.index(
        "nested",
        type: nil,
        [listed(index), listed(image)],
        subject: emptyIndex,
        artifactType: artifactType
    )
    private static let cache = Document.index("cache", [entry(digits, layerType)])
    private static let fallback = Document.index(
        "fallback",
        [
            listed(sbom),
            Document.Entry(
                digest: docker.digest,
                mediaType: Document.dockerManifest,
                size: 7,
                artifactType: artifactType,
                annotations: ["from": "tag"]
            ),
            listed(docker),
        ]
    )

    private static func listed(_ document: Document) -> Document.Entry {
        document.entry(document.digest, as: document.mediaType ?? document.defaultMediaType)
    }

    static let documents = [
        image, untyped, docker, foreign, sbom, signature, emptyIndex, index, nested, cache, fallback,
        .malformed("text", "no manifest"), .malformed("neither", "{\"schemaVersion\":2,\"config\":{}}"),
        .malformed("both", "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}"),
        .malformed("twice", "{\"manifests\":[],\"manifests\":[]}"),
    ]

    // MARK: Names

    /// Where clients of registries without a list of referrers keep one.
    static let fallbackTag = image.digest.replacing(":", with: "-")
    /// One that stays with its first manifest.
    static let fixedTag = "v1"
    static let tags = ["latest", "V1", fixedTag, fallbackTag]
    static let types = [
        nil, nil, nil, Document.manifest, Document.index, Document.dockerManifest, "text", "a/b; c=d",
    ]
}
