import HTTPTypes
import TestSupport
import Testing

@testable import Server

/// Whom a listener answers, and which web page may change something.
@Suite("Host and Origin")
struct RuleTests {
    static let loopback = [
        "localhost", "LOCALHOST", "localhost:5000", "localhost:", "127.0.0.1", "127.0.0.1:80",
        "127.255.255.254:1",
        "[::1]", "[::1]:5000",
    ]
    static let foreign = [
        "evil.example", "evil.example:5000", "localhost.evil.example", "127.0.0.1.evil.example",
        "evil.localhost",
        "128.0.0.1", "10.0.0.1", "0.0.0.0", "127.0.0.256", "127.0.0", "127.1", "127.0.0.1.1", "2130706433",
        "0x7f.0.0.1", "[::2]", "[::]", "::1", "[::1", "::1]", "[]", ":5000", "",
        "localhost:80a",
        "localhost:-1", "localhost:80:80", "user@localhost", "localhost/x", "localhost ", " localhost",
        "localhost.",
        "127.0.0.1\u{0}", "localhost\u{0}.evil.example", "１27.0.0.1", "127.0.0.+1", "[::1]x", "[::1]:x",
        "x[::1]",
    ]

    @Test("A loopback listener answers to loopback names", arguments: loopback)
    func ownNames(host: String) { #expect(HostRule(isLoopback: true, hosts: []).allows(host)) }

    @Test("A loopback listener answers to no other name", arguments: foreign)
    func foreignNames(host: String) { #expect(!HostRule(isLoopback: true, hosts: []).allows(host)) }

    @Test("Configured names are answered to as well, whatever their case and port")
    func configured() {
        for isLoopback in [true, false] {
            let rule = HostRule(isLoopback: isLoopback, hosts: ["Registry.Example", "10.0.0.1"])
            for host in [
                "registry.example", "REGISTRY.example:5000", "10.0.0.1:80", "localhost", "127.0.0.1",
            ] {
                #expect(rule.allows(host), "\(host)")
            }
            for host in ["example", "x.registry.example", "registry.example.evil", "10.0.0.2", ""] {
                #expect(!rule.allows(host), "\(host)")
            }
        }
    }

    @Test("A listener that others reach answers to any name, unless some are configured")
    func open() {
        for rule in [HostRule(isLoopback: false, hosts: []), .unrestricted] {
            for host in Self.loopback + Self.foreign { #expect(rule.allows(host), "\(host)") }
        }
    }

    @Test("Nothing random is a loopback name")
    func randomNames() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        let rule = HostRule(isLoopback: true, hosts: [])
        for _ in 1...10_000 {
            let bytes = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                Array("0127.:[]lochst-x".utf8).randomElement(using: &random) ?? 0
            }
            let host = String(decoding: bytes, as: UTF8.self)
            guard rule.allows(host) else { continue }
            let name = HostRule.name(in: host) ?? ""
            #expect(name == "localhost" || name == "::1" || name.hasPrefix("127."), "seed \(seed): \(host)")
        }
    }

    private func request(
        _ method: HTTPRequest.Method,
        host: String?,
        _ fields: KeyValuePairs<String, String>
    ) -> HTTPRequest {
        var request = HTTPRequest(method: method, scheme: "http", authority: host, path: "/")
        for (name, value) in fields {
            request.headerFields.append(HTTPField(name: .known(name), value: value))
        }
        return request
    }

    @Test("A request that changes something and comes from elsewhere is refused")
    func foreignOrigin() {
        let changes: [HTTPRequest.Method] = [.post, .put, .patch, .delete, .options, .init("FOO") ?? .trace]
        let foreign: [KeyValuePairs<String, String>] = [
            ["Origin": "http://evil.example"], ["Origin": "http://localhost:3000"],
            ["Origin": "http://localhost"],
            ["Origin": "null"], ["Origin": ""], ["Origin": "localhost:5000"],
            ["Origin": "http://localhost:5000.evil"],
            ["Origin": "http://localhost:5000/"], ["Origin": "http://x@localhost:5000"],
            ["Origin": "//localhost:5000"],
            ["Origin": "http://localhost:5000", "origin": "http://evil.example"],
            ["Sec-Fetch-Site": "cross-site"], ["sec-fetch-site": "Cross-Site"],
            ["Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:5000"],
            ["Sec-Fetch-Site": "same-site"], ["Sec-Fetch-Site": "none, cross-site"],
        ]
        for method in changes {
            for fields in foreign {
                let request = request(method, host: "localhost:5000", fields)
                #expect(OriginRule.refuses(request), "\(method) \(fields)")
            }
        }
        #expect(OriginRule.refuses(request(.post, host: nil, ["Origin": "http://localhost:5000"])))
    }

    @Test("A request of this server's own pages, or of a program, is let through")
    func ownOrigin() {
        let own: [KeyValuePairs<String, String>] = [
            [:], ["Origin": "http://localhost:5000"], ["Origin": "https://LOCALHOST:5000"],
            ["Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:5000"], ["Sec-Fetch-Site": "none"],
        ]
        for fields in own {
            #expect(!OriginRule.refuses(request(.post, host: "localhost:5000", fields)), "\(fields)")
        }
    }

    @Test("Reading is left to the browser's own rules")
    func reading() {
        for method in [HTTPRequest.Method.get, .head] {
            let fields: KeyValuePairs = ["Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"]
            #expect(!OriginRule.refuses(request(method, host: "localhost", fields)))
        }
    }
}
