internal import CZstd

/// Decompresses zstd: one frame, or several one after the other.
///
/// A frame may refer back as far as its window, which it chooses itself and which is memory here: up to
/// ``maximumWindowSize``, as much as `zstd -d` gives without being told to give more.
///
/// - SeeAlso: RFC 8878
package struct ZstdDecoder: Decompressor, ~Copyable, @unchecked Sendable {
    /// The largest window of a frame, in bytes; level 22 has no larger one.
    package static let maximumWindowSize = 1 << maximumWindowLog
    private static let maximumWindowLog: Int32 = 27

    // SAFETY: it has one owner, as the struct cannot be copied, and only methods that are mutating use it.
    private let stream: OpaquePointer
    private var input = PendingInput()
    private var isBetweenFrames = false
    /// Whether the last chunk was full, so that there may be more without further input.
    private var mayHoldMore = false

    /// `maximumWindowSize`: a power of two, of 1024 bytes at least.
    package init(maximumWindowSize: Int = Self.maximumWindowSize) {
        guard let stream = ZSTD_createDStream() else { preconditionFailure("zstd gets no memory") }
        self.stream = stream
        let status = ZSTD_DCtx_setParameter(
            stream,
            ZSTD_d_windowLogMax,
            Int32(maximumWindowSize.trailingZeroBitCount)
        )
        precondition(ZSTD_isError(status) == 0, "zstd does not take a limit of its window")
    }

    deinit { ZSTD_freeDStream(stream) }

    package mutating func append(_ bytes: [UInt8]) { input.append(bytes) }

    package mutating func next() throws(DecompressionError) -> [UInt8]? {
        while !input.isEmpty || mayHoldMore {
            var status = 0
            let chunk = decompressChunk(&status)
            guard ZSTD_isError(status) == 0 else {
                throw ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge
                    ? .windowTooLarge : .malformed
            }
            isBetweenFrames = status == 0
            mayHoldMore = status != 0 && chunk.count == Self.chunkSize
            if !chunk.isEmpty { return chunk }
        }
        return nil
    }

    package func finish() throws(DecompressionError) {
        guard isBetweenFrames, input.isEmpty else { throw .cutShort }
    }

    private mutating func decompressChunk(_ status: inout Int) -> [UInt8] {
        let stream = stream
        var taken = 0
        let chunk = input.withUnsafeBytes { bytes in
            // SAFETY: zstd reads and writes only within the buffers lent to it, and uses their pointers during the
            // call alone.
            [UInt8](unsafeUninitializedCapacity: Self.chunkSize) { buffer, count in
                var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
                var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: Self.chunkSize, pos: 0)
                status = ZSTD_decompressStream(stream, &output, &input)
                taken = input.pos
                count = output.pos
            }
        }
        input.consume(taken)
        return chunk
    }
}
