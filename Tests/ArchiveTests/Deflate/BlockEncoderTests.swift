import Testing

@testable import Archive

@Suite("Blocks of deflate")
struct BlockEncoderTests {
    private static func block(of literals: [UInt8]) -> DeflateBlock {
        var block = DeflateBlock()
        block.reset()
        for byte in literals { block.literalFrequencies[Int(byte)] += 1 }
        return block
    }

    /// Writes a block behind some bits of an empty block in the fixed code, as the last one.
    private static func written(_ block: DeflateBlock, of bytes: [UInt8], emptyBlocks: Int = 0) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: BlockEncoder.maximumOutputSize + 200)
        var writer = BitWriter()
        var encoder = BlockEncoder()
        do {
            var span = output.mutableSpan
            var raw = span.mutableBytes
            for _ in 0..<emptyBlocks {
                // Not the last; the fixed code; the end, which is seven zeros: ten bits.
                writer.put(0b010, count: 10)
                writer.flush(to: &raw)
            }
            encoder.write(block, of: bytes.span.bytes, isLast: true, with: &writer, to: &raw)
            writer.align(to: &raw)
        }
        return Array(output[..<writer.byteCount])
    }

    /// The form of the first block, as its header says.
    private static func form(_ deflated: [UInt8]) -> UInt8? { deflated.first.map { $0 >> 1 & 3 } }

    @Test("Literals whose codes are as long as codes get come back")
    func deepCodes() throws {
        let bytes = fibonacciBytes(valueCount: 22, seed: 1)
        let deflated = Self.written(Self.block(of: bytes), of: bytes)
        #expect(Self.form(deflated) == 2)
        #expect(try inflated(deflated, of: bytes) == bytes)
    }

    @Test("The form is the one that takes the fewest bytes, wherever in a byte it begins", arguments: 0...9)
    func forms(emptyBlocks: Int) throws {
        let inputs: [(form: UInt8, bytes: [UInt8])] = [
            (1, []), (1, Array("abc".utf8)), (0, noise(count: 5_000, seed: 2)),
            (2, noise(count: 5_000, seed: 3).map { $0 & 15 }),
            (0, noise(count: DeflateBlock.maximumSize, seed: 4)),
        ]
        for (form, bytes) in inputs {
            let block = Self.block(of: bytes)
            let alone = Self.written(block, of: bytes)
            #expect(Self.form(alone) == form)
            let behind = Self.written(block, of: bytes, emptyBlocks: emptyBlocks)
            #expect(try inflated(behind, of: bytes) == bytes)
            #expect(behind.count <= bytes.count + (10 * emptyBlocks + 7) / 8 + 11)
        }
    }

    @Test("Every length and every distance comes back", arguments: [2, 3, 7, 100, 258])
    func matches(stride step: Int) throws {
        // Matches of every length at distances all over, written by hand.
        var bytes = noise(count: 33_000, seed: 5)
        var block = Self.block(of: bytes)
        var distance = 1
        for length in 3...258 {
            block.matches[block.matchCount] = DeflateBlock.Match(
                literalCount: block.matchCount == 0 ? 33_000 : 0,
                length: UInt16(length),
                distance: UInt16(distance)
            )
            block.matchCount += 1
            block.literalFrequencies[257 + DeflateFormat.parts(ofLength: length).symbol] += 1
            block.distanceFrequencies[DeflateFormat.parts(ofDistance: distance).symbol] += 1
            for _ in 0..<length { bytes.append(bytes[bytes.count - distance]) }
            distance = min(32_768, distance * step / 2 + 1)
            if distance == 32_768, length % 2 == 0 { distance = length }
        }
        let deflated = Self.written(block, of: bytes)
        #expect(try inflated(deflated, of: bytes) == bytes)
    }

    @Test("Lengths and distances have the symbols of RFC 1951, section 3.2.5")
    func symbols() {
        let lengthBases = [
            3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
            163, 195, 227, 258,
        ]
        for length in 3...258 {
            let symbol = lengthBases.lastIndex { $0 <= length } ?? 0
            let parts = DeflateFormat.parts(ofLength: length)
            #expect(parts.symbol == symbol)
            #expect(parts.extraBits == UInt64(length - lengthBases[symbol]))
            #expect(parts.extraBitCount == DeflateFormat.extraBitCount(ofLengthSymbol: symbol))
            #expect(parts.extraBits < 1 << parts.extraBitCount)
        }
        var base = 1
        for symbol in 0..<30 {
            let extraBitCount = DeflateFormat.extraBitCount(ofDistanceSymbol: symbol)
            #expect(extraBitCount == max(0, symbol / 2 - 1))
            for distance in base..<base + 1 << extraBitCount {
                let parts = DeflateFormat.parts(ofDistance: distance)
                guard parts.symbol == symbol, parts.extraBitCount == extraBitCount,
                    parts.extraBits == UInt64(distance - base)
                else {
                    Issue.record("distance \(distance)")
                    return
                }
            }
            base += 1 << extraBitCount
        }
        #expect(base == 32_769)
    }
}
