import Archive
import OCI

/// Compresses and hashes a layer's archive as it is written.
///
/// The bytes are a function of the archive and the codec, neither of the sizes in which it is written nor of how many
/// workers compress it. A writer that is dropped midway leaves nothing behind.
struct LayerWriter: Sendable {
    private let codec: LayerCodec
    private var stream: LayerStream
    private var archiveSize: UInt64
    private var archiveDigester: Digester
    private var compressedSize: UInt64 = 0
    private var compressedDigester: Digester
    /// What is to come out before anything else: bytes that are compressed, or not yet.
    private var beginning: (compressed: [UInt8], archive: [UInt8])?

    /// Begins a layer with what many begin with.
    init(_ beginning: LayerBeginning, codec: LayerCodec, workers: WorkerPool) {
        self.codec = codec
        switch codec.compression {
        case .gzip:
            let level: Deflate.Level = codec.level == .fast ? .fastest : .smallest
            stream = .gzip(GzipStream(after: beginning.gzip, level: level, pool: workers))
            archiveSize = beginning.archiveSize
            archiveDigester = beginning.archiveDigester
            compressedDigester = beginning.compressedDigester
            self.beginning = (beginning.gzip.bytes, [])
        case .zstd, .none:
            let level: ZstdStream.Level = codec.level == .fast ? .fast : .best
            stream = codec.compression == .zstd ? .zstd(ZstdStream(level: level, pool: workers)) : .none
            archiveSize = 0
            archiveDigester = Digester()
            compressedDigester = Digester()
            self.beginning = ([], beginning.archive)
        }
    }

    /// Takes the archive's next bytes and gives the layer's that are ready, in order.
    ///
    /// - Throws: `CancellationError`.
    mutating func write(_ bytes: [UInt8]) async throws -> [[UInt8]] {
        var chunks = try await begin()
        chunks += try await compress(bytes)
        return chunks
    }

    /// Ends the archive, and gives the rest of the layer with what is known of it then.
    ///
    /// - Throws: `CancellationError`.
    mutating func finish() async throws -> (chunks: [[UInt8]], layer: Layer) {
        var chunks = try await write(Tar.end)
        let rest = try await stream.finish()
        count(rest)
        chunks += rest
        let diffID = archiveDigester.finish()
        let layer = Layer(
            descriptor: Descriptor(
                mediaType: codec.mediaType,
                digest: codec.compression == .none ? diffID : compressedDigester.finish(),
                size: Int64(clamping: compressedSize)
            ),
            diffID: diffID,
            archiveSize: Int64(clamping: archiveSize)
        )
        return (chunks, layer)
    }

    private mutating func begin() async throws -> [[UInt8]] {
        guard let (compressed, archive) = beginning else { return [] }
        beginning = nil
        // The digester has seen them.
        compressedSize += UInt64(compressed.count)
        return (compressed.isEmpty ? [] : [compressed]) + (try await compress(archive))
    }

    private mutating func compress(_ bytes: [UInt8]) async throws -> [[UInt8]] {
        archiveDigester.update(bytes)
        archiveSize += UInt64(bytes.count)
        let chunks = try await stream.append(bytes)
        count(chunks)
        return chunks
    }

    private mutating func count(_ chunks: [[UInt8]]) {
        for chunk in chunks {
            // What is not compressed is the archive itself.
            if codec.compression != .none { compressedDigester.update(chunk) }
            compressedSize += UInt64(chunk.count)
        }
    }
}
