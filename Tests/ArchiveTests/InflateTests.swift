import Foundation
import Testing

@testable import Archive

@Suite("Decompressing")
struct InflateTests {
    /// What Python's zlib makes of bytes.
    private func compressed(_ bytes: [UInt8]) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let (source, output) = (directory.appending(path: "in"), directory.appending(path: "out"))
            try Data(bytes).write(to: source)
            let script =
                "import sys, zlib; open(sys.argv[2], 'wb').write(zlib.compress(open(sys.argv[1], 'rb').read()))"
            try run("python3", ["-c", script, source.path, output.path])
            return Array(try Data(contentsOf: output))
        }
    }

    @Test("What another tool has compressed comes back", arguments: [0, 1, 65_535, 65_536, 65_537, 300_000])
    func roundTrip(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
        let stream = try compressed(bytes)
        #expect(try Inflate.zlib(stream, limit: count) == bytes)
        #expect(try Inflate.zlib(stream + [1, 2, 3], limit: count + 1) == bytes)
        guard count > 0 else { return }
        #expect(throws: Inflate.Failure.tooLarge) { try Inflate.zlib(stream, limit: count - 1) }
    }

    @Test("A stream cut anywhere, or with a bit that is wrong, gives nothing wrong")
    func damage() throws {
        let bytes = Array("a stream with a checksum at its end, a stream".utf8)
        let stream = try compressed(bytes)
        for length in 0..<stream.count {
            #expect(throws: Inflate.Failure.malformed, "\(length)") {
                try Inflate.zlib(Array(stream[..<length]), limit: 1_000)
            }
        }
        for bit in 0..<stream.count * 8 {
            var flipped = stream
            flipped[bit / 8] ^= 1 << (bit % 8)
            // A few bits, such as those about the window's size, make no difference to a stream as short.
            let contents = try? Inflate.zlib(flipped, limit: 1_000)
            #expect(contents == nil || contents == bytes, "\(bit)")
        }
    }

    @Test("A few bytes that become many stop at the limit")
    func bomb() throws {
        let stream = try compressed([UInt8](repeating: 0, count: 50_000_000))
        #expect(stream.count < 60_000)
        #expect(throws: Inflate.Failure.tooLarge) { try Inflate.zlib(stream, limit: 100_000) }
    }
}
