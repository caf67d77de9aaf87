/// The numbers of the deflate format, and how lengths and distances become symbols.
///
/// - SeeAlso: RFC 1951, section 3.2
enum DeflateFormat {
    /// How far back a match may reach.
    static let windowSize = 32_768
    /// The longest match that a symbol stands for.
    static let maximumMatchLength = 258
    /// Literals, the end of a block and the lengths of matches share an alphabet.
    static let literalAlphabetSize = 286
    /// The symbol of a block's end.
    static let endOfBlock = 256
    /// The symbol of the shortest match.
    static let firstLengthSymbol = 257
    /// Distances have an alphabet of their own.
    static let distanceAlphabetSize = 30
    /// The lengths of a block's codes are themselves coded, by an alphabet of lengths and repetitions.
    static let lengthAlphabetSize = 19
    /// No literal, length or distance has a longer code.
    static let maximumCodeLength = 15
    /// No symbol of the code of lengths has a longer code.
    static let maximumLengthCodeLength = 7
    /// The most bytes that a stored block has.
    static let maximumStoredSize = 65_535
    /// The order in which a block tells the code of lengths, so that what is seldom used is left out at the end.
    static let lengthOrder: [Int] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    /// The forms that a block has, as the two bits in its header.
    enum BlockForm: UInt64 {
        case stored = 0
        case fixed = 1
        case dynamic = 2
    }

    /// A symbol, and what follows it to tell one of the values that it stands for.
    struct SymbolParts {
        /// The symbol, counted from the first of its kind.
        let symbol: Int
        let extraBitCount: Int
        let extraBits: UInt64
    }

    /// The symbol of a match's length, from 3 to 258, counted from ``firstLengthSymbol``.
    ///
    /// Four symbols share each number of extra bits, but for the first eight, which have none, and the last: 258 has one
    /// of its own.
    @inline(__always)
    static func parts(ofLength length: Int) -> SymbolParts {
        guard length < maximumMatchLength else {
            return SymbolParts(symbol: 28, extraBitCount: 0, extraBits: 0)
        }
        let value = length &- 3
        let extraBitCount = bitWidth(of: value | 7) &- 3
        let extraBits = value & ((1 &<< extraBitCount) &- 1)
        return SymbolParts(
            symbol: (extraBitCount &<< 2) &+ (value &>> extraBitCount),
            extraBitCount: extraBitCount,
            extraBits: UInt64(truncatingIfNeeded: extraBits)
        )
    }

    /// The symbol of a match's distance, from 1 to 32768: two share each number of extra bits.
    @inline(__always)
    static func parts(ofDistance distance: Int) -> SymbolParts {
        let value = distance &- 1
        let extraBitCount = bitWidth(of: value | 3) &- 2
        let extraBits = value & ((1 &<< extraBitCount) &- 1)
        return SymbolParts(
            symbol: (extraBitCount &<< 1) &+ (value &>> extraBitCount),
            extraBitCount: extraBitCount,
            extraBits: UInt64(truncatingIfNeeded: extraBits)
        )
    }

    /// How many extra bits follow a length's symbol, counted from ``firstLengthSymbol``.
    static func extraBitCount(ofLengthSymbol symbol: Int) -> Int {
        symbol < 8 || symbol == 28 ? 0 : symbol / 4 - 1
    }

    /// How many extra bits follow a distance's symbol.
    static func extraBitCount(ofDistanceSymbol symbol: Int) -> Int {
        symbol < 4 ? 0 : symbol / 2 - 1
    }

    /// How many bits a positive number takes.
    @inline(__always)
    private static func bitWidth(of value: Int) -> Int { Int.bitWidth &- value.leadingZeroBitCount }
}
