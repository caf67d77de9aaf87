import Foundation
import Testing

@testable import Archive

@Suite("Deflate")
struct DeflateEncoderTests {
    /// What a piece may be larger than it was, as the encoder promises.
    private static func bound(_ size: Int) -> Int { size + 11 * (size / 32_768 + 1) + 10 }

    /// Compresses as a stream of one piece, and has zlib take it apart.
    @discardableResult
    private static func check(_ bytes: [UInt8], _ comment: String = "") throws -> [UInt8] {
        var encoder = DeflateEncoder()
        let deflated = encoder.encode(bytes, isLast: true)
        #expect(try inflated(deflated, of: bytes) == bytes, "\(comment)")
        #expect(deflated.count <= bound(bytes.count), "\(comment)")
        return deflated
    }

    private static let kinds: [(name: String, bytes: [UInt8])] = [
        ("nothing", []), ("a byte", [7]), ("every byte", Array(0...255)),
        ("every byte, many times", (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }),
        ("zeros", [UInt8](repeating: 0, count: 3_000_000)),
        ("two bytes in turn", (0..<100_000).map { UInt8($0 & 1) }),
        ("three bytes in turn", (0..<100_000).map { UInt8($0 % 3) }),
        ("noise", noise(count: 500_000, seed: 1)),
        ("noise of few values", noise(count: 300_000, seed: 2).map { $0 & 3 }),
        ("noise of almost always the same value", noise(count: 300_000, seed: 3).map { $0 > 250 ? $0 : 0 }),
        ("text", text(lineCount: 20_000)), ("words", compressibleBytes(count: 1_500_000, seed: 4)),
        ("Fibonacci's frequencies", fibonacciBytes(valueCount: 25, seed: 5)),
        ("noise that comes twice", noise(count: 30_000, seed: 6) + noise(count: 30_000, seed: 6)),
        (
            "noise, then zeros, then noise",
            noise(count: 70_000, seed: 7) + [UInt8](repeating: 0, count: 70_000)
                + noise(count: 70_000, seed: 8)
        ),
    ]

    @Test("zlib makes of it what it was made of", arguments: kinds)
    func roundTrip(kind: (name: String, bytes: [UInt8])) throws { try Self.check(kind.bytes) }

    @Test("Nothing and next to nothing are as short as they can be")
    func short() throws {
        // A block in the fixed code that holds its end alone; an `a` takes eight bits more.
        #expect(try Self.check([]) == [0x03, 0x00])
        #expect(try Self.check(Array("a".utf8)) == [0x4B, 0x04, 0x00])
        var encoder = DeflateEncoder()
        #expect(encoder.encode([], isLast: false) == [0x00, 0x00, 0x00, 0xFF, 0xFF])
    }

    @Test("Every length from 0 to 600 comes back, whatever it is of")
    func lengths() throws {
        let (noise, words) = (noise(count: 600, seed: 10), compressibleBytes(count: 600, seed: 11))
        for length in 0...600 {
            try Self.check([UInt8](repeating: 0, count: length), "\(length) zeros")
            try Self.check((0..<length).map { UInt8($0 & 1) }, "\(length) in turn")
            try Self.check(Array(noise[..<length]), "\(length) of noise")
            try Self.check(Array(words[..<length]), "\(length) of words")
        }
    }

    @Test("Runs of every length up to three times the longest match come back")
    func runs() throws {
        var random = SplitMix64(seed: 12)
        var bytes: [UInt8] = []
        for length in 1...3 * 258 + 3 {
            bytes += [UInt8](repeating: UInt8.random(in: 0...255, using: &random), count: length)
        }
        try Self.check(bytes)
    }

    @Test(
        "What stands 32768 bytes before is the last that is referred to",
        arguments: [
            1, 2, 100, 4_096, 32_700, 32_766, 32_767, 32_768, 32_769, 32_770, 40_000, 65_535, 65_536, 65_537,
            98_304,
        ]
    )
    func distances(distance: Int) throws {
        let phrase = noise(count: min(distance, 200), seed: 13)
        let beginning = phrase + [UInt8](repeating: 0, count: distance - phrase.count)
        let deflated = try Self.check(beginning + phrase)
        guard phrase.count == 200 else { return }
        // The same values, so that codes are the same.
        let other = try Self.check(beginning + phrase.reversed())
        let saved = other.count - deflated.count
        #expect(distance <= 32_768 ? saved > 150 : abs(saved) < 20, "\(saved)")
    }

    @Test("Noise of any size grows by next to nothing, whether or not a stream ends with it")
    func incompressible() throws {
        let bytes = noise(count: 300_000, seed: 15)
        var encoder = DeflateEncoder()
        for size in [
            1, 2, 5, 31, 32, 100, 1_000, 32_767, 65_535, 65_536, 65_537, 65_794, 131_070, 131_071, 300_000,
        ] {
            for isLast in [false, true] {
                let deflated = encoder.encode(Array(bytes[..<size]), isLast: isLast)
                #expect(deflated.count <= Self.bound(size), "\(size) becomes \(deflated.count)")
            }
        }
    }

    @Test(
        "Pieces of any size make one stream, each of which may refer to the one before it",
        arguments: [UInt64.random(in: 0...UInt64.max)]
    )
    func pieces(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<8 {
            let bytes = patchwork(count: Int.random(in: 0...400_000, using: &random), using: &random)
            var encoder = DeflateEncoder()
            var (deflated, start): ([UInt8], Int) = ([], 0)
            repeat {
                let most = 1 << Int.random(in: 0...18, using: &random)
                let end = min(bytes.count, start + Int.random(in: 0...most, using: &random))
                let isLast = end == bytes.count
                let piece = encoder.encode(Array(bytes[..<end]), from: start, isLast: isLast)
                #expect(isLast || piece.suffix(4) == [0, 0, 0xFF, 0xFF], "seed \(seed)")
                // Neither what the encoder did before nor what stands far away makes a difference.
                var other = DeflateEncoder()
                let window = max(0, start - 32_768)
                let again = other.encode(Array(bytes[window..<end]), from: start - window, isLast: isLast)
                #expect(piece == again, "seed \(seed)")
                deflated += piece
                start = end
            } while start < bytes.count
            #expect(try inflated(deflated, of: bytes) == bytes, "seed \(seed)")
        }
    }

    @Test("A piece refers to what stands before it")
    func window() {
        let bytes = noise(count: 20_000, seed: 16)
        var encoder = DeflateEncoder()
        #expect(encoder.encode(bytes + bytes, from: bytes.count, isLast: true).count < 500)
        #expect(encoder.encode(bytes, isLast: true).count > bytes.count)
    }

    @Test("Whatever is put together at random comes back", arguments: [UInt64.random(in: 0...UInt64.max)])
    func patchworks(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<60 {
            let most = 1 << Int.random(in: 0...18, using: &random)
            let count = Int.random(in: 0...most, using: &random)
            try Self.check(patchwork(count: count, using: &random), "seed \(seed)")
        }
    }

    @Test("Encoders on many threads at once make the same bytes")
    func threads() async {
        let bytes = (0..<8).map { compressibleBytes(count: 200_000, seed: UInt64($0)) }
        let alone = bytes.map { bytes in
            var encoder = DeflateEncoder()
            return encoder.encode(bytes, isLast: true)
        }
        let pool = WorkerPool(workerCount: 4)
        let results = (0..<64).map { index in
            pool.submit {
                var encoder = DeflateEncoder()
                return encoder.encode(bytes[index % 8], isLast: true)
            }
        }
        for (index, result) in results.enumerated() { #expect(await result.value() == alone[index % 8]) }
    }

    @Test("gzip and Python's zlib take it as well")
    func otherReaders() throws {
        try withTemporaryDirectory { directory in
            for (index, kind) in Self.kinds.enumerated() {
                var encoder = DeflateEncoder()
                let deflated = encoder.encode(kind.bytes, isLast: true)
                let path = directory.appending(path: "\(index)")
                try Data(kind.bytes).write(to: path)
                try Data(gzipMember(deflated, of: kind.bytes)).write(to: path.appendingPathExtension("gz"))
                try Data(deflated).write(to: path.appendingPathExtension("deflate"))
            }
            try run("sh", ["-c", "cd '\(directory.path)' && gzip -t *.gz"])
            let script = """
                import pathlib, sys, zlib
                paths = list(pathlib.Path(sys.argv[1]).glob("*.deflate"))
                for path in paths:
                    reader = zlib.decompressobj(-15)
                    assert reader.decompress(path.read_bytes()) == path.with_suffix("").read_bytes(), path
                    assert reader.eof and not reader.unused_data, path
                print(len(paths))
                """
            #expect(try run("python3", ["-c", script, directory.path]) == "\(Self.kinds.count)\n")
        }
    }
}
