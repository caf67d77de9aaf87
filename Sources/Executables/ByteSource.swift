/// Bytes that can be read at any offset, without having to fit in memory.
///
/// Reads are synchronous: a source over a file blocks its thread, so asynchronous callers run an inspection
/// off the cooperative pool.
package protocol ByteSource {
    /// How many bytes there are, constant for the life of the source.
    var size: UInt64 { get }

    /// Reads exactly the bytes of `range`, which the caller keeps short: a source allocates what it is asked
    /// for.
    ///
    /// - Throws: ``ByteSourceError/outOfBounds`` when the range leaves `0..<size`, else what the source
    ///   meets.
    func bytes(in range: Range<UInt64>) throws(ByteSourceError) -> [UInt8]
}

/// Why bytes could not be read.
package enum ByteSourceError: Error, Hashable, Sendable {
    /// The range is not within the source.
    case outOfBounds
    /// The range is within the source, but its bytes are not at hand.
    case absent(Range<UInt64>)
    /// A path or descriptor that is no regular file, and so has no size to read against.
    case notARegularFile
    /// The operating system's error number.
    case system(errno: Int32)
}

extension ByteSource {
    /// Reads `length` bytes from `offset`; a sum that overflows is out of bounds like any other.
    func bytes(at offset: UInt64, length: UInt64) throws(ByteSourceError) -> [UInt8] {
        let (end, overflow) = offset.addingReportingOverflow(length)
        guard !overflow else { throw .outOfBounds }
        return try bytes(in: offset..<end)
    }

    /// Reads from `offset` as far as the source goes, but no more than `limit` bytes.
    func bytes(at offset: UInt64, atMost limit: UInt64) throws(ByteSourceError) -> [UInt8] {
        guard offset <= size else { throw .outOfBounds }
        return try bytes(at: offset, length: min(limit, size - offset))
    }
}

extension [UInt8]: ByteSource {
    package var size: UInt64 { UInt64(count) }

    package func bytes(in range: Range<UInt64>) throws(ByteSourceError) -> [UInt8] {
        guard range.upperBound <= size else { throw .outOfBounds }
        return Array(self[Int(range.lowerBound)..<Int(range.upperBound)])
    }
}
