/// What one block of deflate says: literals, and matches between them, with how often each symbol occurs.
struct DeflateBlock: Sendable {
    /// Some literals, and behind them a repetition of what stands at a distance before it.
    struct Match: BitwiseCopyable, Hashable, Sendable {
        let literalCount: UInt32
        let length: UInt16
        let distance: UInt16
    }

    /// With twice as many, codes fit what is said less well; with half as many, telling the codes weighs as much.
    static let maximumMatchCount = 8_192
    /// Where a block ends that has few matches; the last of them may lead beyond it.
    static let regularSize = 65_536
    /// The most bytes that a block stands for.
    static let maximumSize = regularSize + DeflateFormat.maximumMatchLength

    /// The matches, of which the first ``matchCount`` count, and behind them literals to the block's end.
    var matches = [Match](repeating: Match(literalCount: 0, length: 0, distance: 0), count: maximumMatchCount)
    var matchCount = 0
    /// How often each literal, each length and the end of the block occurs.
    var literalFrequencies = [UInt32](repeating: 0, count: DeflateFormat.literalAlphabetSize)
    var distanceFrequencies = [UInt32](repeating: 0, count: DeflateFormat.distanceAlphabetSize)

    /// Makes this a block that says nothing but its end.
    mutating func reset() {
        matchCount = 0
        for symbol in literalFrequencies.indices { literalFrequencies[symbol] = 0 }
        for symbol in distanceFrequencies.indices { distanceFrequencies[symbol] = 0 }
        literalFrequencies[DeflateFormat.endOfBlock] = 1
    }

    /// How many bits it takes in such codes, without what tells the codes.
    func bitCount(_ literals: HuffmanCode, _ distances: HuffmanCode) -> Int {
        var count = 0
        for (symbol, frequency) in literalFrequencies.enumerated() where frequency > 0 {
            count += Int(frequency) * Int(literals.codewords[symbol].length)
        }
        for (symbol, frequency) in distanceFrequencies.enumerated() where frequency > 0 {
            count += Int(frequency) * Int(distances.codewords[symbol].length)
        }
        return count + extraBitCount
    }

    /// How many bits follow the symbols of lengths and distances.
    private var extraBitCount: Int {
        var count = 0
        let lengthFrequencies = literalFrequencies.dropFirst(DeflateFormat.firstLengthSymbol)
        for (symbol, frequency) in lengthFrequencies.enumerated() {
            count += Int(frequency) * DeflateFormat.extraBitCount(ofLengthSymbol: symbol)
        }
        for (symbol, frequency) in distanceFrequencies.enumerated() {
            count += Int(frequency) * DeflateFormat.extraBitCount(ofDistanceSymbol: symbol)
        }
        return count
    }
}
