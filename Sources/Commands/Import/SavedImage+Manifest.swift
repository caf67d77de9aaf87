import Archive
import FoundationEssentials
import OCI

extension SavedImage {
    /// What of a configuration tells whether the layers are its own.
    private struct Configuration: Decodable {
        struct Root: Decodable {
            let diffIDs: [Digest]?

            private enum CodingKeys: String, CodingKey {
                case diffIDs = "diff_ids"
            }
        }

        let rootfs: Root?
    }

    /// A configuration has some kilobytes; this is what a registry takes for a manifest.
    private static let maximumConfigurationSize = Manifest.maximumSize

    /// Makes the manifest that the image had, or could have had, in a registry; blocking.
    ///
    /// The layers stay as they are, compressed or not, and so do their digests and the configuration that names them:
    /// what docker saves is not compressed, and a manifest says which it is. Each is held against the configuration.
    ///
    /// `noting` hears where each blob is.
    func manifest(
        file: (String) throws -> FilePart?,
        noting: (Digest, FilePart) -> Void
    ) throws -> [UInt8] {
        func find(_ path: String) throws -> FilePart {
            guard let part = try file(path) else { throw CommandError("\(path.printable) is missing") }
            return part
        }
        let part = try find(configuration)
        let bytes = try part.contents(limit: Self.maximumConfigurationSize)
        let digest = Digest(of: bytes)
        // Docker names the file after its digest.
        let stem =
            configuration.hasSuffix(".json") ? configuration.dropLast(".json".count) : configuration[...]
        if let named = try? Digest("sha256:\(stem.split(separator: "/").last ?? "")"), named != digest {
            throw CommandError("\(configuration) is damaged: its bytes are not what its name says")
        }
        let diffIDs: [Digest]
        do {
            diffIDs = try JSONDecoder().decode(Configuration.self, from: Data(bytes)).rootfs?.diffIDs ?? []
        } catch let error as DecodingError {
            throw CommandError("\(configuration.printable): \(error.summary)")
        } catch {
            throw CommandError("\(configuration.printable) is no JSON")
        }
        guard diffIDs.count == layers.count else {
            throw CommandError(
                "\(configuration.printable) speaks of \(diffIDs.count.counted("layer")), and manifest.json of \(layers.count)"
            )
        }
        noting(digest, part)
        let descriptors = try zip(layers, diffIDs).map { path, diffID in
            let part = try find(path)
            let layer = try SavedLayer(part, path)
            guard layer.diffID == diffID else {
                throw CommandError("\(path.printable) is damaged: it is not the layer \(diffID)")
            }
            noting(layer.digest, part)
            return Descriptor(mediaType: layer.mediaType, digest: layer.digest, size: part.size)
        }
        return JSONValue.object([
            .init("schemaVersion", .integer(2)),
            .init("mediaType", .string(MediaType.dockerManifest.rawValue)),
            .init(
                "config",
                Descriptor(mediaType: .dockerConfiguration, digest: digest, size: part.size).json
            ),
            .init("layers", .array(descriptors.map(\.json))),
        ]).canonicalBytes
    }
}

/// A layer of an archive, read from end to end.
private struct SavedLayer {
    /// Of its bytes as they are.
    let digest: Digest
    /// Of what they decompress to.
    let diffID: Digest
    let mediaType: MediaType

    init(_ part: FilePart, _ path: String) throws {
        var whole = Digester()
        var unpacked = Digester()
        var stream: DecompressedStream?
        var compression = StreamCompression.none
        do {
            try part.forEachPortion { bytes in
                whole.update(bytes)
                if stream == nil {
                    compression = StreamCompression(beginning: bytes)
                    stream = DecompressedStream(compression)
                }
                stream?.append(bytes)
                while let chunk = try stream?.next() { unpacked.update(chunk) }
            }
            try stream?.finish()
        } catch let error as DecompressionError {
            throw CommandError("\(path.printable): \(error)")
        }
        digest = whole.finish()
        diffID = unpacked.finish()
        let suffix =
            switch compression {
            case .none: ""
            case .gzip: ".gzip"
            case .zstd: ".zstd"
            }
        mediaType = try MediaType("application/vnd.docker.image.rootfs.diff.tar\(suffix)")
    }
}
