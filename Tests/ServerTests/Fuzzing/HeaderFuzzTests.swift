import HTTPTypes
import OCI
import TestSupport
import Testing

@testable import Server

/// Headers that are lists, and those that say where a request comes from.
@Suite("Headers in any spelling")
struct HeaderFuzzTests {
    private let seed = TestSeed.current

    /// The lines of a header that a list was cut into.
    private func lines(_ elements: [String], _ random: inout SplitMix) -> [String] {
        var lines = [""]
        for (index, element) in elements.enumerated() {
            if index > 0, random.once(in: 4) {
                lines.append("")
            } else if index > 0 {
                lines[lines.count - 1] += ","
            }
            lines[lines.count - 1] += random.text(" \t", 0...2) + element + random.text(" \t", 0...2)
        }
        return lines
    }

    @Test("An Accept that names JSON is answered in JSON, and no other")
    func accept() {
        var random = seed.random()
        let json = POSIXPattern(
            "[ \t]*[aA][pP][pP][lL][iI][cC][aA][tT][iI][oO][nN]/[jJ][sS][oO][nN][ \t]*(;.*)?"
        )
        let ranges = [
            "*/*", "application/*", "application/json", "Application/JSON", "application/json;q=0.1",
            "application/json ; charset=utf-8", "text/html", "application/vnd.oci.image.index.v1+json", "",
            "application/json5", "xapplication/json", "application/ json", "application", ";", "é",
        ]
        var counts = (yes: 0, no: 0)
        for _ in 1...1000 {
            let elements = (0..<Int.random(in: 0...3, using: &random)).map { _ in random.pick(ranges) }
            // A comma in what was damaged begins another element.
            let damaged = random.once(in: 3) ? elements.map { random.damage($0) } : elements
            var fields = HTTPFields()
            for line in lines(damaged, &random) {
                fields.append(HTTPField(name: .accept, value: line))
            }
            let values = fields[values: .accept]
            let wanted = values.contains { $0.split(separator: ",").contains { json.matches(String($0)) } }
            #expect(fields.prefersJSON == wanted, "\(seed): \(values)")
            if wanted { counts.yes += 1 } else { counts.no += 1 }
        }
        #expect(counts.yes > 100 && counts.no > 100, "\(seed): \(counts)")
        for text in HostileText.long {
            var fields = HTTPFields()
            fields.append(HTTPField(name: .accept, value: text))
            #expect(!fields.prefersJSON)
        }
    }

    @Test("An If-None-Match matches where it lists the digest's tag or a star")
    func entityTags() {
        var random = seed.random(1)
        for algorithm in SupportedAlgorithm.allCases {
            let digest = Digest(of: random.bytes(3), algorithm: algorithm)
            let pattern = POSIXPattern("[ \t]*(\\*|(W/)?\"\(digest)\")[ \t]*")
            let tags = [
                "*", "\"\(digest)\"", "W/\"\(digest)\"", "\"x\"", "\(digest)", "\"\(Digest(of: [1]))\"", "w/",
                "\"\"", "", "\" \(digest)\"", "W/ \"\(digest)\"",
            ]
            var counts = (yes: 0, no: 0)
            for _ in 1...500 {
                let elements = (0..<Int.random(in: 0...3, using: &random)).map { _ in random.pick(tags) }
                let damaged = random.once(in: 3) ? elements.map { random.damage($0) } : elements
                let lines = lines(damaged, &random)
                let wanted = lines.contains {
                    $0.split(separator: ",").contains { pattern.matches(String($0)) }
                }
                #expect(EntityTag.matches(lines, digest) == wanted, "\(seed): \(lines)")
                if wanted { counts.yes += 1 } else { counts.no += 1 }
            }
            #expect(counts.yes > 50 && counts.no > 50, "\(seed): \(counts)")
            for text in HostileText.long { #expect(!EntityTag.matches([text], digest)) }
        }
    }

    @Test("A page changes something only where its own origin is the server's")
    func origins() {
        var random = seed.random(2)
        let hosts = ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "registry.example"]
        for _ in 1...1000 {
            let host = random.pick(hosts)
            var origin = "\(random.pick(["http", "https", "null", "x"]))://\(random.pick(hosts))"
            if random.once(in: 2) { origin = random.damage(origin) }
            var request = HTTPRequest(method: .put, scheme: "http", authority: host, path: "/a")
            request.headerFields[.origin] = origin
            let value = request.headerFields[.origin] ?? ""
            // The scheme may be anything: behind a proxy the server does not know its own.
            let colon = value.utf8.firstIndex(of: UInt8(ascii: ":"))
            let isOwn = colon.map { value[$0...].lowercased() == "://" + host.lowercased() } ?? false
            #expect(OriginRule.refuses(request) == !isOwn, "\(seed): \(value.debugDescription) to \(host)")
            request.method = .get
            #expect(!OriginRule.refuses(request), "\(seed): \(value.debugDescription)")
        }
        for text in HostileText.long {
            var request = HTTPRequest(method: .put, scheme: "http", authority: "localhost", path: "/a")
            request.headerFields[.origin] = text
            #expect(OriginRule.refuses(request))
        }
    }
}
