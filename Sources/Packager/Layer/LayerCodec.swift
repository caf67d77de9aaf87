import Archive
import OCI

/// How a layer's archive is compressed.
struct LayerCodec: Hashable, Sendable {
    let compression: PackagingOptions.Compression
    let level: PackagingOptions.CompressionLevel

    init(_ options: PackagingOptions) {
        compression = options.compression
        level = options.level
    }

    var mediaType: MediaType {
        switch compression {
        case .gzip: .ociLayerGzip
        case .zstd: .ociLayerZstd
        case .none: .ociLayer
        }
    }
}

/// The compressed form of an archive, while it is written.
enum LayerStream: Sendable {
    case gzip(GzipStream)
    case zstd(ZstdStream)
    case none

    /// Takes the next bytes of the archive and gives the compressed ones that are ready, in order.
    ///
    /// - Throws: `CancellationError`.
    mutating func append(_ bytes: [UInt8]) async throws -> [[UInt8]] {
        switch self {
        case .gzip(var stream):
            // Without another owner of its buffers these are not copied.
            self = .none
            let chunks = try await stream.append(bytes)
            self = .gzip(stream)
            return chunks
        case .zstd(var stream):
            self = .none
            let chunks = try await stream.append(bytes)
            self = .zstd(stream)
            return chunks
        case .none: return bytes.isEmpty ? [] : [bytes]
        }
    }

    /// Gives the rest, after which no more is taken.
    ///
    /// - Throws: `CancellationError`.
    mutating func finish() async throws -> [[UInt8]] {
        switch self {
        case .gzip(var stream): try await stream.finish()
        case .zstd(var stream): try await stream.finish()
        case .none: []
        }
    }
}
