import TestSupport
import Testing

@testable import Server

/// The parts of a URL, decoded.
@Suite("Request target")
struct RequestTargetTests {
    @Test(
        "A path falls apart at its slashes",
        arguments: [
            ("/", [""]), ("/a", ["a"]), ("/a/", ["a", ""]), ("/a//b", ["a", "", "b"]), ("//", ["", ""]),
            ("/a?b/c", ["a"]), ("/a%3fb", ["a?b"]), ("/a+b", ["a+b"]), ("/%C3%A9", ["é"]), ("/..", [".."]),
        ]
    )
    func segments(target: String, expected: [String]) throws {
        #expect(try RequestTarget(target).segments == expected)
    }

    @Test(
        "What does not begin with a slash is no path",
        arguments: ["", "a", "?", "*", "http://x/", "%2f", " /"]
    )
    func relative(target: String) {
        #expect(throws: EndpointError.malformedPath) { try RequestTarget(target) }
    }

    @Test(
        "A query is names and values, in order",
        arguments: [
            ("", []), ("?", []), ("?a", [("a", "")]), ("?a=", [("a", "")]), ("?=b", [("", "b")]),
            ("?a=b", [("a", "b")]), ("?a=b&c=d", [("a", "b"), ("c", "d")]),
            ("?a=1&a=2", [("a", "1"), ("a", "2")]),
            ("?a=b=c", [("a", "b=c")]), ("?&&a=b&", [("a", "b")]), ("?a=b+c", [("a", "b+c")]),
            ("?a%3Db=%26", [("a=b", "&")]), ("?a=?b", [("a", "?b")]), ("?a=%2525", [("a", "%25")]),
            ("?a=/x/y", [("a", "/x/y")]), ("?%C3%A9=%E2%82%AC", [("é", "€")]),
        ] as [(String, [(String, String)])]
    )
    func query(text: String, expected: [(String, String)]) throws {
        let items = try RequestTarget("/a\(text)").query.items
        #expect(items.map(\.name) == expected.map(\.0))
        #expect(items.map(\.value) == expected.map(\.1))
    }

    @Test("The first of several values counts, and a name is looked up as it is written")
    func lookUp() throws {
        let query = try Query("a=1&a=2&B=3")
        #expect(query["a"] == "1")
        #expect(query["B"] == "3")
        #expect(query["b"] == nil)
    }

    @Test(
        "A query with a broken escape or a NUL is malformed",
        arguments: ["a=%", "%zz", "a=%0", "a%00=b", "a=%ff"]
    )
    func malformedQuery(text: String) {
        #expect(throws: EndpointError.malformedQuery) { try RequestTarget("/?\(text)") }
    }

    @Test(
        "Broken escapes decode to nothing",
        arguments: [
            "%", "%0", "a%", "%%", "%%41", "%4", "%g1", "%1g", "%-1", "%+1", "% 1", "%00", "%80", "%c3",
            "\u{0}",
        ]
    )
    func brokenEscapes(text: String) {
        #expect(PercentDecoding.decode(text[...]) == nil)
    }

    @Test("Whatever is encoded comes back, and is decoded once")
    func roundTrip() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        for _ in 1...2000 {
            let scalars = (0..<Int.random(in: 0...20, using: &random)).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 1...0x10FFFF, using: &random))
            }
            let text = scalars.reduce(into: "") { $0.unicodeScalars.append($1) }
            let encoded = text.utf8.map { byte in
                let digits = String(byte, radix: 16, uppercase: random.once(in: 2))
                return "%" + (digits.count < 2 ? "0" : "") + digits
            }.joined()
            #expect(PercentDecoding.decode(encoded[...]) == text, "seed \(seed)")
            let twice = encoded.replacing("%", with: "%25")
            #expect(PercentDecoding.decode(twice[...]) == encoded, "seed \(seed)")
        }
    }

    @Test("Random bytes decode or do not, and never to a NUL")
    func randomBytes() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        for _ in 1...5000 {
            let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                random.once(in: 3) ? UInt8(ascii: "%") : UInt8.random(in: 0x20...0x7E, using: &random)
            }
            if let decoded = PercentDecoding.decode(String(decoding: bytes, as: UTF8.self)[...]) {
                #expect(!decoded.utf8.contains(0), "seed \(seed)")
            }
        }
    }
}
