import OCI
import TestSupport
import Testing

@testable import Server

/// Ranges, page sizes and other numbers in headers and queries, however large.
@Suite("Ranges and numbers in any spelling")
struct RangeFuzzTests {
    private let seed = TestSeed.current

    /// A number written in decimal digits, as large as it likes.
    private struct Decimal: Comparable {
        let digits: String

        init(_ text: String) { digits = String(text.drop { $0 == "0" }) }

        /// The number, or a limit where it is larger.
        func clamped(to limit: Int64) -> Int64 { self > Decimal("\(limit)") ? limit : Int64(digits) ?? 0 }

        static func < (left: Decimal, right: Decimal) -> Bool {
            (left.digits.utf8.count, left.digits) < (right.digits.utf8.count, right.digits)
        }
    }

    private func number(_ random: inout SplitMix) -> String {
        switch Int.random(in: 0...5, using: &random) {
        case 0: "\(Int64.random(in: .max - 2 ... .max, using: &random))"
        case 1: random.pick(["9223372036854775808", "18446744073709551615", "18446744073709551616"])
        case 2: random.text("09", 1...40)
        case 3: "000\(Int64.random(in: 0...30, using: &random))"
        default: "\(Int64.random(in: 0...30, using: &random))"
        }
    }

    /// What RFC 9110 makes of a `Range` header with one range.
    private func expected(_ groups: [String]?, size: Int64) -> ByteRange {
        guard let groups, size > 0 else { return .whole }
        let (first, last, suffix) = (groups[1], groups[2], groups[4])
        if !suffix.isEmpty {
            let count = Decimal(suffix).clamped(to: size)
            return count == 0 ? .unsatisfiable : .part(size - count..<size)
        }
        if !last.isEmpty, Decimal(last) < Decimal(first) { return .unsatisfiable }
        let start = Decimal(first).clamped(to: size)
        guard start < size else { return .unsatisfiable }
        let end = last.isEmpty ? size - 1 : Decimal(last).clamped(to: size - 1)
        return .part(start..<end + 1)
    }

    @Test("A Range is what RFC 9110 says, for numbers of any size and blobs of any size")
    func byteRanges() {
        var random = seed.random()
        let pattern = POSIXPattern("[bB][yY][tT][eE][sS]=(([0-9]+)-([0-9]*)|(-([0-9]+)))")
        var kinds: Set<String> = []
        for _ in 1...2000 {
            var header = random.pick(["bytes", "Bytes"]) + "="
            header += random.once(in: 4) ? "" : number(&random)
            header += "-" + (random.once(in: 4) ? "" : number(&random))
            if random.once(in: 3) { header = random.damage(header) }
            let size = random.pick([0, 1, 2, 20, .max - 1, .max] as [Int64])
            let wanted = expected(pattern.groups(header), size: size)
            let range = ByteRange(header, size: size)
            #expect(range == wanted, "\(seed): \(header.debugDescription) of \(size)")
            if case .part(let part) = range {
                #expect(
                    !part.isEmpty && part.lowerBound >= 0 && part.upperBound <= size,
                    "\(seed): \(header)"
                )
            }
            kinds.insert("\(range)".prefix { $0 != "(" }.lowercased())
        }
        #expect(kinds == ["whole", "part", "unsatisfiable"], "\(seed)")
        for text in HostileText.long {
            #expect(ByteRange(text, size: 10) == .whole)
            _ = ByteRange("bytes=" + text + "-", size: 10)
        }
        #expect(ByteRange("bytes=\(String(repeating: "9", count: 1 << 20))-", size: 10) == .unsatisfiable)
    }

    @Test("A Content-Range is two numbers in order, that a blob can have")
    func contentRanges() {
        var random = seed.random(1)
        let pattern = POSIXPattern("([0-9]+)-([0-9]+)")
        var accepted = 0
        for _ in 1...2000 {
            var header = "\(number(&random))-\(number(&random))"
            if random.once(in: 3) { header = random.damage(header) }
            let wanted = pattern.groups(header).flatMap { groups -> Range<Int64>? in
                let (first, last) = (Decimal(groups[0]), Decimal(groups[1]))
                guard first <= last, last < Decimal("\(Int64.max)") else { return nil }
                return first.clamped(to: .max)..<last.clamped(to: .max) + 1
            }
            #expect(ContentRange.parse(header) == wanted, "\(seed): \(header.debugDescription)")
            if wanted != nil { accepted += 1 }
        }
        #expect(accepted > 300, "\(seed)")
        for text in HostileText.long {
            #expect(ContentRange.parse(text) == nil)
            #expect(ContentRange.parse("0-" + text) == nil)
        }
    }

    @Test("A page is no larger than the largest, whatever is asked for")
    func pages() throws {
        var random = seed.random(2)
        let pattern = POSIXPattern("([0-9]+)")
        for _ in 1...1000 {
            let text = random.once(in: 2) ? number(&random) : random.damage(number(&random))
            let encoded = text.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            guard let query = try? Query("last=x&n=\(encoded)") else { continue }
            guard pattern.matches(text) else {
                #expect(throws: PaginationError.self, "\(seed): \(text.debugDescription)") {
                    try Pagination(query)
                }
                continue
            }
            let pagination = try Pagination(query)
            #expect(Int64(pagination.limit) == Decimal(text).clamped(to: 10_000), "\(seed): \(text)")
            #expect(pagination.last == "x")
        }
    }
}
