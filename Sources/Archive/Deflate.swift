internal import CZlib

/// Raw deflate in pieces that are made independently of each other and joined by mere concatenation.
///
/// The output is a function of the input alone for a given release of zlib: level, window, memory and
/// strategy are fixed here.
///
/// - SeeAlso: RFC 1951
package enum Deflate {
    /// How hard zlib looks for repetitions.
    package enum Level: Int32, Sendable {
        /// Several times faster than zlib's own default for a tenth more bytes: for what is compressed on the
        /// way in.
        case fastest = 1
        /// For what is compressed once, at start, or by whoever has the time.
        case smallest = 9
    }

    /// How far back deflate refers, so that more of what stands before a piece is of no use to it.
    package static let windowSize = 32_768

    /// Compresses one piece.
    ///
    /// - Parameters:
    ///   - bytes: The piece.
    ///   - dictionary: What stands before the piece, to which it may refer: the last 32 KiB of it count.
    ///   - isLast: Whether the piece ends the stream. Any other ends on a byte boundary (Z_SYNC_FLUSH), so
    ///     that the next one can follow it.
    ///   - level: How hard to look for repetitions.
    /// - Returns: The compressed piece, at most a thousandth and a few bytes larger than the piece itself.
    package static func compress(
        _ bytes: [UInt8],
        dictionary: [UInt8] = [],
        isLast: Bool,
        level: Level = .fastest
    ) -> [UInt8] {
        var stream = z_stream()
        let windowBits: Int32 = 15
        let memoryLevel: Int32 = 8
        let status = deflateInit2_(
            &stream,
            level.rawValue,
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
        if !dictionary.isEmpty {
            let status = dictionary.withUnsafeBufferPointer { buffer in
                deflateSetDictionary(&stream, buffer.baseAddress, UInt32(clamping: buffer.count))
            }
            precondition(status == Z_OK, "zlib refuses a dictionary: error \(status)")
        }
        precondition(bytes.count <= UInt32.max, "a piece is larger than zlib counts")
        var compressed: [UInt8] = []
        // SAFETY: the bytes are used within the closure alone.
        bytes.withUnsafeBufferPointer { input in
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
