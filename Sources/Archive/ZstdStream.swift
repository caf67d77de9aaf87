internal import CZstd

/// Compresses bytes into one zstd frame with a checksum, on a worker, while they arrive.
///
/// The encoder is given blocks of 1 MiB, whatever the sizes in which bytes are appended, so that for a given release of
/// zstd the output depends on the input alone. Level, window and tables are fixed here.
///
/// - SeeAlso: RFC 8878
package struct ZstdStream: Sendable {
    /// How hard zstd looks for repetitions.
    package enum Level: Sendable {
        /// For what is compressed on the way in.
        case fast
        /// For what is pulled much more often than it is uploaded.
        case best
    }

    /// Large enough that a hop to another thread costs nothing.
    package static let blockSize = 1_048_576

    private let pool: WorkerPool
    private let encoder: ZstdEncoder
    private var block: [UInt8] = []
    /// A frame is made from its beginning to its end, so that there is one at a time.
    private var blockInWork: PendingResult<[UInt8]>?

    package init(level: Level, pool: WorkerPool) {
        self.pool = pool
        encoder = ZstdEncoder(level: level)
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
            if block.isEmpty { block.reserveCapacity(Self.blockSize) }
            let part = rest.prefix(Self.blockSize - block.count)
            block += part
            rest = rest.dropFirst(part.count)
            guard block.count == Self.blockSize else { break }
            ready += await submitBlock(isLast: false)
        }
        return ready
    }

    /// Ends the frame and gives the rest of it, after which the stream takes no more.
    ///
    /// - Throws: `CancellationError` when the task was cancelled; the stream is of no use then.
    package mutating func finish() async throws -> [[UInt8]] {
        try Task.checkCancellation()
        let ready = await submitBlock(isLast: true)
        return ready + (await takeBlock())
    }

    private mutating func submitBlock(isLast: Bool) async -> [[UInt8]] {
        let ready = await takeBlock()
        let (bytes, encoder) = (block, encoder)
        block = []
        blockInWork = pool.submit { encoder.compress(bytes, isLast: isLast) }
        return ready
    }

    private mutating func takeBlock() async -> [[UInt8]] {
        guard let pending = blockInWork else { return [] }
        blockInWork = nil
        let bytes = await pending.value()
        return bytes.isEmpty ? [] : [bytes]
    }
}

/// The encoder of one frame.
// SAFETY: a stream has one block in work at a time, and waits for it before the next one; a stream that is dropped has
// its encoder freed when the work on its last block has ended.
private final class ZstdEncoder: @unchecked Sendable {
    private let context: OpaquePointer

    init(level: ZstdStream.Level) {
        guard let context = ZSTD_createCCtx() else { preconditionFailure("zstd gets no memory") }
        self.context = context
        var parameters: [(ZSTD_cParameter, Int32)] = [(ZSTD_c_checksumFlag, 1)]
        switch level {
        // A seventh smaller than at level 1 for programs, in twice the time, a fifth of what zlib's level 1 takes.
        case .fast: parameters += [(ZSTD_c_compressionLevel, 3)]
        // With the level's own window and tables a stream takes 93 MB; with these it takes 29 MB, for a thousandth
        // more bytes.
        case .best:
            parameters += [
                (ZSTD_c_compressionLevel, 19), (ZSTD_c_windowLog, 22), (ZSTD_c_chainLog, 22),
                (ZSTD_c_hashLog, 20),
            ]
        }
        for (parameter, value) in parameters {
            let status = ZSTD_CCtx_setParameter(context, parameter, value)
            precondition(ZSTD_isError(status) == 0, "zstd does not take a parameter")
        }
    }

    deinit { ZSTD_freeCCtx(context) }

    /// Compresses the next block of the frame; the encoder may hold back some of it until the last.
    func compress(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
        var compressed: [UInt8] = []
        bytes.withUnsafeBufferPointer { source in
            var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
            let capacity = ZSTD_compressBound(source.count)
            var left = 0
            repeat {
                // SAFETY: zstd reads and writes only within the buffers lent to it, and uses their pointers during
                // the call alone.
                compressed += [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                    var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: capacity, pos: 0)
                    left = ZSTD_compressStream2(
                        context,
                        &output,
                        &input,
                        isLast ? ZSTD_e_end : ZSTD_e_continue
                    )
                    precondition(ZSTD_isError(left) == 0, "zstd's state is damaged")
                    count = output.pos
                }
            } while isLast ? left > 0 : input.pos < input.size
        }
        return compressed
    }
}
