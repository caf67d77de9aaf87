import Testing

@testable import OCI

@Suite("A digest")
struct DigestTests {
    static let sha256 = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    static let sha512 =
        "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

    @Test("is the text it was parsed from", arguments: [sha256, sha512, "blake2b+x.y:AbC=_-", "a:1"])
    func roundTrip(text: String) throws {
        #expect(try Digest(text).description == text)
    }

    @Test(
        "refuses everything that is not canonical",
        arguments: [
            ("", DigestError.missingSeparator),
            ("sha256", .missingSeparator),
            (":abc", .malformedAlgorithm),
            ("SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", .malformedAlgorithm),
            ("sha256:", .wrongLength(expected: 64)),
            ("sha256:e3b0", .wrongLength(expected: 64)),
            ("sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", .malformedEncoding),
            (
                "sha256:../../../../../../../../../../../../../../../../../../../../etc/passwd",
                .malformedEncoding
            ),
            ("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85\0", .malformedEncoding),
            (
                "sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                .wrongLength(expected: 128)
            ),
            ("a..b:1", .malformedAlgorithm),
            ("a.:1", .malformedAlgorithm),
            ("a:", .malformedEncoding),
            ("a:b/c", .malformedEncoding),
            ("a:é", .malformedEncoding),
            ("a:" + String(repeating: "b", count: 511), .tooLong),
        ]
    )
    func refusal(text: String, error: DigestError) {
        #expect(throws: error) { try Digest(text) }
        #expect(!error.description.isEmpty)
    }

    @Test("of an unregistered algorithm is grammatical, and not supported")
    func unsupported() throws {
        #expect(try !Digest("md5:d41d8cd98f00b204e9800998ecf8427e").isSupported)
        #expect(try Digest(Self.sha256).isSupported)
    }

    @Test("of nothing is the well-known one")
    func empty() {
        #expect(Digest(of: []).description == Self.sha256)
        #expect(Digest(of: [], algorithm: .sha512).description == Self.sha512)
    }

    @Test("does not depend on how the bytes were cut", arguments: SupportedAlgorithm.allCases)
    func cuts(algorithm: SupportedAlgorithm) {
        let seed = UInt64.random(in: 1...(.max))
        var generator = SplitMix(seed: seed)
        let bytes = (0..<10_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        var digester = Digester(algorithm)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...min(rest.count, 700), using: &generator)
            digester.update(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        #expect(digester.finish() == Digest(of: bytes, algorithm: algorithm), "seed \(seed)")
    }

    @Test("goes on from a copied state")
    func copiedState() {
        var first = Digester()
        first.update(Array("common".utf8))
        var second = first
        first.update(Array("-a".utf8))
        second.update(Array("-b".utf8))
        #expect(first.finish() == Digest(of: Array("common-a".utf8)))
        #expect(second.finish() == Digest(of: Array("common-b".utf8)))
    }

    @Test("survives random text without a crash, and whatever parses is its own spelling")
    func randomText() {
        let seed = UInt64.random(in: 1...(.max))
        var generator = SplitMix(seed: seed)
        let alphabet = Array("sha25612abcdef0:._+-/\0éZ=")
        for _ in 0..<5_000 {
            let text = String(
                (0..<Int.random(in: 0...80, using: &generator)).map { _ in
                    alphabet.randomElement(using: &generator) ?? "x"
                }
            )
            if let digest = try? Digest(text) { #expect(digest.description == text, "seed \(seed)") }
        }
    }
}

/// A small seeded generator, so that a failing random test can be run again.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
