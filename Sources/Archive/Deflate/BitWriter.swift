/// Puts numbers of few bits one behind the other, the lowest bit first, as deflate has them.
///
/// Bits gather in a word until ``flush(to:)`` moves the whole bytes among them out. No more than 56 bits may be
/// put between two flushes.
struct BitWriter {
    /// A flush writes a whole word, so that the output needs as much room behind the bytes that count.
    static let slack = 8

    /// How many bytes have been written.
    private(set) var byteCount = 0
    private var gathered: UInt64 = 0
    private var gatheredCount = 0

    /// How many bits have been put since the last whole byte.
    var pendingBitCount: Int { gatheredCount & 7 }

    /// Puts the lowest bits of a number that has no others.
    @inline(__always)
    mutating func put(_ bits: UInt64, count: Int) {
        gathered |= bits &<< UInt64(truncatingIfNeeded: gatheredCount)
        gatheredCount &+= count
    }

    /// Moves out all bits but those of an incomplete byte.
    @inline(__always)
    mutating func flush(to output: inout MutableRawSpan) {
        output.store(gathered, at: byteCount)
        let wholeBits = gatheredCount & ~7
        byteCount &+= wholeBits &>> 3
        // At most 63 bits are gathered, so that this shifts by at most 56.
        gathered = gathered &>> UInt64(truncatingIfNeeded: wholeBits)
        gatheredCount &= 7
    }

    /// Fills the byte that has begun with zeros, and moves all out.
    mutating func align(to output: inout MutableRawSpan) {
        gatheredCount = (gatheredCount + 7) & ~7
        flush(to: &output)
    }

    /// Writes bytes as they are, where a byte begins.
    mutating func write(_ bytes: RawSpan, to output: inout MutableRawSpan) {
        precondition(gatheredCount == 0, "bytes stand where bytes begin")
        var offset = 0
        while offset + 8 <= bytes.byteCount {
            output.store(bytes.word(at: offset), at: byteCount + offset)
            offset += 8
        }
        for offset in offset..<bytes.byteCount {
            output.storeBytes(
                of: bytes.byte(at: offset),
                toByteOffset: byteCount + offset,
                as: UInt8.self
            )
        }
        byteCount += bytes.byteCount
    }

    /// Begins again at the output's first byte, with the bits that are not moved out yet.
    mutating func rewind() { byteCount = 0 }
}
