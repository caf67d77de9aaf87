import Foundation
import TestSupport
import Testing

@testable import Server

/// Paths and queries: decoded once, strictly, and never into more parts than there were.
@Suite("Request targets in any spelling")
struct TargetFuzzTests {
    private let seed = TestSeed.current

    /// A text with some of its bytes percent-encoded, and all those that would mean something.
    private static func encode(_ text: String, _ random: inout SplitMix) -> String {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:@!$'()*,;+".utf8)
        var encoded = ""
        for byte in text.utf8 {
            if plain.contains(byte), !random.once(in: 4) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: random.once(in: 2))
                encoded += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return encoded
    }

    private static func part(_ random: inout SplitMix) -> String {
        let fragments = HostileText.fragments.filter {
            !$0.utf8.contains(0) && !$0.utf8.contains(UInt8(ascii: "/"))
        }
        return (0..<Int.random(in: 0...4, using: &random)).map { _ in random.pick(fragments) }.joined()
    }

    @Test("What was encoded comes back, part by part")
    func roundTrip() throws {
        var random = seed.random()
        for _ in 1...600 {
            let segments = (0...Int.random(in: 0...4, using: &random)).map { _ in Self.part(&random) }
            let items = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                Query.Item(name: Self.part(&random) + "n", value: Self.part(&random))
            }
            var target = ""
            for segment in segments { target += "/" + Self.encode(segment, &random) }
            let query = items.map { item in
                Self.encode(item.name, &random) + "=" + Self.encode(item.value, &random)
            }
            if !items.isEmpty { target += "?" + query.joined(separator: random.pick(["&", "&&"])) }
            let parsed = try RequestTarget(target)
            #expect(
                parsed.segments.map { Array($0.utf8) } == segments.map { Array($0.utf8) },
                "\(seed): \(target)"
            )
            #expect(parsed.query.items == items, "\(seed): \(target)")
            for item in items { #expect(parsed.query[item.name] != nil, "\(seed): \(target)") }
        }
    }

    @Test("Percent-encoding means what it means to everybody")
    func agreement() {
        var random = seed.random(1)
        var refused = 0
        for _ in 1...2000 {
            let text = random.damage(Self.encode(Self.part(&random), &random))
            let expected = text.removingPercentEncoding.flatMap { $0.utf8.contains(0) ? nil : $0 }
            let decoded = PercentDecoding.decode(text[...])
            // The other reader drops a byte order mark, and mends what is no UTF-8.
            if decoded?.unicodeScalars.first == "\u{FEFF}" { continue }
            if decoded == nil, expected?.unicodeScalars.contains("\u{FFFD}") == true { continue }
            #expect(
                decoded.map { Array($0.utf8) } == expected.map { Array($0.utf8) },
                "\(seed): \(text.debugDescription)"
            )
            if decoded == nil { refused += 1 }
        }
        #expect(refused > 100, "\(seed)")
    }

    @Test("Bytes that are no UTF-8 are refused, in each of their encodings")
    func bytes() {
        var random = seed.random(2)
        for _ in 1...2000 {
            let bytes = random.bytes(Int.random(in: 1...6, using: &random))
            let encoded = bytes.map { $0 < 16 ? "%0" + String($0, radix: 16) : "%" + String($0, radix: 16) }
                .joined()
            let expected = bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
            #expect(PercentDecoding.decode(encoded[...]) == expected, "\(seed): \(encoded)")
        }
        // Overlong, beyond Unicode, and a half of a pair.
        for encoded in ["%c0%80", "%c0%af", "%e0%80%af", "%f0%80%80%af", "%f5%80%80%80", "%ed%a0%80", "%80"] {
            #expect(PercentDecoding.decode(encoded[...]) == nil, "\(encoded)")
        }
    }

    @Test("No part holds a slash or a NUL, whatever came")
    func segments() {
        var random = seed.random(3)
        let starts = ["/", "/v2/a/blobs/uploads/", "/v2/a/tags/list?n=1&last=b", "/%C3%A9/a?b=%26", "/a//b/"]
        for _ in 1...2000 {
            let target = random.damage(random.damage(random.pick(starts)))
            guard let parsed = try? RequestTarget(target) else { continue }
            for segment in parsed.segments {
                #expect(!segment.utf8.contains(UInt8(ascii: "/")), "\(seed): \(target.debugDescription)")
                #expect(!segment.utf8.contains(0), "\(seed): \(target.debugDescription)")
            }
            let slashes = parsed.path.utf8.count { $0 == UInt8(ascii: "/") }
            #expect(parsed.segments.count == slashes, "\(seed): \(target.debugDescription)")
            for item in parsed.query.items {
                #expect(!item.name.utf8.contains(0) && !item.value.utf8.contains(0), "\(seed)")
            }
        }
    }

    @Test("A request line of any length is taken apart or refused")
    func long() {
        for text in HostileText.long {
            _ = try? RequestTarget(text)
            _ = try? RequestTarget("/" + text)
            _ = try? RequestTarget("/?" + text)
        }
    }
}
