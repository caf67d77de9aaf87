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
        for reference in manifest.references where reference.kind == .manifest {
            try await append(reference.descriptor, to: &steps, &seen, depth: depth + 1)
        }
        var descriptor = Descriptor(
            mediaType: manifest.mediaType,
            digest: entry.digest,
            size: Int64(bytes.count)
        )
        descriptor.platform = entry.platform
        steps.append(ImagePush.Step(descriptor: descriptor, bytes: bytes, manifest: manifest))
    }

    /// Deeper than any tool nests them.
    private var maximumDepth: Int { 8 }

    /// The manifest of one platform in what may be an index of several, or of indexes.
    func descriptor(for platform: Platform, in entry: Descriptor) async throws -> Descriptor {
        var available: [String] = []
        var waiting = [entry]
        while let next = waiting.popLast() {
            let (_, manifest) = try await readManifest(next)
            // An image of its own is for whatever it is for: whoever asks for it has looked.
            guard case .index(let children) = manifest.content else { return next }
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

extension Platform {
    /// Whether an image for this platform is one for another that may not say the variant.
    fileprivate func fits(_ wanted: Platform) -> Bool {
        os == wanted.os && architecture == wanted.architecture
            && (wanted.variant == nil || wanted.variant == variant)
    }
}
