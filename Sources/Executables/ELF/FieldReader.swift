/// The order of a number's bytes, in files of either kind read on hosts of either kind.
package enum ByteOrder: Hashable, Sendable {
    case little
    case big
}

/// Fixed-width numbers out of a table whose length its caller has checked.
struct FieldReader {
    let bytes: [UInt8]
    let order: ByteOrder
    let wordSize: ELFClass

    func u16(at offset: Int) -> UInt16 { number(at: offset) }
    func u32(at offset: Int) -> UInt32 { number(at: offset) }
    func u64(at offset: Int) -> UInt64 { number(at: offset) }

    /// An address, offset or size: 4 bytes in a 32-bit file, 8 in a 64-bit one.
    func word(at offset: Int) -> UInt64 {
        switch wordSize {
        case .bits32: UInt64(u32(at: offset))
        case .bits64: u64(at: offset)
        }
    }

    private func number<Number: FixedWidthInteger>(at offset: Int) -> Number {
        let field = bytes[offset..<offset + Number.bitWidth / 8]
        return switch order {
        case .big: field.reduce(0) { $0 << 8 | Number($1) }
        case .little: field.reversed().reduce(0) { $0 << 8 | Number($1) }
        }
    }
}
