/// Writes blocks, each in the form that takes the fewest bits.
struct BlockEncoder: Sendable {
    private var literals = HuffmanCode(
        alphabetSize: DeflateFormat.literalAlphabetSize,
        maximumLength: DeflateFormat.maximumCodeLength
    )
    private var distances = HuffmanCode(
        alphabetSize: DeflateFormat.distanceAlphabetSize,
        maximumLength: DeflateFormat.maximumCodeLength
    )
    private var header = DynamicHeader()
    /// The codeword of each length from 3 on with the extra bits behind it; how many bits that are stands in the highest byte.
    private var lengthCodewords = [UInt32](repeating: 0, count: DeflateFormat.maximumMatchLength - 2)

    /// The codes that the format itself gives, with two symbols more in each than may occur.
    private static let fixedLiterals = HuffmanCode(
        lengths: (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
    )
    private static let fixedDistances = HuffmanCode(lengths: Array(repeating: 5, count: 32))

    /// The room that a block needs, however little of it can be compressed: two stored blocks' headers, and what a writer needs.
    static let maximumOutputSize = DeflateBlock.maximumSize + 2 * 5 + 2 * BitWriter.slack

    /// Writes a block.
    ///
    /// - Parameters:
    ///   - block: What it says.
    ///   - bytes: What it stands for, its literals among them.
    ///   - isLast: Whether the stream ends with it.
    ///   - writer: Where it begins, in the midst of a byte perhaps.
    ///   - output: Has room for ``maximumOutputSize`` bytes from there on.
    mutating func write(
        _ block: DeflateBlock,
        of bytes: RawSpan,
        isLast: Bool,
        with writer: inout BitWriter,
        to output: inout MutableRawSpan
    ) {
        literals.update(frequencies: block.literalFrequencies)
        distances.update(frequencies: block.distanceFrequencies)
        header.update(literals, distances)
        let dynamicCount = 3 + header.bitCount + block.bitCount(literals, distances)
        let fixedCount = 3 + block.bitCount(Self.fixedLiterals, Self.fixedDistances)
        let storedCount = Self.storedBitCount(bytes.byteCount, pending: writer.pendingBitCount)
        if storedCount <= min(dynamicCount, fixedCount) {
            Self.writeStored(bytes, isLast: isLast, with: &writer, to: &output)
        } else if fixedCount <= dynamicCount {
            Self.begin(.fixed, isLast: isLast, with: &writer, to: &output)
            prepareLengths(Self.fixedLiterals)
            write(block, of: bytes, Self.fixedLiterals, Self.fixedDistances, with: &writer, to: &output)
        } else {
            Self.begin(.dynamic, isLast: isLast, with: &writer, to: &output)
            header.write(with: &writer, to: &output)
            prepareLengths(literals)
            write(block, of: bytes, literals, distances, with: &writer, to: &output)
        }
    }

    /// Writes bytes as they are, in one block or several; none of them make one that is empty.
    static func writeStored(
        _ bytes: RawSpan,
        isLast: Bool,
        with writer: inout BitWriter,
        to output: inout MutableRawSpan
    ) {
        var start = 0
        repeat {
            let end = min(bytes.byteCount, start + DeflateFormat.maximumStoredSize)
            begin(.stored, isLast: isLast && end == bytes.byteCount, with: &writer, to: &output)
            writer.align(to: &output)
            let size = UInt16(truncatingIfNeeded: end - start)
            writer.put(UInt64(size), count: 16)
            writer.put(UInt64(~size), count: 16)
            writer.flush(to: &output)
            writer.write(bytes.extracting(start..<end), to: &output)
            start = end
        } while start < bytes.byteCount
    }

    /// How many bits bytes take when they are stored behind some bits of a byte.
    private static func storedBitCount(_ size: Int, pending: Int) -> Int {
        let maximum = DeflateFormat.maximumStoredSize
        let blockCount = max(1, (size + maximum - 1) / maximum)
        // The first header fills the byte that has begun, each other one a byte; sizes follow.
        let firstHeader = (pending + 3 + 7) / 8 * 8 - pending
        return firstHeader + (blockCount - 1) * 8 + blockCount * 32 + size * 8
    }

    private static func begin(
        _ form: DeflateFormat.BlockForm,
        isLast: Bool,
        with writer: inout BitWriter,
        to output: inout MutableRawSpan
    ) {
        writer.put(isLast ? 1 : 0, count: 1)
        writer.put(form.rawValue, count: 2)
        writer.flush(to: &output)
    }

    /// Writes literals, matches and the end of a block in given codes.
    private func write(
        _ block: DeflateBlock,
        of bytes: RawSpan,
        _ literalCode: HuffmanCode,
        _ distanceCode: HuffmanCode,
        with caller: inout BitWriter,
        to output: inout MutableRawSpan
    ) {
        let literals = literalCode.codewords.span
        let distances = distanceCode.codewords.span
        let lengths = lengthCodewords.span
        let matches = block.matches.span.extracting(first: block.matchCount)
        // A copy stays in registers.
        var writer = caller
        var position = 0
        for index in matches.indices {
            let match = matches[index]
            let end = position &+ Int(match.literalCount)
            Self.writeLiterals(bytes, in: position..<end, literals, &writer, &output)
            // Both take 20 + 28 bits at the most.
            let length = lengths[Int(match.length) &- 3]
            writer.put(UInt64(length & 0xFF_FFFF), count: Int(truncatingIfNeeded: length >> 24))
            let parts = DeflateFormat.parts(ofDistance: Int(match.distance))
            writer.put(distances[parts.symbol])
            writer.put(parts.extraBits, count: parts.extraBitCount)
            writer.flush(to: &output)
            position = end &+ Int(match.length)
        }
        Self.writeLiterals(bytes, in: position..<bytes.byteCount, literals, &writer, &output)
        writer.put(literals[DeflateFormat.endOfBlock])
        writer.flush(to: &output)
        caller = writer
    }

    @inline(__always)
    private static func writeLiterals(
        _ bytes: RawSpan,
        in range: Range<Int>,
        _ codewords: Span<HuffmanCode.Codeword>,
        _ writer: inout BitWriter,
        _ output: inout MutableRawSpan
    ) {
        for position in range {
            writer.put(codewords[Int(bytes.byte(at: position))])
            // Three would fit between two flushes, but runs are so short that another branch costs more.
            writer.flush(to: &output)
        }
    }

    /// Joins codewords and extra bits of all lengths.
    private mutating func prepareLengths(_ code: HuffmanCode) {
        for length in 3...DeflateFormat.maximumMatchLength {
            let parts = DeflateFormat.parts(ofLength: length)
            let codeword = code.codewords[DeflateFormat.firstLengthSymbol + parts.symbol]
            let bits = UInt32(codeword.bits) | UInt32(parts.extraBits) << UInt32(codeword.length)
            lengthCodewords[length - 3] = bits | UInt32(Int(codeword.length) + parts.extraBitCount) << 24
        }
    }
}

extension BitWriter {
    /// Puts a symbol's codeword.
    @inline(__always)
    fileprivate mutating func put(_ codeword: HuffmanCode.Codeword) {
        put(UInt64(codeword.bits), count: Int(codeword.length))
    }
}
