import Archive
import OCI

/// Makes a layer of a program as it arrives: what stands before it, and the program behind.
struct LayerBuilder: Sendable {
    /// Bytes that the program is announced to have.
    let size: UInt64

    private var received: UInt64 = 0
    private var writer: LayerWriter
    /// What stands between the beginning that many layers share and the program's bytes: its entry's header at least.
    private var header: [UInt8]?

    init(
        _ beginning: LayerBeginning,
        files: [BaseFile],
        name: ExecutableName,
        size: UInt64,
        codec: LayerCodec,
        workers: WorkerPool
    ) {
        let entry: TarEntry
        do {
            entry = try TarEntry(.file(size: size), path: name.rawValue, mode: 0o755)
        } catch {
            preconditionFailure("the name of an executable is no tar entry: \(error)")
        }
        self.size = size
        writer = LayerWriter(beginning, codec: codec, workers: workers)
        header = files.flatMap(\.archived) + entry.header
    }

    /// Takes the program's next bytes and gives the layer's that are ready, in order.
    ///
    /// - Throws: ``PackagingError/wrongSize(announced:received:)`` for more bytes than were announced, and
    ///   `CancellationError`.
    mutating func append(_ bytes: [UInt8]) async throws -> [[UInt8]] {
        let (sum, overflow) = received.addingReportingOverflow(UInt64(bytes.count))
        guard !overflow, sum <= size else { throw PackagingError.wrongSize(announced: size, received: sum) }
        received = sum
        var chunks = try await begin()
        chunks += try await writer.write(bytes)
        return chunks
    }

    /// Gives the rest of the layer, and what is known of it then.
    ///
    /// - Throws: ``PackagingError/wrongSize(announced:received:)`` for fewer bytes than were announced, and
    ///   `CancellationError`.
    mutating func finish() async throws -> (chunks: [[UInt8]], layer: Layer) {
        try checkSize()
        var chunks = try await begin()
        let padding = [UInt8](repeating: 0, count: Tar.paddingSize(afterContentsOfSize: size))
        chunks += try await writer.write(padding)
        let (rest, layer) = try await writer.finish()
        return (chunks + rest, layer)
    }

    /// Fails unless as many bytes have come as were announced.
    func checkSize() throws(PackagingError) {
        guard received == size else { throw .wrongSize(announced: size, received: received) }
    }

    private mutating func begin() async throws -> [[UInt8]] {
        guard let header else { return [] }
        self.header = nil
        return try await writer.write(header)
    }
}
