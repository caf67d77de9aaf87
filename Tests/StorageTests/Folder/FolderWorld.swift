import OCI
import TestSupport

@testable import Storage

/// Everything that the random steps are made of: few things, so that they meet often.
struct FolderWorld: Sendable {
    let repositories: [RepositoryName]
    let blobs: [BlobFixture]
    let manifests: [ManifestFixture]
    /// Layers that a repository may lack though a manifest refers to them.
    let absent: [OCI.Digest]
    let tags: [Tag] = ["latest", "stable", "edge", "v1"].map(Tag.named)

    init() throws {
        repositories = try ["a", "a/b", "team/app"].map { try RepositoryName($0) }
        let layers = (0..<6).map { BlobFixture(patternedBytes(500 * $0 + 1, seed: UInt64($0))) }
        let first = try ImageFixture("first", layers: [layers[0], layers[1]])
        let images = [
            first,
            try ImageFixture("second", layers: [layers[1], layers[2], layers[1]]),
            try ImageFixture("third", layers: [layers[3]]),
            // Bytes that are a manifest too.
            try ImageFixture("fourth", layers: [BlobFixture(first.manifest.bytes)]),
        ]
        let foreign = try ManifestFixture(
            Manifest.imageManifestBytes(
                configuration: layers[0].descriptor(.ociConfiguration),
                layers: [
                    layers[4].descriptor(MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar"))
                ],
                annotations: [:]
            )
        )
        absent = [layers[4].digest]
        let index = try ManifestFixture.index(images[..<2].map(\.manifest.descriptor))
        let lists = [
            index,
            try ManifestFixture.index([images[0].manifest.descriptor], annotations: ["name": "other"]),
            try ManifestFixture.index([index.descriptor, foreign.descriptor]),
            try ManifestFixture.index([layers[5].descriptor(.ociLayerGzip), layers[0].descriptor(.ociLayer)]),
        ]
        manifests = images.map(\.manifest) + [foreign] + lists
        var blobs = layers + images.flatMap(\.blobs) + [BlobFixture("short", algorithm: .sha512)]
        var seen: Set<OCI.Digest> = []
        blobs.removeAll { !seen.insert($0.digest).inserted }
        self.blobs = blobs
    }

    /// A step that follows from the generator's state.
    func randomStep(_ generator: inout SplitMix) -> Step {
        func any<Element>(_ elements: [Element], _ generator: inout SplitMix) -> Element {
            elements[Int.random(in: elements.indices, using: &generator)]
        }
        let repository = any(repositories, &generator)
        let blob = any(blobs, &generator)
        let manifest = any(manifests, &generator)
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<38: return .push(blob, to: repository)
        case 38..<44:
            return .mount(
                blob,
                from: generator.once(in: 2) ? nil : any(repositories, &generator),
                to: repository
            )
        case 44..<48: return .keep(blob, in: repository)
        case 48..<52: return .deleteBlob(blob, in: repository)
        case 52..<75:
            return .publish(manifest, in: repository, tags: tags.filter { _ in generator.once(in: 4) })
        case 75..<84: return .deleteManifest(manifest, in: repository)
        case 84..<88: return .deleteTag(any(tags, &generator), in: repository)
        case 88..<94: return .collect(andSweep: !generator.once(in: 3))
        default: return .wait(.seconds(Int.random(in: 1...2400, using: &generator)))
        }
    }
}
