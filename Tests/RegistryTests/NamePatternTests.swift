import OCI
import TestSupport
import Testing

@testable import Registry

@Suite("Patterns of names")
struct NamePatternTests {
    @Test(
        "A star stands for anything or nothing, slashes too; the rest for itself",
        arguments: [
            ("v*", ["v", "v1", "v1.2", "v/x"], ["", "1", "V1", "av"]),
            ("*", ["", "a", "a/b", "latest"], []),
            ("mirror/*", ["mirror/a", "mirror/a/b", "mirror/"], ["mirror", "mirrors/a", "a/mirror/b"]),
            ("a*b*c", ["abc", "aXbYc", "abbc", "abcbc", "a/b/c"], ["ab", "acb", "abcd", "xabc"]),
            ("**", ["", "x"], []),
            ("a.c", ["a.c"], ["abc", "a.cc", "a"]),
            ("*-rc", ["1-rc", "-rc", "a-rc-rc"], ["1-rc1", "rc"]),
        ] as [(String, [String], [String])]
    )
    func matches(_ pattern: String, _ names: [String], _ others: [String]) throws {
        let parsed = try NamePattern(pattern)
        #expect(parsed.description == pattern)
        for name in names { #expect(parsed.matches(name), "\(name)") }
        for other in others { #expect(!parsed.matches(other), "\(other)") }
    }

    @Test("A pattern agrees with the plainest way to look for it")
    func agreesWithRecursion() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix(seed: seed)
        for _ in 0..<5000 {
            let pattern = String(
                (0..<Int.random(in: 1...7, using: &random)).map { _ in
                    "ab*".randomElement(using: &random) ?? "a"
                }
            )
            let name = String(
                (0..<Int.random(in: 0...9, using: &random)).map { _ in
                    "ab".randomElement(using: &random) ?? "a"
                }
            )
            #expect(
                try NamePattern(pattern).matches(name) == Self.stands(pattern[...], for: name[...]),
                "\(pattern) \(name) seed \(seed)"
            )
        }
    }

    private static func stands(_ pattern: Substring, for name: Substring) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == "*" {
            return stands(pattern.dropFirst(), for: name)
                || (!name.isEmpty && stands(pattern, for: name.dropFirst()))
        }
        return first == name.first && stands(pattern.dropFirst(), for: name.dropFirst())
    }

    @Test("A pattern made to be slow is not")
    func hostile() throws {
        let many = try NamePattern(String(repeating: "a*", count: 250) + "c")
        let isMatch = many.matches(String(repeating: "a", count: 20_000) + "b")
        #expect(!isMatch)
        let stars = try NamePattern(String(repeating: "*", count: 500) + "b")
        let isOther = stars.matches(String(repeating: "a", count: 20_000) + "b")
        #expect(isOther)
    }

    @Test(
        "What is no pattern is refused, and says why",
        arguments: [
            ("", .empty), ("a b", .malformed), ("é", .malformed), ("a:b", .malformed), ("[a]", .malformed),
            ("a\0", .malformed), (String(repeating: "a", count: 511), .tooLong),
        ] as [(String, NamePatternError)]
    )
    func refused(_ pattern: String, _ error: NamePatternError) {
        #expect(throws: error) { try NamePattern(pattern) }
        #expect(!error.description.isEmpty)
    }

    @Test("A pattern of tags may name repositories")
    func tags() throws {
        let (release, app) = (try RepositoryName("release/app"), try RepositoryName("app"))
        let (v1, latest) = (try Tag("v1"), Tag.latest)
        #expect(try TagPattern("v*").matches(v1, in: app) && TagPattern("v*").matches(v1, in: release))
        #expect(try !TagPattern("v*").matches(latest, in: app))
        #expect(try TagPattern("release/*:*").matches(latest, in: release))
        #expect(try !TagPattern("release/*:*").matches(latest, in: app))
        #expect(try TagPattern("release/*:v*").description == "release/*:v*")
        for (text, error) in [
            ("", .empty), (":v*", .empty), ("a:", .empty), ("a:b:c", .malformed), ("release/*", .slashInTag),
            ("a:b/c", .slashInTag), ("Release/*:*", .capitalInRepository),
        ] as [(String, NamePatternError)] {
            #expect(throws: error, "\(text)") { try TagPattern(text) }
        }
    }
}
