import Foundation
import Testing

@testable import Archive

@Suite("Gzip in blocks")
struct GzipStreamTests {
    private static let blockSize = GzipStream.blockSize

    private static func compress(
        _ bytes: [UInt8],
        after prefix: GzipPrefix = GzipPrefix(),
        workers: Int = 2,
        appendSizes: @escaping () -> Int = { 65_536 }
    ) async throws -> [UInt8] {
        var stream = GzipStream(after: prefix, pool: WorkerPool(workerCount: workers))
        var compressed = prefix.bytes
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + appendSizes())
            for chunk in try await stream.append(Array(bytes[start..<end])) { compressed += chunk }
            start = end
        }
        for chunk in try await stream.finish() { compressed += chunk }
        return compressed
    }

    /// Lets `gzip` check the checksum and size, and gives what it unpacks.
    private static func decompress(_ compressed: [UInt8]) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let path = directory.appending(path: "file.gz").path
            try Data(compressed).write(to: URL(filePath: path))
            try run("gzip", ["-t", path])
            try run("gzip", ["-d", path])
            return Array(try Data(contentsOf: directory.appending(path: "file")))
        }
    }

    @Test(
        "gzip unpacks what went in, at every edge of a block",
        arguments: [
            0, 1, 1000, blockSize - 1, blockSize, blockSize + 1, 2 * blockSize, 3 * blockSize + 12_345,
        ]
    )
    func roundTrip(size: Int) async throws {
        let bytes = compressibleBytes(count: size, seed: 1)
        let compressed = try await Self.compress(bytes)
        #expect(try Self.decompress(compressed) == bytes)
        #expect(compressed[..<10] == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])
    }

    @Test("Noise grows by next to nothing, and zeros shrink to next to nothing")
    func extremes() async throws {
        var random = SplitMix64(seed: 2)
        let noise = (0..<300_000).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
        let compressedNoise = try await Self.compress(noise)
        #expect(compressedNoise.count < noise.count + noise.count / 1000)
        #expect(try Self.decompress(compressedNoise) == noise)

        let zeros = [UInt8](repeating: 0, count: 5_000_000)
        let compressedZeros = try await Self.compress(zeros)
        #expect(compressedZeros.count < zeros.count / 100)
        #expect(try Self.decompress(compressedZeros) == zeros)
    }

    @Test("A block refers back to the one before it", arguments: [Deflate.Level.fastest, .smallest])
    func window(level: Deflate.Level) {
        let bytes = compressibleBytes(count: 20_000, seed: 3)
        let alone = Deflate.compress(bytes, isLast: true, level: level)
        let after = Deflate.compress(bytes + bytes, from: bytes.count, isLast: true, level: level)
        #expect(after.count < alone.count / 20)
    }

    @Test("The bytes are the same for any number of workers", arguments: [1, 2, 3, 8])
    func workerCounts(workers: Int) async throws {
        let bytes = compressibleBytes(count: 5 * Self.blockSize + 77, seed: 4)
        let compressed = try await Self.compress(bytes, workers: workers)
        // Made apart from the stream, block by block.
        var expected: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        for start in stride(from: 0, through: bytes.count, by: Self.blockSize) {
            expected += Deflate.compress(
                Array(bytes[..<min(bytes.count, start + Self.blockSize)]),
                from: start,
                isLast: start + Self.blockSize > bytes.count
            )
        }
        #expect(Array(compressed.dropLast(8)) == expected)
    }

    @Test(
        "The bytes are the same for any sizes of append",
        arguments: [1, 7, 4096, 65_537, 1_048_576, 3_145_728]
    )
    func appendSizes(size: Int) async throws {
        // A byte at a time is slow in a debug build: across one edge of a block is enough.
        let bytes = compressibleBytes(count: Self.blockSize + (size == 1 ? 99 : 2_500_000), seed: 5)
        let expected = try await Self.compress(bytes, appendSizes: { bytes.count })
        #expect(try await Self.compress(bytes, appendSizes: { size }) == expected)
    }

    @Test("The bytes are the same for random sizes of append", arguments: [UInt64.random(in: 0...UInt64.max)])
    func randomAppendSizes(seed: UInt64) async throws {
        let bytes = compressibleBytes(count: 3_333_333, seed: seed)
        let expected = try await Self.compress(bytes, appendSizes: { bytes.count })
        var random = SplitMix64(seed: seed)
        for workers in 1...3 {
            let sizes = (0..<100_000).map { _ in
                Int.random(in: 0...1 << Int.random(in: 0...21, using: &random), using: &random)
            }
            var next = sizes.makeIterator()
            let compressed = try await Self.compress(
                bytes,
                workers: workers,
                appendSizes: { next.next() ?? bytes.count }
            )
            #expect(compressed == expected, "seed \(seed)")
        }
    }

    @Test("What follows a prefix is as it would be alone, and gzip unpacks both as one member")
    func prefixes() async throws {
        let bytes = compressibleBytes(count: Self.blockSize + 5, seed: 6)
        let contents = compressibleBytes(count: 200_000, seed: 7)
        let prefix = GzipPrefix(contents: contents)
        let compressed = try await Self.compress(bytes, after: prefix)
        #expect(compressed.starts(with: prefix.bytes))
        #expect(try Self.decompress(compressed) == contents + bytes)
        let alone = try await Self.compress(bytes)
        #expect(compressed.dropFirst(prefix.bytes.count).dropLast(8) == alone.dropFirst(10).dropLast(8))

        let nothing = try await Self.compress([], after: prefix)
        #expect(try Self.decompress(nothing) == contents)
    }

    @Test("Compressed bytes come while more is appended, and no more blocks wait than there is room for")
    func backPressure() async throws {
        var stream = GzipStream(after: GzipPrefix(), pool: WorkerPool(workerCount: 1))
        let block = compressibleBytes(count: Self.blockSize, seed: 8)
        var chunks = 0
        for appended in 1...8 {
            chunks += try await stream.append(block).count
            // All blocks but the two that one worker may have in flight.
            #expect(chunks >= appended - 2)
        }
    }

    @Test("A cancelled task stops at the next append")
    func cancellation() async throws {
        let task = Task {
            var stream = GzipStream(after: GzipPrefix(), pool: WorkerPool(workerCount: 1))
            let block = compressibleBytes(count: 100_000, seed: 9)
            while true { _ = try await stream.append(block) }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("A checksum of parts is that of the whole, and the one that everybody computes")
    func checksums() {
        #expect(CRC32(of: Array("123456789".utf8)).value == 0xCBF4_3926)
        #expect(CRC32().value == 0)
        let bytes = compressibleBytes(count: 100_003, seed: 10)
        for cut in [0, 1, 50_000, 100_002, 100_003] {
            var checksum = CRC32(of: Array(bytes[..<cut]))
            checksum.append(CRC32(of: Array(bytes[cut...])))
            #expect(checksum == CRC32(of: bytes))
        }
    }
}
