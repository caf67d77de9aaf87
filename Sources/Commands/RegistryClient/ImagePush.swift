import NIOPosix
import OCI

/// The way of an image from a layout to a registry: its blobs, its manifests, and what refers to these.
struct ImagePush: Sendable {
    private let layout: ImageLayout
    private let client: RegistryClient
    /// Hears how many bytes of blobs have gone out, or were there already.
    private let sent: @Sendable (Int64) -> Void

    /// A manifest in the order of the push: what it lists comes before it.
    struct Step: Sendable {
        let descriptor: Descriptor
        let bytes: [UInt8]
        let manifest: Manifest

        var blobs: [Descriptor] {
            manifest.references.filter { $0.kind != .manifest && !$0.descriptor.mediaType.isNonDistributable }
                .map(\.descriptor)
        }
    }

    init(_ layout: ImageLayout, to client: RegistryClient, sent: @escaping @Sendable (Int64) -> Void) {
        self.layout = layout
        self.client = client
        self.sent = sent
    }

    /// Pushes what an entry of the layout leads to, and tags it.
    func push(_ entry: Descriptor, as tag: Tag, total: (Int64) -> Void) async throws {
        let layout = layout
        let (image, referrers) = try await NIOThreadPool.singleton.runIfActive {
            let image = try layout.steps(to: entry)
            return (image, try layout.referrers(of: Set(image.map(\.descriptor.digest))))
        }
        let steps = image + referrers
        var sizes: [Digest: Int64] = [:]
        for blob in steps.flatMap(\.blobs) { sizes[blob.digest] = blob.size }
        total(sizes.values.reduce(0, +))
        var finished: [Digest: Int64] = [:]
        for step in image {
            try await push(step.blobs, &finished)
            // The tag comes last, when everything is there.
            let isLast = step.descriptor.digest == entry.digest
            try await client.push(
                step.bytes,
                step.descriptor,
                as: isLast ? .tag(tag) : .digest(step.descriptor.digest)
            )
        }
        try await push(referrers: referrers, &finished)
    }

    private func push(_ blobs: [Descriptor], _ finished: inout [Digest: Int64]) async throws {
        for blob in blobs where finished[blob.digest] == nil {
            let before = finished.values.reduce(0, +)
            let sent = sent
            try await client.push(blob, from: layout.path(of: blob.digest)) { sent(before + $0) }
            finished[blob.digest] = blob.size
        }
    }

    private func push(referrers: [Step], _ finished: inout [Digest: Int64]) async throws {
        var unlisted: [(subject: Digest, referrer: Descriptor)] = []
        for step in referrers {
            try await push(step.blobs, &finished)
            let pushed = try await client.push(
                step.bytes,
                step.descriptor,
                as: .digest(step.descriptor.digest)
            )
            guard !pushed.isListedAsReferrer, let subject = step.manifest.subject else { continue }
            var descriptor = step.descriptor
            descriptor.artifactType = step.manifest.artifactType
            descriptor.annotations = step.manifest.annotations
            unlisted.append((subject.digest, descriptor))
        }
        for (subject, entries) in Dictionary(grouping: unlisted, by: \.subject).sorted(by: {
            $0.key.description < $1.key.description
        }) {
            try await client.enter(entries.map(\.referrer), underTagOf: subject)
        }
    }
}

extension ImageLayout {
    /// The manifests that one leads to, and it itself at the end; it blocks.
    func steps(to entry: Descriptor) throws -> [ImagePush.Step] {
        var steps: [ImagePush.Step] = []
        try append(entry, to: &steps, depth: 0)
        return steps
    }

    /// Deeper than any tool nests them.
    private static let maximumDepth = 8

    private func append(_ entry: Descriptor, to steps: inout [ImagePush.Step], depth: Int) throws {
        guard !steps.contains(where: { $0.descriptor.digest == entry.digest }) else { return }
        guard depth < Self.maximumDepth else { throw CommandError("\(entry.digest) is nested too deeply") }
        let (bytes, manifest) = try manifest(entry)
        for reference in manifest.references where reference.kind == .manifest {
            try append(reference.descriptor, to: &steps, depth: depth + 1)
        }
        var descriptor = Descriptor(
            mediaType: manifest.mediaType,
            digest: entry.digest,
            size: Int64(bytes.count)
        )
        descriptor.platform = entry.platform
        steps.append(ImagePush.Step(descriptor: descriptor, bytes: bytes, manifest: manifest))
    }

    /// The manifests of the index that say something about others, and about those in turn; it blocks.
    func referrers(of subjects: Set<Digest>) throws -> [ImagePush.Step] {
        var waiting = try entries.filter { $0.annotations[Self.referenceName] == nil }.flatMap(steps)
        var known = subjects
        var found: [ImagePush.Step] = []
        while let index = waiting.firstIndex(where: {
            $0.manifest.subject.map { known.contains($0.digest) } ?? false
        }) {
            let step = waiting.remove(at: index)
            if known.insert(step.descriptor.digest).inserted { found.append(step) }
        }
        return found
    }
}
