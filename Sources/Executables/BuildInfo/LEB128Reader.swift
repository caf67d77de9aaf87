/// Numbers of seven bits a byte, the lowest first, each byte but the last with its highest bit set.
///
/// - SeeAlso: DWARF 5, section 7.6, "Variable Length Data"
struct LEB128Reader {
    /// The bytes that 64 bits take.
    static let maximumSize: UInt64 = 10

    let bytes: [UInt8]
    /// Where the next number begins.
    var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads a number; nil where the bytes end in the middle of it, or where it is larger than 64 bits hold.
    mutating func next() -> UInt64? {
        var value: UInt64 = 0
        for index in 0..<Int(Self.maximumSize) {
            guard position < bytes.count else { return nil }
            let byte = bytes[position]
            position += 1
            let shifted = UInt64(byte & 0x7F) << UInt64(7 * index)
            guard shifted >> UInt64(7 * index) == UInt64(byte & 0x7F) else { return nil }
            value |= shifted
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }
}
