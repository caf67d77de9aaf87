import OCI
import Synchronization

/// The way of an image from wherever it is to a repository: its blobs, its manifests, and what refers to these.
struct ImagePush: Sendable {
    private let source: any ImageSource
    private let client: RegistryClient
    private let mount: BlobMount?
    private let blobsAtOnce: Int
    private let progress: Progress

    /// A manifest in the order of the push: what it lists comes before it.
    struct Step: Sendable {
        let descriptor: Descriptor
        let bytes: [UInt8]
        let manifest: Manifest
        /// What an index lists that is no manifest.
        var listedBlobs: [Descriptor] = []

        var blobs: [Descriptor] {
            (manifest.references.filter { $0.kind != .manifest }.map(\.descriptor) + listedBlobs)
                .filter { !$0.mediaType.isNonDistributable }
        }

        /// The manifests that this one lists.
        var children: [Descriptor] {
            let blobs = Set(listedBlobs.map(\.digest))
            return manifest.references.map(\.descriptor)
                .filter { manifest.isIndex && !blobs.contains($0.digest) }
        }
    }

    /// How far each blob has come; shared by all images of a repository.
    private final class Progress: Sendable {
        private struct State {
            var sent: [Digest: Int64] = [:]
            var sum: Int64 = 0
            var finished: Set<Digest> = []
        }

        private let state = Mutex(State())
        private let onChange: @Sendable (Int64) -> Void

        init(_ onChange: @escaping @Sendable (Int64) -> Void) { self.onChange = onChange }

        func begin() { state.withLock { ($0.sent, $0.sum) = ([:], 0) } }

        func set(_ digest: Digest, _ count: Int64) {
            let sum = state.withLock { state in
                state.sum += count - (state.sent.updateValue(count, forKey: digest) ?? 0)
                return state.sum
            }
            onChange(sum)
        }

        func finish(_ digest: Digest) { state.withLock { _ = $0.finished.insert(digest) } }

        func isFinished(_ digest: Digest) -> Bool { state.withLock { $0.finished.contains(digest) } }
    }

    /// `sent` hears how many bytes of an image's blobs have gone out, or were there already.
    ///
    /// `mount`: where in the registry blobs may be that need not be sent.
    init(
        _ source: some ImageSource,
        to client: RegistryClient,
        mounting mount: BlobMount? = nil,
        blobsAtOnce: Int = 1,
        sent: @escaping @Sendable (Int64) -> Void
    ) {
        self.source = source
        self.client = client
        self.mount = mount
        self.blobsAtOnce = blobsAtOnce
        progress = Progress(sent)
    }

    /// Pushes what an entry leads to with what refers to it, and tags it.
    @discardableResult
    func push(_ entry: Descriptor, as tag: Tag, total: (Int64) -> Void) async throws -> [Descriptor] {
        try await push(entry, as: .tag(tag), total: total)
    }

    /// Pushes what an entry leads to; its own manifest last, when everything is there.
    ///
    /// - Returns: the manifests that indexes list and the source does not have, where the registry has taken these
    ///   indexes all the same.
    func push(
        _ entry: Descriptor,
        as reference: Reference,
        withReferrers: Bool = true,
        total: (Int64) -> Void
    ) async throws -> [Descriptor] {
        let image = try await source.steps(to: entry)
        let referrers =
            withReferrers ? try await source.referrers(of: Set(image.map(\.descriptor.digest))) : []
        var sizes: [Digest: Int64] = [:]
        for blob in (image + referrers).flatMap(\.blobs) { sizes[blob.digest] = blob.size }
        progress.begin()
        total(sizes.values.reduce(0, +))
        for step in image {
            try await push(step.blobs)
            let isLast = step.descriptor.digest == entry.digest
            try await push(step, of: image, as: isLast ? reference : nil)
        }
        try await push(referrers: referrers, of: image)
        return (image + referrers).missing
    }

    /// Pushes a manifest after what it lists, as far as that could be had.
    ///
    /// `reference`: nil for its digest.
    @discardableResult
    private func push(
        _ step: Step,
        of steps: [Step],
        as reference: Reference? = nil
    ) async throws -> RegistryClient.PushedManifest {
        do {
            return try await client.push(
                step.bytes,
                step.descriptor,
                as: reference ?? .digest(step.descriptor.digest)
            )
        } catch let error as RegistryClientError where error.isRefusal {
            guard step.manifest.isIndex, let child = [step].missing(from: steps).first else { throw error }
            throw CommandError(
                "\(child.digest), which \(step.descriptor.digest) lists, is missing: \(error)",
                missing: child.digest
            )
        }
    }

    private func push(_ blobs: [Descriptor]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var seen: Set<Digest> = []
            var running = 0
            for blob in blobs where seen.insert(blob.digest).inserted {
                guard !progress.isFinished(blob.digest) else {
                    progress.set(blob.digest, blob.size)
                    continue
                }
                if running >= blobsAtOnce { try await group.next() }
                running += 1
                group.addTask { try await push(blob) }
            }
            try await group.waitForAll()
        }
    }

    private func push(_ blob: Descriptor) async throws {
        let progress = progress
        let content = try source.blob(blob)
        do {
            try await client.push(blob, from: content, mounting: mount) { progress.set(blob.digest, $0) }
        } catch let error as RegistryClientError where error.kind == .refused(status: 400) {
            // The registry says what it has got; what was sent is for us to say.
            guard try await content.isDamaged(blob) else { throw error }
            throw CommandError("\(blob.digest) is damaged: its bytes are not what its digest says")
        }
        progress.finish(blob.digest)
    }

    private func push(referrers: [Step], of image: [Step]) async throws {
        var unlisted: [(subject: Digest, referrer: Descriptor)] = []
        for step in referrers {
            try await push(step.blobs)
            let pushed = try await push(step, of: image + referrers)
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

extension [ImagePush.Step] {
    /// What they list and what is not among them.
    var missing: [Descriptor] { missing(from: self) }

    /// What they list and what is not among others, each once.
    fileprivate func missing(from others: [ImagePush.Step]) -> [Descriptor] {
        var known = Set<Digest>(others.map(\.descriptor.digest))
        return flatMap(\.children).filter { known.insert($0.digest).inserted }
    }
}
