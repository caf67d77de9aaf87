import Testing

@testable import Commands

@Suite("WWW-Authenticate")
struct AuthenticationChallengeTests {
    private func text(_ headers: [String]) -> String {
        AuthenticationChallenge.parse(headers).map { challenge in
            let parameters = challenge.parameters.sorted { $0.key < $1.key }.map { "\($0.key)=<\($0.value)>" }
            return ([challenge.scheme] + parameters).joined(separator: " ")
        }.joined(separator: "; ")
    }

    @Test(
        "is taken apart",
        arguments: [
            (#"Basic realm="x""#, "basic realm=<x>"),
            (#"BASIC REALM=x"#, "basic realm=<x>"),
            (
                #"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
                "bearer realm=<https://auth.docker.io/token> scope=<repository:a/b:pull,push> service=<registry.docker.io>"
            ),
            (#"Bearer realm = "a" ,  service =b"#, "bearer realm=<a> service=<b>"),
            (#"Basic realm="a, Bearer realm=\"b\"""#, #"basic realm=<a, Bearer realm="b">"#),
            (#"Basic realm="x", Bearer realm="y""#, "basic realm=<x>; bearer realm=<y>"),
            (#"Negotiate, Basic realm="x""#, "negotiate; basic realm=<x>"),
            (#"Negotiate YWJj==, Basic realm="x""#, "negotiate; basic realm=<x>"),
            (#"Negotiate YWJj"#, "negotiate"),
            ("Basic", "basic"), ("Basic realm=", "basic"),
            (", ,Basic realm=x,,", "basic realm=<x>"),
            (#"Basic realm="""#, "basic realm=<>"),
        ]
    )
    func wellFormed(header: String, challenges: String) {
        #expect(text([header]) == challenges)
    }

    @Test("may come in several headers, of which one may be broken")
    func several() {
        #expect(text([#"Basic realm="a"#, "=", #"Bearer realm="b""#]) == "bearer realm=<b>")
    }

    @Test(
        "that makes no sense says nothing more from there on",
        arguments: [
            ("", ""), (" ", ""), ("=", ""), ("\"", ""), (#"Basic realm="x"#, ""), (#"Basic realm="x\"#, ""),
            ("Basic =x", ""), ("Basic/x", ""), ("Basic realm=a realm=b", ""),
            (#"Basic realm=a, Bearer realm="b"#, "basic realm=<a>"), ("Basic realm=a;b", ""),
        ]
    )
    func malformed(header: String, challenges: String) {
        #expect(text([header]) == challenges)
    }

    @Test("is read to the end whatever it holds")
    func random() {
        var random = SystemRandomNumberGenerator()
        let seed = random.next()
        var generator = Splitting(state: seed)
        let pieces = [
            "Basic", "Bearer", " ", ",", "=", "\"", "\\", "realm", "a", "==", "\t", "/", ";", "\u{0}", "é",
            "x=y",
        ]
        for _ in 0..<5000 {
            let count = Int.random(in: 0...12, using: &generator)
            let header = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            for challenge in AuthenticationChallenge.parse([header]) {
                let isToken = challenge.scheme.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
                #expect(isToken && !challenge.scheme.isEmpty, "seed \(seed): \(header)")
            }
        }
        // What is long is cut off, and takes no long time.
        #expect(text(["Basic " + String(repeating: "a=b,", count: 1_000_000)]) == "")
        #expect(text([String(repeating: "Basic,", count: 1_000_000)]).hasPrefix("basic; basic"))
    }
}

/// Random numbers that a seed brings back.
struct Splitting: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
