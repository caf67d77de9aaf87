/// A prefix code for the symbols of one alphabet, none longer than a limit, in the canonical form that deflate tells by
/// lengths alone.
///
/// The code is always complete: at least two symbols have one, also where fewer occur, since some readers take no other.
struct HuffmanCode: Sendable {
    /// What stands for a symbol.
    struct Codeword: BitwiseCopyable, Hashable, Sendable {
        /// The bits, the first of them lowest, as they are written.
        var bits: UInt16 = 0
        /// How many there are; none where the symbol does not occur.
        var length: UInt16 = 0
    }

    /// The codeword of each symbol.
    private(set) var codewords: [Codeword]
    private let maximumLength: Int

    // What is needed to make a code, kept so that the next needs no memory.
    /// Symbols that occur, by frequency: it stands in the higher bits, the symbol in the lower.
    private var ranking: [UInt32]
    /// The weights of the tree's nodes: leaves as they are ranked, and behind them the others in the order in which they
    /// are made, which is that of their weights too.
    private var weights: [UInt32]
    private var parents: [UInt16]
    private var depths: [UInt16]
    /// How many codewords there are of each length.
    private var lengthCounts: [Int]
    private var nextBits: [UInt16]

    private static let symbolBits: UInt32 = 9
    /// Of a frequency what fits beside the symbol; no block has as many symbols.
    private static let maximumFrequency: UInt32 = 1 << 22

    init(alphabetSize: Int, maximumLength: Int) {
        precondition((2...1 << Self.symbolBits).contains(alphabetSize), "an alphabet has some symbols")
        precondition((1...15).contains(maximumLength), "codewords fit sixteen bits")
        precondition(alphabetSize <= 1 << maximumLength, "every symbol can have a codeword")
        self.maximumLength = maximumLength
        codewords = Array(repeating: Codeword(), count: alphabetSize)
        ranking = Array(repeating: 0, count: alphabetSize)
        weights = Array(repeating: 0, count: 2 * alphabetSize)
        parents = Array(repeating: 0, count: 2 * alphabetSize)
        depths = Array(repeating: 0, count: 2 * alphabetSize)
        lengthCounts = Array(repeating: 0, count: maximumLength + 1)
        nextBits = Array(repeating: 0, count: maximumLength + 1)
    }

    /// Makes the code that is shortest for symbols of such frequencies, or next to it where the limit is in the way.
    ///
    /// Whatever is arbitrary about it is decided by the symbols' order.
    init(frequencies: [UInt32], maximumLength: Int) {
        self.init(alphabetSize: frequencies.count, maximumLength: maximumLength)
        update(frequencies: frequencies)
    }

    /// Makes the code of given lengths, which have to be those of a complete one.
    init(lengths: [UInt16]) {
        self.init(alphabetSize: lengths.count, maximumLength: Int(lengths.max() ?? 1))
        for (symbol, length) in lengths.enumerated() {
            codewords[symbol].length = length
            if length > 0 { lengthCounts[Int(length)] += 1 }
        }
        assignBits()
    }

    /// Makes this the code for other frequencies, as ``init(frequencies:maximumLength:)`` does.
    mutating func update(frequencies: [UInt32]) {
        let count = rank(frequencies)
        growTree(leafCount: count)
        countLengths(leafCount: count)
        assignLengths(leafCount: count)
        assignBits()
    }

    /// How many symbols it takes to tell all that have a codeword.
    func usedCount(atLeast minimum: Int) -> Int {
        var count = codewords.count
        while count > minimum, codewords[count - 1].length == 0 { count -= 1 }
        return count
    }

    /// Sorts the symbols that occur, the rarest first, and gives how many there are.
    private mutating func rank(_ frequencies: [UInt32]) -> Int {
        precondition(frequencies.count == codewords.count, "each symbol of the alphabet has its frequency")
        var count = 0
        for (symbol, frequency) in frequencies.enumerated() where frequency > 0 {
            precondition(frequency <= Self.maximumFrequency, "a block has fewer symbols")
            ranking[count] = frequency << Self.symbolBits | UInt32(truncatingIfNeeded: symbol)
            count += 1
        }
        // Symbols that do not occur make the code complete.
        var symbol = 0
        while count < 2 {
            if frequencies[symbol] == 0 {
                ranking[count] = 1 << Self.symbolBits | UInt32(truncatingIfNeeded: symbol)
                count += 1
            }
            symbol += 1
        }
        sortRanking(count: count)
        return count
    }

    /// Shell's way of sorting, which takes no memory, with the gaps that Ciura found.
    private mutating func sortRanking(count: Int) {
        var ranking = ranking.mutableSpan
        for gap in [132, 57, 23, 10, 4, 1] where gap < count {
            for index in gap..<count {
                let value = ranking[index]
                var place = index
                while place >= gap, ranking[place - gap] > value {
                    ranking[place] = ranking[place - gap]
                    place -= gap
                }
                ranking[place] = value
            }
        }
    }

    /// Joins the two lightest nodes until one is left, and notes who was joined to whom.
    private mutating func growTree(leafCount: Int) {
        for leaf in 0..<leafCount { weights[leaf] = ranking[leaf] >> Self.symbolBits }
        var (nextLeaf, nextInner) = (0, leafCount)
        for node in leafCount..<(2 * leafCount - 1) {
            var weight: UInt32 = 0
            for _ in 0..<2 {
                let lightest: Int
                if nextLeaf < leafCount, nextInner == node || weights[nextLeaf] <= weights[nextInner] {
                    lightest = nextLeaf
                    nextLeaf += 1
                } else {
                    lightest = nextInner
                    nextInner += 1
                }
                weight += weights[lightest]
                parents[lightest] = UInt16(truncatingIfNeeded: node)
            }
            weights[node] = weight
        }
    }

    /// Counts the leaves at each depth, and moves up those that are too deep.
    private mutating func countLengths(leafCount: Int) {
        for length in lengthCounts.indices { lengthCounts[length] = 0 }
        let root = 2 * leafCount - 2
        depths[root] = 0
        // What codewords take of all that there is, in units of the longest.
        var taken = 0
        for node in stride(from: root - 1, through: 0, by: -1) {
            depths[node] = depths[Int(parents[node])] + 1
            guard node < leafCount else { continue }
            let length = min(Int(depths[node]), maximumLength)
            lengthCounts[length] += 1
            taken += 1 << (maximumLength - length)
        }
        // Each turn puts one of the longest, and one that is shorter, below where that one was: one unit less.
        while taken > 1 << maximumLength {
            lengthCounts[maximumLength] -= 1
            var length = maximumLength - 1
            while lengthCounts[length] == 0 { length -= 1 }
            lengthCounts[length] -= 1
            lengthCounts[length + 1] += 2
            taken -= 1
        }
    }

    /// Gives the rarest symbols the longest codewords.
    private mutating func assignLengths(leafCount: Int) {
        for symbol in codewords.indices { codewords[symbol] = Codeword() }
        var leaf = 0
        for length in stride(from: maximumLength, to: 0, by: -1) {
            for _ in 0..<lengthCounts[length] {
                let symbol = Int(ranking[leaf] & (1 << Self.symbolBits - 1))
                codewords[symbol].length = UInt16(truncatingIfNeeded: length)
                leaf += 1
            }
        }
        precondition(leaf == leafCount, "every symbol that occurs has a codeword")
    }

    /// Numbers the codewords of each length in the order of their symbols.
    private mutating func assignBits() {
        var first = 0
        for length in 1...maximumLength {
            nextBits[length] = UInt16(truncatingIfNeeded: first)
            first = (first + lengthCounts[length]) << 1
        }
        for symbol in codewords.indices where codewords[symbol].length > 0 {
            let length = codewords[symbol].length
            let bits = nextBits[Int(length)]
            nextBits[Int(length)] = bits &+ 1
            codewords[symbol].bits = Self.reversed(bits) >> (16 - length)
        }
    }

    /// All sixteen bits the other way round.
    private static func reversed(_ bits: UInt16) -> UInt16 {
        var bits = bits.byteSwapped
        bits = (bits & 0x0F0F) << 4 | (bits & 0xF0F0) >> 4
        bits = (bits & 0x3333) << 2 | (bits & 0xCCCC) >> 2
        return (bits & 0x5555) << 1 | (bits & 0xAAAA) >> 1
    }
}
