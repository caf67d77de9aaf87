import TestSupport
import Testing

@testable import Server

/// Which part of a blob a client asks for.
@Suite("Byte range")
struct ByteRangeTests {
    @Test(
        "One range is read as RFC 9110 says",
        arguments: [
            (nil, 10, .whole),
            ("bytes=0-0", 10, .part(0..<1)),
            ("bytes=0-9", 10, .part(0..<10)),
            ("bytes=0-10", 10, .part(0..<10)),
            ("bytes=3-5", 10, .part(3..<6)),
            ("bytes=9-", 10, .part(9..<10)),
            ("bytes=0-", 10, .part(0..<10)),
            ("bytes=-1", 10, .part(9..<10)),
            ("bytes=-10", 10, .part(0..<10)),
            ("bytes=-11", 10, .part(0..<10)),
            ("bytes=-99999999999999999999", 10, .part(0..<10)),
            ("bytes=5-99999999999999999999", 10, .part(5..<10)),
            ("BYTES=1-2", 10, .part(1..<3)),
            ("bytes=10-", 10, .unsatisfiable),
            ("bytes=10-20", 10, .unsatisfiable),
            ("bytes=99999999999999999999-", 10, .unsatisfiable),
            ("bytes=-0", 10, .unsatisfiable),
            ("bytes=5-4", 10, .unsatisfiable),
        ] as [(String?, Int64, ByteRange)]
    )
    func single(header: String?, size: Int64, expected: ByteRange) {
        #expect(ByteRange(header, size: size) == expected)
    }

    @Test(
        "What cannot be read, or is more than one range, asks for the whole",
        arguments: [
            "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=1-2,4-5", "bytes=0-1, -1",
            "items=0-1",
            "bytes 0-1", "bytes=+1-2", "bytes=1-2-3", "bytes=--1", "bytes=0x1-2", "bytes=1- 2",
            "bytes=0-1;", "bytes=１-2", "bytes=1-2\u{0}", "=0-1", "bytes==0-1",
        ]
    )
    func ignored(header: String) { #expect(ByteRange(header, size: 10) == .whole) }

    @Test(
        "Nothing has no parts, so that all of it is given whatever is asked for",
        arguments: ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=5-", "bytes=-0"]
    )
    func empty(header: String) { #expect(ByteRange(header, size: 0) == .whole) }

    @Test("A part lies within the blob and holds just what was asked for")
    func randomRanges() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        for _ in 1...5000 {
            let size = Int64.random(in: 1...20, using: &random)
            let first = random.once(in: 4) ? nil : Int64.random(in: 0...25, using: &random)
            let last = random.once(in: 4) ? nil : Int64.random(in: 0...25, using: &random)
            let header = "bytes=\(first.map(String.init) ?? "")-\(last.map(String.init) ?? "")"
            let wanted: [Int64]? =
                switch (first, last) {
                case (nil, nil): nil
                case (let first?, nil): (0..<size).filter { $0 >= first }
                case (nil, let count?): (0..<size).filter { $0 >= size - count }
                case (let first?, let last?): (0..<size).filter { $0 >= first && $0 <= last }
                }
            let range = ByteRange(header, size: size)
            switch (range, wanted) {
            case (.whole, nil): break
            case (.unsatisfiable, let wanted?): #expect(wanted.isEmpty, "seed \(seed): \(header) of \(size)")
            case (.part(let part), let wanted?):
                #expect(Array(part) == wanted, "seed \(seed): \(header) of \(size)")
            default: Issue.record("seed \(seed): \(header) of \(size) is \(range)")
            }
        }
    }

    @Test(
        "The Content-Range of an upload's chunk",
        arguments: [
            ("0-0", 0..<1), ("0-9", 0..<10), ("10-10", 10..<11), ("007-8", 7..<9),
            ("9223372036854775806-9223372036854775806", (.max - 1)..<(.max)),
        ] as [(String, Range<Int64>)]
    )
    func contentRange(header: String, expected: Range<Int64>) {
        #expect(ContentRange.parse(header) == expected)
    }

    @Test(
        "A Content-Range that is none",
        arguments: [
            "", "-", "0", "0-", "-0", "1-0", "a-b", "0-1-2", "0-9223372036854775807",
            "0-99999999999999999999", "+0-1",
            "0--1", " 0-1", "0-1 ", "bytes 0-1/2", "bytes=0-1", "0-1/2", "０-1", "0x0-0x1",
        ]
    )
    func malformedContentRange(header: String) { #expect(ContentRange.parse(header) == nil) }
}
