import Archive
import OCI

/// Archives, compresses and hashes a program as it arrives.
///
/// The bytes are a function of the beginning, the name and the program, neither of the sizes in which they
/// are appended nor of how many workers compress them. A builder that is dropped midway leaves nothing
/// behind.
struct LayerBuilder: Sendable {
    /// Bytes that the program is announced to have.
    let size: UInt64

    private var received: UInt64 = 0
    private var compressedSize: UInt64 = 0
    private var archiveSize: UInt64
    private var archiveDigester: Digester
    private var compressedDigester: Digester
    private var stream: GzipStream
    /// What stands before the program: bytes compressed already, and the header of its entry.
    private var beginning: (compressed: [UInt8], header: [UInt8])?

    init(_ beginning: LayerBeginning, name: ExecutableName, size: UInt64, workers: WorkerPool) {
        let entry: TarEntry
        do {
            entry = try TarEntry(.file(size: size), path: name.rawValue, mode: 0o755)
        } catch {
            preconditionFailure("the name of an executable is no tar entry: \(error)")
        }
        self.size = size
        archiveSize = beginning.archiveSize
        archiveDigester = beginning.archiveDigester
        compressedDigester = beginning.compressedDigester
        stream = GzipStream(after: beginning.gzip, pool: workers)
        self.beginning = (beginning.gzip.bytes, entry.header)
    }

    /// Takes the program's next bytes and gives the layer's that are ready, in order.
    ///
    /// - Throws: ``PackagingError/wrongSize(announced:received:)`` for more bytes than were announced, and
    ///   `CancellationError`.
    mutating func append(_ bytes: [UInt8]) async throws -> [[UInt8]] {
        let (sum, overflow) = received.addingReportingOverflow(UInt64(bytes.count))
        guard !overflow, sum <= size else { throw PackagingError.wrongSize(announced: size, received: sum) }
        received = sum
        return try await begin() + compress(bytes)
    }

    /// Gives the rest of the layer, and what is known of it then.
    ///
    /// - Throws: ``PackagingError/wrongSize(announced:received:)`` for fewer bytes than were announced, and
    ///   `CancellationError`.
    mutating func finish() async throws -> (chunks: [[UInt8]], layer: Layer) {
        try checkSize()
        let padding = [UInt8](repeating: 0, count: Tar.paddingSize(afterContentsOfSize: size))
        var chunks = try await begin()
        chunks += try await compress(padding + Tar.end)
        let rest = try await stream.finish()
        count(rest)
        let layer = Layer(
            descriptor: Descriptor(
                mediaType: .ociLayerGzip,
                digest: compressedDigester.finish(),
                size: Int64(clamping: compressedSize)
            ),
            diffID: archiveDigester.finish(),
            archiveSize: Int64(clamping: archiveSize)
        )
        return (chunks + rest, layer)
    }

    /// Fails unless as many bytes have come as were announced.
    func checkSize() throws(PackagingError) {
        guard received == size else { throw .wrongSize(announced: size, received: received) }
    }

    private mutating func begin() async throws -> [[UInt8]] {
        guard let (compressed, header) = beginning else { return [] }
        beginning = nil
        compressedSize += UInt64(compressed.count)
        return try await [compressed] + compress(header)
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
            compressedDigester.update(chunk)
            compressedSize += UInt64(chunk.count)
        }
    }
}
