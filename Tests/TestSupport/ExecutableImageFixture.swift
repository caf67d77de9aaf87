package import Archive
package import OCI

/// An image that says it was made of an executable, as the packager's do, whether or not that is true.
package struct ExecutableImageFixture: Sendable {
    package let layer: BlobFixture
    package let configuration: BlobFixture
    package let manifest: ManifestFixture

    /// What of it can be otherwise than it should be.
    package struct Claims: Sendable {
        package var path = "/app"
        package var size: Int?
        package var digest: Digest?
        package var layers = 1

        package init() {}
    }

    /// Makes a layer of an archive that holds a program at `/app`, and an image around it.
    package init(
        _ program: [UInt8],
        _ compression: StreamCompression,
        platform: Platform = Platform(os: "linux", architecture: "amd64"),
        claims: Claims = Claims()
    ) throws {
        let archive = try Self.archive([("etc/hosts", Array("127.0.0.1 localhost\n".utf8)), ("app", program)])
        try self.init(
            layer: Self.compress(archive, compression),
            program: program,
            platform: platform,
            claims: claims
        )
    }

    /// Makes an image around any layer.
    package init(
        layer bytes: [UInt8],
        program: [UInt8],
        platform: Platform = Platform(os: "linux", architecture: "amd64"),
        claims: Claims = Claims()
    ) throws {
        layer = BlobFixture(bytes)
        configuration = BlobFixture(
            ImageConfiguration(platform: platform, diffIDs: [layer.digest]).json.canonicalBytes
        )
        manifest = try ManifestFixture(
            Manifest.imageManifestBytes(
                configuration: configuration.descriptor(.ociConfiguration),
                layers: Array(repeating: layer.descriptor(.ociLayer), count: claims.layers),
                annotations: [
                    "berth.executable": (claims.digest ?? Digest(of: program)).description,
                    "berth.executable-path": claims.path,
                    "berth.executable-size": String(claims.size ?? program.count),
                ]
            )
        )
    }

    /// What an index says to list it.
    package func descriptor(_ platform: Platform) -> Descriptor {
        var descriptor = manifest.descriptor
        descriptor.platform = platform
        return descriptor
    }

    /// A tar archive of files.
    package static func archive(_ files: [(path: String, bytes: [UInt8])]) throws -> [UInt8] {
        try files.reduce(into: []) { archive, file in
            let size = UInt64(file.bytes.count)
            archive += try TarEntry(.file(size: size), path: file.path, mode: 0o755).header + file.bytes
            archive += [UInt8](repeating: 0, count: Tar.paddingSize(afterContentsOfSize: size))
        } + Tar.end
    }

    /// The same bytes in another form.
    package static func compress(_ bytes: [UInt8], _ compression: StreamCompression) -> [UInt8] {
        switch compression {
        case .none: return bytes
        case .zstd: return storedZstd(bytes)
        case .gzip:
            let checksum = CRC32(of: bytes)
            let trailer = [checksum.value, UInt32(truncatingIfNeeded: checksum.count)].flatMap { number in
                (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
            }
            return GzipPrefix().bytes + Deflate.compress(bytes, isLast: true) + trailer
        }
    }

    /// A zstd frame of blocks that are not compressed, written by the letter of RFC 8878.
    private static func storedZstd(_ bytes: [UInt8]) -> [UInt8] {
        let blockSize = 128 << 10
        // The magic number; no content size, no checksum; a window of 128 KiB.
        var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 7 << 3]
        var start = 0
        repeat {
            let end = min(start + blockSize, bytes.count)
            // Last_Block, Block_Type 0 (raw), Block_Size.
            let header = (end == bytes.count ? 1 : 0) | (end - start) << 3
            frame += (0..<3).map { UInt8(truncatingIfNeeded: header >> (8 * $0)) } + bytes[start..<end]
            start = end
        } while start < bytes.count
        return frame
    }
}
