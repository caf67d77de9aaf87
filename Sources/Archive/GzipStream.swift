/// Compresses bytes into one gzip member, block by block on several workers, while they arrive.
///
/// Blocks of 1 MiB are compressed independently, each of which may refer to the 32 KiB before it, and joined
/// in order. The output depends on the input alone, neither on the number of workers nor on the sizes in
/// which bytes are appended. Memory depends on the number of workers, not on the size of the input; where many streams
/// share the workers, each has one block in work besides the one that it gathers.
///
/// - SeeAlso: RFC 1952
package struct GzipStream: Sendable {
    /// Large enough that a block's own beginning costs nothing, small enough that a few fit in memory.
    package static let blockSize = 1_048_576

    /// Blocks of one stream in work at once, 2 MiB each with what they become.
    ///
    /// More workers than this serve several streams.
    private static let maximumBlocksInFlight = 8

    private struct CompressedBlock: Sendable {
        let bytes: [UInt8]
        let checksum: CRC32
    }

    private let pool: WorkerPool
    private let level: Deflate.Level
    /// What the next block may refer to.
    private var window: [UInt8] = []
    /// The window and the bytes of the next block, or nothing as long as it has none.
    private var block: [UInt8] = []
    private var blocksInFlight: [PendingResult<CompressedBlock>] = []
    private var checksum: CRC32

    /// Goes on behind a prefix, whose own bytes the caller puts before the stream's.
    ///
    /// What follows does not refer back to the prefix's contents.
    package init(after prefix: GzipPrefix, level: Deflate.Level = .fastest, pool: WorkerPool) {
        self.pool = pool
        self.level = level
        checksum = prefix.checksum
    }

    /// Takes the next bytes and gives the compressed ones that are ready, in order.
    ///
    /// Waits where blocks arrive faster than they are compressed.
    ///
    /// - Throws: `CancellationError` when the task was cancelled; the stream is of no use then.
    package mutating func append(_ bytes: [UInt8]) async throws -> [[UInt8]] {
        try Task.checkCancellation()
        var ready: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            if block.isEmpty {
                block.reserveCapacity(Deflate.windowSize + Self.blockSize)
                block += window
            }
            let part = rest.prefix(window.count + Self.blockSize - block.count)
            block += part
            rest = rest.dropFirst(part.count)
            guard block.count == window.count + Self.blockSize else { break }
            while blocksInFlight.count >= maximumBlocks { ready.append(await takeBlock()) }
            submitBlock(isLast: false)
        }
        while let first = blocksInFlight.first, first.valueIfReady != nil { ready.append(await takeBlock()) }
        return ready
    }

    /// Ends the member and gives the rest of it, after which the stream takes no more.
    ///
    /// - Throws: `CancellationError` when the task was cancelled; the stream is of no use then.
    package mutating func finish() async throws -> [[UInt8]] {
        try Task.checkCancellation()
        var rest: [[UInt8]] = []
        submitBlock(isLast: true)
        while !blocksInFlight.isEmpty { rest.append(await takeBlock()) }
        // Both little-endian; the size modulo 2^32.
        let trailer = [checksum.value, UInt32(truncatingIfNeeded: checksum.count)].flatMap { number in
            (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        }
        return rest + [trailer]
    }

    private var maximumBlocks: Int {
        pool.isBusy ? 1 : min(2 * pool.workerCount, Self.maximumBlocksInFlight)
    }

    private mutating func submitBlock(isLast: Bool) {
        let (start, level, encoders) = (window.count, level, pool.deflateEncoders)
        let bytes = block.isEmpty ? window : block
        window = Array(bytes.suffix(Deflate.windowSize))
        block = []
        blocksInFlight.append(
            pool.submit {
                CompressedBlock(
                    bytes: Deflate.compress(bytes, from: start, isLast: isLast, level: level, with: encoders),
                    checksum: CRC32(of: bytes[start...])
                )
            }
        )
    }

    private mutating func takeBlock() async -> [UInt8] {
        let block = await blocksInFlight.removeFirst().value()
        checksum.append(block.checksum)
        return block.bytes
    }
}
