import Testing

@testable import Commands

@Suite("Host names and addresses of the configuration")
struct ConfigurationAddressTests {
    @Test(
        "Names and addresses are taken in lower case",
        arguments: [
            "localhost", "registry.example", "REGISTRY.Example", "a", "a-b.c-d", "my_registry", "1a.example",
            "127.0.0.1",
            "0.0.0.0", "255.255.255.255", "::", "::1", "FE80::1", "2001:db8::192.0.2.1",
            "xn--mnchen-3ya.example", "1.2.3.4a",
            String(repeating: "a", count: 63) + ".example",
        ]
    )
    func hostNames(_ text: String) throws {
        let name = try HostName(text)
        #expect(name.text == text.lowercased())
        #expect(name.isIPv6 == text.contains(":"))
    }

    @Test(
        "What is neither a name nor an address is refused for its reason",
        arguments: [
            ("", .empty), ("http://registry.example", .notOnlyAName), ("registry.example/", .notOnlyAName),
            ("10.0.0.0/8", .notOnlyAName), ("registry.example:5000", .port), ("127.0.0.1:5000", .port),
            ("[::1]", .brackets), ("[::1]:5000", .brackets), ("*", .wildcard), ("*.example", .wildcard),
            ("256.1.1.1", .malformed), ("1.2.3", .malformed), ("5000", .malformed), ("127.1", .malformed),
            ("0x7f.1", .malformed), ("127.0.0.1.", .malformed), ("registry.example.", .malformed),
            (".example", .malformed), ("a..b", .malformed), ("-a", .malformed), ("a-", .malformed),
            ("a b", .malformed), (" a", .malformed), ("a\n", .malformed), ("a\0", .malformed),
            (":::", .malformed),
            ("fe80::1%eth0", .malformed), ("münchen.example", .malformed),
            ("127.0.0.1\0.example", .malformed),
            ("::1\0", .malformed), ("a@b", .malformed), (String(repeating: "a", count: 64), .malformed),
            (String(repeating: "a.", count: 126) + "aa", .malformed),
        ] as [(String, HostNameError)]
    )
    func wrongHostNames(_ text: String, _ expected: HostNameError) {
        #expect(throws: expected) { try HostName(text) }
    }

    @Test(
        "Base addresses have a scheme, a host and perhaps a port",
        arguments: [
            ("http://registry.example", "http://registry.example", "registry.example"),
            ("https://registry.example/", "https://registry.example", "registry.example"),
            ("HTTPS://Registry.Example:8443", "https://registry.example:8443", "registry.example:8443"),
            ("http://10.0.0.1:80", "http://10.0.0.1:80", "10.0.0.1:80"),
            ("https://[::1]", "https://[::1]", "[::1]"),
            ("https://[::1]:5000/", "https://[::1]:5000", "[::1]:5000"),
        ]
    )
    func baseURLs(_ text: String, _ canonical: String, _ authority: String) throws {
        let url = try BaseURL(text)
        #expect(url.description == canonical)
        #expect(url.authority == authority)
        #expect(try BaseURL(canonical) == url)
    }

    @Test(
        "What is no base address is refused for its reason",
        arguments: [
            ("", .scheme), ("registry.example", .scheme), ("ftp://registry.example", .scheme),
            ("http:/a", .scheme),
            (" http://a", .scheme), ("//a", .scheme), ("http://", .host), ("http:///", .host),
            ("http://a/b", .path), ("http://a//", .path), ("http://a/b/", .path), ("http://a?x=1", .query),
            ("http://a/#x", .query), ("http://user@a", .credentials),
            ("http://user:secret@a/b?c", .credentials), ("ftp://user:secret@a", .credentials),
            ("http://a:", .port), ("http://a:0", .port), ("http://a:65536", .port), ("http://a:080", .port),
            ("http://a:+80", .port), ("http://a:80:80", .port), ("http://a:x", .port), ("http://::1", .host),
            ("http://[a]", .host), ("http://[::1", .host), ("http://[::1]x", .port), ("http://[]", .host),
            ("http://a b", .host), ("http://*.a", .host), ("http://a\n", .host), ("http://[10.0.0.1]", .host),
            ("http://[::1]:", .port), ("http://:80", .host), ("http://[[::1]]", .host),
        ] as [(String, BaseURLError)]
    )
    func wrongBaseURLs(_ text: String, _ expected: BaseURLError) {
        #expect(throws: expected) { try BaseURL(text) }
    }

    @Test("A password in a base address is not shown")
    func passwords() {
        let variables = ["BERTH_URL": "https://user:secret@registry.example/"]
        let description = ConfigurationEnvironment(variables).problems.map(\.description)
        #expect(description == ["BERTH_URL: the value has a user name; leave out everything up to the @"])
    }

    @Test("Whatever the text, a host name has no character that a header or a URL gives a meaning")
    func randomHostNames() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = ConfigurationNoise(seed: seed)
        let alphabet = Array("aZ09.-_:[]/@*% \0\n\u{E9}\u{130}")
        for _ in 0..<20_000 {
            let length = Int.random(in: 0...8, using: &generator)
            let text = String((0..<length).map { _ in alphabet.randomElement(using: &generator) ?? "a" })
            guard let name = try? HostName(text) else { continue }
            let legal = name.text.utf8.allSatisfy {
                "abcdefghijklmnopqrstuvwxyz0123456789.-_:".utf8.contains($0)
            }
            #expect(legal, "\(text.debugDescription), seed \(seed)")
            #expect(name.text.contains(":") == name.isIPv6, "\(text.debugDescription), seed \(seed)")
        }
    }
}
