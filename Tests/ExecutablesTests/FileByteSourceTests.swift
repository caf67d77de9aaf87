import Foundation
import Testing

@testable import Executables

@Suite("Bytes of a file")
struct FileByteSourceTests {
    @Test("Ranges read like those of the same bytes in memory, and none beyond the end")
    func ranges() throws {
        try withTemporaryDirectory { directory in
            let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 * 7) }
            let path = directory.appending(path: "file").path
            try Data(bytes).write(to: URL(filePath: path))
            try FileByteSource.withFile(at: path) { file in
                #expect(file.size == 5000)
                for range: Range<UInt64> in [0..<0, 0..<1, 4999..<5000, 0..<5000, 123..<4321, 5000..<5000] {
                    let read = try file.bytes(in: range)
                    #expect(read == Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
                    let copied = try bytes.bytes(in: range)
                    #expect(copied == read)
                }
                for range: Range<UInt64> in [
                    0..<5001, 5000..<5001, 6000..<6000, 0 ..< .max, UInt64.max - 1 ..< .max,
                ] {
                    #expect(throws: ByteSourceError.outOfBounds) { try file.bytes(in: range) }
                    #expect(throws: ByteSourceError.outOfBounds) { try bytes.bytes(in: range) }
                }
                #expect(throws: ByteSourceError.outOfBounds) { try file.bytes(at: .max, length: 2) }
                let rest = try file.bytes(at: 4990, atMost: 100)
                #expect(rest.count == 10)
                #expect(throws: ByteSourceError.outOfBounds) { try file.bytes(at: 5001, atMost: 1) }
            }
        }
    }

    @Test("A file that shrinks after opening fails the read")
    func shrinking() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending(path: "file").path
            try Data(count: 1000).write(to: URL(filePath: path))
            try FileByteSource.withFile(at: path) { file in
                #expect(truncate(path, 10) == 0)
                #expect(throws: ByteSourceError.outOfBounds) { try file.bytes(in: 0..<1000) }
            }
        }
    }

    @Test("A directory, a FIFO and a missing file are errors at once")
    func notRegular() throws {
        try withTemporaryDirectory { directory in
            let fifo = directory.appending(path: "fifo").path
            #expect(mkfifo(fifo, 0o600) == 0)
            for path in [directory.path, fifo] {
                #expect(throws: ByteSourceError.notARegularFile) {
                    try FileByteSource.withFile(at: path) { $0.size }
                }
            }
            let missing = directory.appending(path: "missing").path
            #expect(throws: ByteSourceError.system(errno: ENOENT)) {
                try FileByteSource.withFile(at: missing) { $0.size }
            }
        }
    }
}

/// Makes a folder of its own for a test and removes it afterwards.
func withTemporaryDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appending(path: "berth-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try body(directory)
}
