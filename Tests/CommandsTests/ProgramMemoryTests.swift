import Glibc
import Testing

@testable import Commands

@Suite("The program's own memory")
struct ProgramMemoryTests {
    @Test("What was used of the code and the constants is given back, and mapped again where it is needed")
    func release() throws {
        let before = try residentOfFiles()
        ProgramMemory.releaseUsed()
        let after = try residentOfFiles()
        #expect(after < before)
    }

    /// How many KiB of files are counted for this process.
    private func residentOfFiles() throws -> Int {
        let file = try #require(fopen("/proc/self/status", "r"))
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            let fields = text.split { $0.isWhitespace }
            if fields.first == "RssFile:" { return try #require(Int(fields[1])) }
        }
        throw CancellationError()
    }
}
