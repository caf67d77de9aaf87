internal import CZlib

/// Raw deflate as small as zlib makes it, for whoever has the time.
///
/// The output is a function of the input alone for a given release of zlib: level, window, memory and
/// strategy are fixed here.
enum ZlibEncoder {
    /// As long as zlib looks for repetitions at the most.
    private static let level: Int32 = 9

    /// Compresses one piece, as ``DeflateEncoder/encode(_:from:isLast:)`` does.
    ///
    /// - Parameters:
    ///   - bytes: The piece, and before it what it may refer to, of which the last 32 KiB count.
    ///   - start: Where the piece begins.
    ///   - isLast: Whether the piece ends the stream. Any other ends on a byte boundary (Z_SYNC_FLUSH).
    /// - Returns: The compressed piece, at most a thousandth and a few bytes larger than the piece itself.
    static func encode(_ bytes: [UInt8], from start: Int, isLast: Bool) -> [UInt8] {
        var stream = z_stream()
        let windowBits: Int32 = 15
        let memoryLevel: Int32 = 8
        let status = deflateInit2_(
            &stream,
            level,
            Z_DEFLATED,
            // Negative: without zlib's own header and trailer.
            -windowBits,
            memoryLevel,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        // Out of memory, or built against another zlib than the one loaded: nothing can go on.
        precondition(status == Z_OK, "zlib does not start: error \(status)")
        defer { deflateEnd(&stream) }

        // SAFETY: zlib reads and writes only within the buffers lent to it, whose pointers it does not use
        // after the calls made while they are lent.
        precondition(bytes.count <= UInt32.max, "a piece is larger than zlib counts")
        var compressed: [UInt8] = []
        // SAFETY: the bytes are used within the closure alone.
        bytes.withUnsafeBufferPointer { buffer in
            if start > 0 {
                let window = UnsafeBufferPointer(
                    rebasing: buffer[max(0, start - DeflateFormat.windowSize)..<start]
                )
                let status = deflateSetDictionary(&stream, window.baseAddress, UInt32(clamping: window.count))
                precondition(status == Z_OK, "zlib refuses a dictionary: error \(status)")
            }
            let input = UnsafeBufferPointer(rebasing: buffer[start...])
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(input.count)
            // zlib's bound is for Z_FINISH; a flush adds an empty stored block.
            let capacity = Int(deflateBound(&stream, UInt(input.count))) + 16
            repeat {
                compressed += [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
                    stream.next_out = output.baseAddress
                    stream.avail_out = UInt32(clamping: output.count)
                    let room = stream.avail_out
                    let status = deflate(&stream, isLast ? Z_FINISH : Z_SYNC_FLUSH)
                    precondition(status != Z_STREAM_ERROR, "zlib's state is damaged")
                    count = Int(room - stream.avail_out)
                }
                // A full buffer means that there may be more to come.
            } while stream.avail_out == 0
        }
        return compressed
    }
}
