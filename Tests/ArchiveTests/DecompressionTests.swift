import Foundation
import Testing

@testable import Archive

@Suite("Decompressing streams")
struct DecompressionTests {
    /// What a tool on the command line makes of bytes.
    private static func compressed(_ bytes: [UInt8], _ tool: String, _ options: [String]) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let path = directory.appending(path: "file").path
            try Data(bytes).write(to: URL(filePath: path))
            try run(tool, options + ["-q", "-k", path])
            let output = path + (tool == "gzip" ? ".gz" : ".zst")
            return Array(try Data(contentsOf: URL(filePath: output)))
        }
    }

    private static func decompressed(
        _ stream: [UInt8],
        appendSizes: () -> Int = { 65_536 },
        limit: Int = .max
    ) throws -> [UInt8] {
        var decompressor = DecompressedStream(StreamCompression(beginning: stream))
        var contents: [UInt8] = []
        var start = 0
        while start < stream.count {
            let end = min(stream.count, start + appendSizes())
            decompressor.append(Array(stream[start..<end]))
            while let chunk = try decompressor.next() {
                #expect((1...DecompressedStream.chunkSize).contains(chunk.count))
                contents += chunk
                if contents.count > limit { return contents }
            }
            start = end
        }
        try decompressor.finish()
        return contents
    }

    private static let tools: [(String, [String])] = [
        ("gzip", ["-1"]), ("gzip", ["-9"]), ("zstd", ["-1"]), ("zstd", ["-19"]), ("zstd", ["--long=27"]),
    ]

    @Test(
        "What gzip and zstd have compressed comes back, in whatever sizes it is appended",
        arguments: tools,
        [0, 1, 262_143, 262_144, 262_145, 2_000_000]
    )
    func roundTrip(tool: (String, [String]), count: Int) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        let bytes = compressibleBytes(count: count, seed: seed)
        let stream = try Self.compressed(bytes, tool.0, tool.1)
        #expect(try Self.decompressed(stream) == bytes, "seed \(seed)")
        var random = SplitMix64(seed: seed)
        let again = try Self.decompressed(stream) { Int.random(in: 1...1 << 18, using: &random) }
        #expect(again == bytes, "seed \(seed)")
        if count < 2 { #expect(try Self.decompressed(stream) { 1 } == bytes) }
    }

    @Test("What is not compressed stays as it is")
    func plain() throws {
        let bytes = compressibleBytes(count: 700_000, seed: 1)
        #expect(try Self.decompressed(bytes) { 300_000 } == bytes)
    }

    @Test("Members and frames follow each other, and zeros behind members are padding")
    func several() throws {
        let (first, second) = (Array("first".utf8), Array("second".utf8))
        for tool in ["gzip", "zstd"] {
            let streams = try [first, [], second].map { try Self.compressed($0, tool, []) }
            let joined = Array(streams.joined())
            for size in [1, 7, 1000] {
                #expect(try Self.decompressed(joined) { size } == first + second, "\(tool)")
            }
            #expect(throws: DecompressionError.self, "\(tool)") { try Self.decompressed(joined + [1]) }
        }
        let gzip = try Self.compressed(first, "gzip", [])
        for size in [1, 7, 1000] {
            let padded = gzip + [UInt8](repeating: 0, count: 600)
            #expect(try Self.decompressed(padded) { size } == first)
            #expect(throws: DecompressionError.malformed) {
                try Self.decompressed(padded + gzip) { size }
            }
        }
    }

    @Test("A stream cut anywhere is cut short", arguments: ["gzip", "zstd"])
    func truncation(tool: String) throws {
        let stream = try Self.compressed(compressibleBytes(count: 600, seed: 3), tool, [])
        for length in StreamCompression.magicSize..<stream.count {
            #expect(throws: DecompressionError.cutShort, "\(length)") {
                try Self.decompressed(Array(stream[..<length]))
            }
        }
    }

    @Test("A stream with any bit flipped is refused, or gives the same", arguments: ["gzip", "zstd"])
    func damage(tool: String) throws {
        let bytes = compressibleBytes(count: 600, seed: 4)
        // zstd's checksum covers the contents; gzip's name and time are covered by nothing.
        let stream = try Self.compressed(bytes, tool, tool == "zstd" ? ["--check"] : ["-n"])
        for bit in (StreamCompression.magicSize * 8)..<stream.count * 8 {
            var flipped = stream
            flipped[bit / 8] ^= 1 << (bit % 8)
            let contents = try? Self.decompressed(flipped)
            #expect(contents == nil || contents == bytes, "\(bit)")
        }
    }

    @Test("Noise behind a magic never crashes", arguments: [UInt64.random(in: 0...UInt64.max)])
    func noise(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for magic in [[0x1F, 0x8B, 8, 0], [0x28, 0xB5, 0x2F, 0xFD]] as [[UInt8]] {
            for _ in 0..<500 {
                let count = Int.random(in: 0...400, using: &random)
                let bytes = magic + (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                _ = try? Self.decompressed(bytes, limit: 10_000_000)
            }
        }
    }

    @Test("A few bytes that become many come chunk by chunk", arguments: ["gzip", "zstd"])
    func bomb(tool: String) throws {
        let stream = try Self.compressed([UInt8](repeating: 0, count: 100_000_000), tool, [])
        #expect(stream.count < 200_000)
        let contents = try Self.decompressed(stream, appendSizes: { 1_000_000 }, limit: 1_000_000)
        #expect(contents.count <= 1_000_000 + DecompressedStream.chunkSize)
    }

    @Test("A window that takes too much memory is refused")
    func window() throws {
        // A frame's header: no single segment, no sizes; then the window, 2^(10 + n), and an empty last block.
        func frame(windowLog: UInt8) -> [UInt8] {
            [0x28, 0xB5, 0x2F, 0xFD, 0x00, (windowLog - 10) << 3, 1, 0, 0]
        }
        #expect(try Self.decompressed(frame(windowLog: 27)).isEmpty)
        #expect(throws: DecompressionError.windowTooLarge) { try Self.decompressed(frame(windowLog: 28)) }
        #expect(throws: DecompressionError.windowTooLarge) { try Self.decompressed(frame(windowLog: 31)) }
    }
}
