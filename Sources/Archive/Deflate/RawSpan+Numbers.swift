// The standard library compares bounds twice, once with a sign and once without. Where repetitions are sought that is a
// tenth of the time, so that they are compared here, and only once: a negative offset is beyond every end.

extension RawSpan {
    /// The byte at an offset, which has to be within.
    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        precondition(
            UInt(bitPattern: offset) < UInt(bitPattern: byteCount),
            "a byte lies outside of the bytes"
        )
        // SAFETY: the line above, and any eight bits are a number.
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// Eight bytes from an offset on, the first of them lowest, all of which have to be within.
    @inline(__always)
    func word(at offset: Int) -> UInt64 {
        let end = Swift.max(0, byteCount &- 7)
        precondition(UInt(bitPattern: offset) < UInt(bitPattern: end), "a word lies outside of the bytes")
        // SAFETY: the line above, and any eight bytes are a number.
        return unsafe UInt64(
            littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
        )
    }
}

extension MutableRawSpan {
    /// Writes eight bytes from an offset on, the lowest first, for all of which there has to be room.
    @inline(__always)
    mutating func store(_ word: UInt64, at offset: Int) {
        let end = Swift.max(0, byteCount &- 7)
        precondition(UInt(bitPattern: offset) < UInt(bitPattern: end), "a word lies outside of the bytes")
        // SAFETY: the line above.
        unsafe storeBytes(of: word.littleEndian, toUncheckedByteOffset: offset, as: UInt64.self)
    }
}
