/// The codes of a block, as it tells them: the lengths of both, with runs of the same shortened, in a code of their own.
struct DynamicHeader: Sendable {
    /// A length, or that the one before or none comes several times, by how many.
    private struct Item {
        var symbol: UInt8
        var extraBitCount: UInt8
        var extraBits: UInt8
    }

    private var code = HuffmanCode(
        alphabetSize: DeflateFormat.lengthAlphabetSize,
        maximumLength: DeflateFormat.maximumLengthCodeLength
    )
    private var frequencies = [UInt32](repeating: 0, count: DeflateFormat.lengthAlphabetSize)
    private var lengths: [UInt8] = []
    private var items: [Item] = []
    private var literalCount = 0
    private var distanceCount = 0
    private var lengthCount = 0

    init() {
        let most = DeflateFormat.literalAlphabetSize + DeflateFormat.distanceAlphabetSize
        lengths.reserveCapacity(most)
        items.reserveCapacity(most)
    }

    /// Makes this the header that tells two codes.
    mutating func update(_ literals: HuffmanCode, _ distances: HuffmanCode) {
        literalCount = literals.usedCount(atLeast: DeflateFormat.firstLengthSymbol)
        distanceCount = distances.usedCount(atLeast: 1)
        lengths.removeAll(keepingCapacity: true)
        for symbol in 0..<literalCount {
            lengths.append(UInt8(truncatingIfNeeded: literals.codewords[symbol].length))
        }
        for symbol in 0..<distanceCount {
            lengths.append(UInt8(truncatingIfNeeded: distances.codewords[symbol].length))
        }
        shortenRuns()
        for symbol in frequencies.indices { frequencies[symbol] = 0 }
        for item in items { frequencies[Int(item.symbol)] += 1 }
        code.update(frequencies: frequencies)
        lengthCount = DeflateFormat.lengthOrder.count
        while lengthCount > 4, code.codewords[DeflateFormat.lengthOrder[lengthCount - 1]].length == 0 {
            lengthCount -= 1
        }
    }

    /// How many bits it takes.
    var bitCount: Int {
        items.reduce(5 + 5 + 4 + 3 * lengthCount) { count, item in
            count + Int(code.codewords[Int(item.symbol)].length) + Int(item.extraBitCount)
        }
    }

    func write(with writer: inout BitWriter, to output: inout MutableRawSpan) {
        writer.put(UInt64(literalCount - DeflateFormat.firstLengthSymbol), count: 5)
        writer.put(UInt64(distanceCount - 1), count: 5)
        writer.put(UInt64(lengthCount - 4), count: 4)
        for symbol in DeflateFormat.lengthOrder.prefix(lengthCount) {
            writer.flush(to: &output)
            writer.put(UInt64(code.codewords[symbol].length), count: 3)
        }
        for item in items {
            writer.flush(to: &output)
            let codeword = code.codewords[Int(item.symbol)]
            writer.put(UInt64(codeword.bits), count: Int(codeword.length))
            writer.put(UInt64(item.extraBits), count: Int(item.extraBitCount))
        }
        writer.flush(to: &output)
    }

    /// Takes runs together: 3 to 6 repetitions of a length, 3 to 10 or 11 to 138 absences.
    private mutating func shortenRuns() {
        items.removeAll(keepingCapacity: true)
        var index = 0
        while index < lengths.count {
            let length = lengths[index]
            var run = 1
            while index + run < lengths.count, lengths[index + run] == length { run += 1 }
            index += run
            if length > 0 {
                items.append(Item(symbol: length, extraBitCount: 0, extraBits: 0))
                run -= 1
            }
            while run >= 3 {
                let taken = min(run, length > 0 ? 6 : 138)
                let (symbol, width, least): (UInt8, UInt8, Int) =
                    length > 0 ? (16, 2, 3) : taken <= 10 ? (17, 3, 3) : (18, 7, 11)
                items.append(
                    Item(symbol: symbol, extraBitCount: width, extraBits: UInt8(taken - least))
                )
                run -= taken
            }
            for _ in 0..<run { items.append(Item(symbol: length, extraBitCount: 0, extraBits: 0)) }
        }
    }
}
