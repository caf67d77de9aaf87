import Testing

@testable import Archive

@Suite("Huffman codes")
struct HuffmanCodeTests {
    /// That a code can be read: complete, none of its codewords the beginning of another, within the limit.
    private static func check(_ code: HuffmanCode, maximumLength: Int, _ comment: String = "") {
        let used = code.codewords.filter { $0.length > 0 }
        #expect(used.count >= 2, "\(comment)")
        #expect(used.allSatisfy { $0.length <= maximumLength }, "\(comment)")
        let taken = used.reduce(0) { $0 + 1 << (maximumLength - Int($1.length)) }
        #expect(taken == 1 << maximumLength, "complete: \(comment)")
        // Where all have room side by side, and none is within another's, each is told from the others.
        var ranges = used.map { codeword in
            let free = maximumLength - Int(codeword.length)
            var bits = 0
            for bit in 0..<Int(codeword.length) { bits = bits << 1 | Int(codeword.bits >> bit & 1) }
            return (bits << free)..<((bits + 1) << free)
        }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound }, "\(comment)")
    }

    private static func size(_ code: HuffmanCode, _ frequencies: [UInt32]) -> Int {
        zip(code.codewords, frequencies).reduce(0) { $0 + Int($1.0.length) * Int($1.1) }
    }

    /// The least that any code without a limit takes, found by joining the two lightest again and again.
    private static func leastSize(_ frequencies: [UInt32]) -> Int {
        var weights = frequencies.filter { $0 > 0 }.map(Int.init)
        var size = weights.count == 1 ? weights[0] : 0
        while weights.count > 1 {
            weights.sort(by: >)
            let joined = weights.removeLast() + weights.removeLast()
            size += joined
            weights.append(joined)
        }
        return size
    }

    /// The least that a code with a limit takes, by package and merge.
    private static func leastSize(_ frequencies: [UInt32], maximumLength: Int) -> Int {
        let leaves = frequencies.filter { $0 > 0 }.map(Int.init).sorted()
        var packages: [Int] = []
        for _ in 0..<maximumLength {
            let all = (leaves + packages).sorted()
            packages = stride(from: 0, to: all.count - 1, by: 2).map { all[$0] + all[$0 + 1] }
        }
        return packages.prefix(leaves.count - 1).reduce(0, +)
    }

    @Test("Fewer than two symbols get a complete code as well", arguments: [2, 3, 19, 30, 286])
    func few(alphabetSize: Int) {
        var frequencies = [UInt32](repeating: 0, count: alphabetSize)
        Self.check(HuffmanCode(frequencies: frequencies, maximumLength: 15), maximumLength: 15)
        for symbol in 0..<alphabetSize {
            frequencies[symbol] = 1_000
            let code = HuffmanCode(frequencies: frequencies, maximumLength: 15)
            Self.check(code, maximumLength: 15)
            #expect(code.codewords[symbol].length == 1)
            frequencies[symbol] = 0
        }
    }

    @Test("Codes are canonical: the example of RFC 1951, section 3.2.2")
    func example() {
        let code = HuffmanCode(lengths: [3, 3, 3, 3, 3, 2, 4, 4])
        // 010, 011, 100, 101, 110, 00, 1110 and 1111, the other way round.
        #expect(code.codewords.map(\.bits) == [0b010, 0b110, 0b001, 0b101, 0b011, 0b00, 0b0111, 0b1111])
    }

    @Test(
        "No frequencies make a codeword longer than the limit",
        arguments: [(286, 15), (30, 15), (19, 7), (8, 3), (30, 5)]
    )
    func limits(alphabetSize: Int, maximumLength: Int) {
        // Each as much as the two before it: the deepest tree that there is, as far as sums are what a block can have.
        var frequencies: [UInt32] = [1, 1]
        while frequencies.count < min(alphabetSize, 28) {
            frequencies.append(frequencies.suffix(2).reduce(0, +))
        }
        frequencies += [UInt32](repeating: 1, count: alphabetSize - frequencies.count)
        for frequencies in [frequencies, frequencies.reversed()] {
            let code = HuffmanCode(frequencies: frequencies, maximumLength: maximumLength)
            Self.check(code, maximumLength: maximumLength)
            #expect(code.codewords.map(\.length).max() == UInt16(maximumLength))
            let least = Self.leastSize(frequencies, maximumLength: maximumLength)
            #expect(Self.size(code, frequencies) >= least)
            // What is moved up is not what would be best, only next to it.
            #expect(Self.size(code, frequencies) <= least + least / 8)
        }
    }

    @Test("Of random frequencies none could be coded shorter", arguments: [UInt64.random(in: 0...UInt64.max)])
    func random(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for (alphabetSize, maximumLength) in [(286, 15), (30, 15), (19, 7)] {
            var code = HuffmanCode(alphabetSize: alphabetSize, maximumLength: maximumLength)
            for _ in 0..<200 {
                let (most, zeros) = (1 << random.below(17), random.below(4))
                let frequencies = (0..<alphabetSize).map { _ in
                    random.below(4) < zeros ? 0 : UInt32(random.below(most) + 1)
                }
                code.update(frequencies: frequencies)
                Self.check(code, maximumLength: maximumLength, "seed \(seed)")
                guard frequencies.count(where: { $0 > 0 }) > 1 else { continue }
                #expect(
                    zip(code.codewords, frequencies).allSatisfy { ($0.length > 0) == ($1 > 0) },
                    "seed \(seed)"
                )
                let size = Self.size(code, frequencies)
                let least = Self.leastSize(frequencies, maximumLength: maximumLength)
                #expect(size >= least, "seed \(seed)")
                // Above the least only where the limit is in the way.
                if least == Self.leastSize(frequencies) { #expect(size == least, "seed \(seed)") }
                #expect(size <= least + least / 8, "seed \(seed)")
                // Made anew it is the same.
                let again = HuffmanCode(frequencies: frequencies, maximumLength: maximumLength)
                #expect(again.codewords == code.codewords, "seed \(seed)")
            }
        }
    }
}
