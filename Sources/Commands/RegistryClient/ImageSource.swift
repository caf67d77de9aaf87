import FoundationEssentials
import OCI

/// Somewhere that images can be had from: a layout, an archive, another registry.
protocol ImageSource: Sendable {
    /// A manifest, and what it says; its bytes are what the digest says.
    func readManifest(_ descriptor: Descriptor) async throws -> (bytes: [UInt8], manifest: Manifest)

    /// Where the bytes of a blob come from.
    func blob(_ descriptor: Descriptor) throws -> BlobSource

    /// The manifests that say something about others, and about those in turn.
    func referrers(of subjects: Set<Digest>) async throws -> [ImagePush.Step]
}

extension ImageSource {
    /// The manifests that one leads to, and it itself at the end.
    ///
    /// What an index lists and the source does not have is not among them: whether the index is anything without it is
    /// for whoever takes it to say.
    func steps(to entry: Descriptor) async throws -> [ImagePush.Step] {
        var steps: [ImagePush.Step] = []
        var seen: Set<Digest> = []
        try await append(entry, to: &steps, &seen, depth: 0)
        return steps
    }

    private func append(
        _ entry: Descriptor,
        to steps: inout [ImagePush.Step],
        _ seen: inout Set<Digest>,
        depth: Int
    ) async throws {
        guard seen.insert(entry.digest).inserted else { return }
        guard depth < maximumDepth else { throw CommandError("\(entry.digest) is nested too deeply") }
        let (bytes, manifest) = try await readManifest(entry)
        var listed: [Descriptor] = []
        for child in manifest.references where child.kind == .manifest {
            do {
                try await append(child.descriptor, to: &steps, &seen, depth: depth + 1)
            } catch let error as CommandError {
                if child.descriptor.mediaType.isManifest {
                    guard error.missing == child.descriptor.digest else { throw error }
                } else {
                    // An index may list blobs, too.
                    listed.append(child.descriptor)
                }
            }
        }
        var descriptor = Descriptor(
            mediaType: manifest.mediaType,
            digest: entry.digest,
            size: Int64(bytes.count)
        )
        descriptor.platform = entry.platform
        steps.append(
            ImagePush.Step(descriptor: descriptor, bytes: bytes, manifest: manifest, listedBlobs: listed)
        )
    }

    /// Deeper than any tool nests them.
    private var maximumDepth: Int { 8 }

    /// The manifest of one platform in what may be an index of several, or of indexes.
    func descriptor(for platform: Platform, in entry: Descriptor) async throws -> Descriptor {
        var available: [String] = []
        var waiting = [entry]
        while let next = waiting.popLast() {
            let (_, manifest) = try await readManifest(next)
            guard case .index(let children) = manifest.content else {
                guard let own = try await self.platform(of: next, manifest), !own.fits(platform) else {
                    return next
                }
                available.append(own.description)
                continue
            }
            for child in children {
                if let own = child.platform, own.fits(platform) { return child }
                if let own = child.platform { available.append(own.description) }
                if child.platform == nil, [.ociIndex, .dockerManifestList].contains(child.mediaType) {
                    waiting.append(child)
                }
            }
        }
        throw CommandError(
            "it is no image for \(platform); it is for \(Set(available).sorted().joined(separator: ", ").printable)"
        )
    }
}

extension ImageSource {
    /// What an image of its own is for, as its configuration says; nil for what is for no platform, such as a chart.
    private func platform(of image: Descriptor, _ manifest: Manifest) async throws -> Platform? {
        if let platform = image.platform { return platform }
        guard case .image(let configuration, _) = manifest.content,
            [.ociConfiguration, .dockerConfiguration].contains(configuration.mediaType)
        else { return nil }
        let bytes = try await blob(configuration).contents(of: configuration, limit: Manifest.maximumSize)
        let platform = try? JSONDecoder().decode(Platform.self, from: Data(bytes))
        return platform.flatMap { $0.os.isEmpty || $0.architecture.isEmpty ? nil : $0 }
    }
}

extension Platform {
    /// Whether an image for this platform is one for another that may not say the variant.
    fileprivate func fits(_ wanted: Platform) -> Bool {
        os == wanted.os && architecture == wanted.architecture
            && (wanted.variant == nil || wanted.variant == variant)
    }
}
