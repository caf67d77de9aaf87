internal import CZlib

/// Decompresses what somebody else has compressed, and may have meant to be unpleasant.
package enum Inflate {
    /// Why bytes could not be decompressed.
    package enum Failure: Error, Hashable, Sendable {
        /// They are not in zlib's format, are damaged, or end too early.
        case malformed
        /// They become more than was asked for.
        case tooLarge
    }

    /// Decompresses a whole stream in zlib's own format; what follows its end is ignored.
    ///
    /// - Parameters:
    ///   - bytes: The stream.
    ///   - limit: How many bytes it may become; it is not decompressed further.
    /// - Returns: The bytes that were compressed.
    /// - Throws: ``Failure``.
    /// - SeeAlso: RFC 1950
    package static func zlib(_ bytes: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        var stream = z_stream()
        let status = inflateInit_(&stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        // Out of memory, or built against another zlib than the one loaded: nothing can go on.
        precondition(status == Z_OK, "zlib does not start: error \(status)")
        defer { inflateEnd(&stream) }
        guard let inputSize = UInt32(exactly: bytes.count) else { throw .tooLarge }

        let portion = 65_536
        var contents: [UInt8] = []
        var result = Z_OK
        // SAFETY: zlib reads and writes only within the buffers lent to it, whose pointers it does not use after the
        // calls made while they are lent.
        bytes.withUnsafeBufferPointer { input in
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = inputSize
            while result == Z_OK, contents.count <= limit {
                contents += [UInt8](unsafeUninitializedCapacity: portion) { output, count in
                    stream.next_out = output.baseAddress
                    stream.avail_out = UInt32(portion)
                    result = inflate(&stream, Z_NO_FLUSH)
                    count = portion - Int(stream.avail_out)
                }
            }
        }
        guard contents.count <= limit else { throw .tooLarge }
        guard result == Z_STREAM_END else { throw .malformed }
        return contents
    }
}
