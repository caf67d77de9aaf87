import NIOCore
import OCI

/// A layout in the making, of the images of several repositories, one after the other.
///
/// In memory are one manifest at a time, and of the others what they are called.
struct LayoutWriting {
    private let output: LayoutOutput
    private let platform: Platform?
    private let progress: ProgressBar?
    private var report: LayoutExport.Report
    private var written: Set<Digest> = []
    private var missing: Set<Digest> = []
    private var saved: [JSONValue] = []
    private var entries: [Descriptor] = []
    /// What has a name, or stands among the entries without one.
    private var named: Set<Digest> = []
    private var attached: Set<Digest> = []

    /// Where the images come from now.
    private var source: RemoteImages?
    /// The manifests of that repository that are done, with what they lead to and what is attached to it.
    private var done: Set<Digest> = []

    init(_ output: LayoutOutput, platform: Platform?, progress: ProgressBar?, path: String) {
        (self.output, self.platform, self.progress) = (output, platform, progress)
        report = LayoutExport.Report(path: path)
    }

    /// Goes on with another repository.
    mutating func begin(_ source: RemoteImages) {
        self.source = source
        // The same manifest may have others attached to it there.
        done = []
    }

    /// Writes an image with all that it leads to, and all that is attached to that.
    mutating func add(_ tag: Tag) async throws {
        guard let source else { preconditionFailure("images are of a repository") }
        let name = "\(source.client.repository):\(tag)"
        var image = try await source.resolve(.tag(tag))
        if let platform {
            do { image = try await source.descriptor(for: platform, in: image) } catch let error
                as CommandError
            {
                throw CommandError("\(name): \(error)", missing: error.missing)
            }
        }
        let manifest = try await source.readManifest(image)
        try await write(image, manifest, of: source, name)
        note(manifest.manifest, name)
        image.annotations = [
            EntryName.dockerName: (try? RemoteImage(name))?.description ?? name,
            ImageLayout.referenceName: name,
        ]
        image.platform = nil
        entries.append(image)
        named.insert(image.digest)
        report.tags += 1
    }

    /// Writes what a manifest leads to in either direction, as far as that is not done.
    private mutating func write(
        _ image: Descriptor,
        _ manifest: (bytes: [UInt8], manifest: Manifest),
        of source: RemoteImages,
        _ name: String
    ) async throws {
        guard done.insert(image.digest).inserted else { return }
        var waiting = try await write(manifest, image.digest, of: source, name)
        while let next = waiting.popLast() {
            guard done.insert(next.digest).inserted else { continue }
            let manifest: (bytes: [UInt8], manifest: Manifest)
            do {
                manifest = try await source.readManifest(next)
            } catch let error as CommandError where error.missing == next.digest {
                // An index may list blobs, too.
                if next.mediaType.isManifest {
                    missing.insert(next.digest)
                } else {
                    try await writeBlob(next, of: source, done: 0)
                }
                continue
            }
            waiting += try await write(manifest, next.digest, of: source, name)
        }
    }

    /// Writes one manifest and its blobs.
    ///
    /// - Returns: what it lists, and what is attached to it.
    private mutating func write(
        _ manifest: (bytes: [UInt8], manifest: Manifest),
        _ digest: Digest,
        of source: RemoteImages,
        _ name: String
    ) async throws -> [Descriptor] {
        let blobs = manifest.manifest.references
            .filter { $0.kind != .manifest && !$0.descriptor.mediaType.isNonDistributable }.map(\.descriptor)
        progress?.begin("exporting \(name)", total: blobs.reduce(0) { $0 + $1.size })
        var count: Int64 = 0
        for blob in blobs {
            try await writeBlob(blob, of: source, done: count)
            count += blob.size
        }
        if written.insert(digest).inserted {
            try await output.add(Self.path(digest), manifest.bytes)
            report.manifests += 1
        }
        let referrers = try await source.client.referrers(of: digest)
        for referrer in referrers where attached.insert(referrer.digest).inserted {
            entries.append(
                Descriptor(mediaType: referrer.mediaType, digest: referrer.digest, size: referrer.size)
            )
        }
        return manifest.manifest.references.filter { $0.kind == .manifest }.map(\.descriptor) + referrers
    }

    private mutating func writeBlob(_ blob: Descriptor, of source: RemoteImages, done: Int64) async throws {
        guard !written.contains(blob.digest) else { return }
        let iterator = BlobDownload(blob, from: source.client).makeAsyncIterator()
        do {
            try await write(blob, iterator, done)
        } catch let error as CommandError where error.missing == blob.digest {
            // Nothing of it has come, and so its file has not been begun.
            missing.insert(blob.digest)
        }
    }

    private mutating func write(
        _ blob: Descriptor,
        _ iterator: BlobDownload.Iterator,
        _ done: Int64
    ) async throws {
        var iterator = iterator
        var chunk = try await iterator.next()
        try await output.beginFile(Self.path(blob.digest), size: blob.size)
        var count: Int64 = 0
        while let bytes = chunk {
            try await output.write(Array(bytes.readableBytesView))
            count += Int64(bytes.readableBytes)
            progress?.update(done + count)
            chunk = try await iterator.next()
        }
        try await output.endFile(size: blob.size)
        written.insert(blob.digest)
        report.size += blob.size
    }

    /// What engines without layouts read: images of one platform.
    private mutating func note(_ manifest: Manifest, _ name: String) {
        guard case .image(let configuration, let layers) = manifest.content,
            [.ociConfiguration, .dockerConfiguration].contains(configuration.mediaType)
        else { return }
        saved.append(
            .object([
                .init("Config", .string(Self.path(configuration.digest))),
                .init("RepoTags", .strings([name])),
                .init("Layers", .strings(layers.map { Self.path($0.digest) })),
            ])
        )
    }

    mutating func finish() async throws -> LayoutExport.Report {
        // What another repository had is there.
        report.leftOut = missing.subtracting(written).count
        let version = JSONValue.object([.init("imageLayoutVersion", .string("1.0.0"))])
        try await output.add("oci-layout", version.canonicalBytes)
        // What has a name needs no second line.
        let listed = entries.filter {
            !$0.annotations.isEmpty || written.contains($0.digest) && !named.contains($0.digest)
        }
        let index = JSONValue.object([
            .init("schemaVersion", .integer(2)),
            .init("mediaType", .string(MediaType.ociIndex.rawValue)),
            .init("manifests", .array(listed.map(\.json))),
        ])
        try await output.add("index.json", index.canonicalBytes)
        if !saved.isEmpty { try await output.add("manifest.json", JSONValue.array(saved).canonicalBytes) }
        return report
    }

    private static func path(_ digest: Digest) -> String { "blobs/\(digest.algorithm)/\(digest.encoded)" }
}
