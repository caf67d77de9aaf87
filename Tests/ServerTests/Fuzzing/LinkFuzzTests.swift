import OCI
import Registry
import Storage
import TestSupport
import Testing

@testable import Server

/// The links by which a list goes on: whatever a client asked for, the link asks for the same.
@Suite("Links to the next page")
struct LinkFuzzTests {
    private let seed = TestSeed.current

    @Test("A value of a query comes back from a link as it was, and ends nothing in it")
    func values() throws {
        var random = seed.random()
        let fragments = HostileText.fragments.filter { !$0.utf8.contains(0) }
        for _ in 1...1000 {
            let text = (0..<Int.random(in: 0...5, using: &random)).map { _ in random.pick(fragments) }
                .joined()
            let encoded = PercentEncoding.encode(text)
            #expect(
                encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"<>&=+\"; ".utf8.contains($0) },
                "\(seed)"
            )
            let query = try Query("artifactType=\(encoded)&last=tag-3")
            #expect(query["artifactType"].map { Array($0.utf8) } == Array(text.utf8), "\(seed)")
            #expect(query["last"] == "tag-3", "\(seed)")
        }
    }

    @Test("A place in a list of referrers is read as it was written, and nothing else is a place")
    func cursors() throws {
        var random = seed.random()
        for _ in 1...1000 {
            let number = Int64.random(in: 0 ... .max, using: &random)
            for cursor in [
                Registry.ReferrerCursor.named(ReferrerRecord.ID(rowID: number)), .tagged(Int(number)),
            ] {
                #expect(Registry.ReferrerCursor(cursor.text) == cursor, "\(seed)")
                let damaged = random.damage(cursor.text)
                guard let read = Registry.ReferrerCursor(damaged) else { continue }
                let digits = damaged.utf8.drop { !$0.isASCIIDigit }
                #expect(digits.allSatisfy(\.isASCIIDigit) && !digits.isEmpty, "\(seed): \(damaged)")
                #expect(Registry.ReferrerCursor(read.text) == read, "\(seed): \(damaged)")
            }
        }
        for text in [
            "", "tag-", "-1", "+1", "tag--1", "tag", "1 ", "９", "99999999999999999999",
            "tag-99999999999999999999",
        ] {
            #expect(Registry.ReferrerCursor(text) == nil, "\(text)")
        }
    }
}
