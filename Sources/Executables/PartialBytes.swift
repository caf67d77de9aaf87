/// Those parts of a file that are at hand, in memory: what has arrived of it, or what was fetched on demand.
package struct PartialBytes: ByteSource, Sendable {
    /// The size that the whole file has, or is announced to have.
    package let size: UInt64
    private var parts: [(offset: UInt64, bytes: [UInt8])] = []

    /// Describes a file of which nothing is at hand yet.
    package init(ofFileWithSize size: UInt64) {
        self.size = size
    }

    /// Adds the bytes at an offset; what lies beyond the file's size is never read.
    package mutating func insert(_ bytes: [UInt8], at offset: UInt64) {
        parts.append((offset, bytes))
    }

    /// Reads what lies within one part; parts are not joined.
    package func bytes(in range: Range<UInt64>) throws(ByteSourceError) -> [UInt8] {
        guard range.upperBound <= size else { throw .outOfBounds }
        guard !range.isEmpty else { return [] }
        for part in parts where part.offset <= range.lowerBound {
            let start = range.lowerBound - part.offset
            let length = UInt64(range.count)
            guard part.bytes.size >= length, start <= part.bytes.size - length else { continue }
            return Array(part.bytes[Int(start)..<Int(start + length)])
        }
        throw .absent(range)
    }
}
