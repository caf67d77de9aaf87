import Foundation
import Testing

@testable import Commands

@Suite("Hostile configuration files")
struct ConfigurationHostileTests {
    @Test(
        "Deep nesting is refused",
        arguments: [
            String(repeating: "[", count: 500_000), String(repeating: "{a: ", count: 200_000),
            String(repeating: "? ", count: 200_000), String(repeating: "- ", count: 200_000),
            (0..<900).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
            String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
            "hosts: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
        ]
    )
    func nesting(_ yaml: String) {
        #expect(problems(yaml: yaml).count == 1)
    }

    @Test(
        "Aliases cannot make a file expensive",
        .timeLimit(.minutes(1)),
        arguments: ["x: *z", "? *z\n: 1", "port: [*z]"]
    )
    func aliases(_ last: String) {
        let levels = (0..<26).map {
            "\(Self.letter($0 + 1)): &\(Self.letter($0 + 1)) [*\(Self.letter($0)), *\(Self.letter($0))]"
        }
        let yaml = (["a: &a [x, x]"] + levels.prefix(25) + [last]).joined(separator: "\n")
        #expect(problems(yaml: yaml).map(\.reason) == [.anchor])
    }

    private static func letter(_ index: Int) -> String {
        String(UnicodeScalar(UInt8(ascii: "a") + UInt8(index)))
    }

    @Test("A comment may have as many asterisks as it likes")
    func asterisks() throws {
        let comment = "# " + String(repeating: "*very* ", count: 100) + "\n"
        #expect(try decode(yaml: comment + "  " + comment + "port: 1\n").entries.count == 1)
    }

    @Test(
        "Large files of one kind are decoded in time",
        .timeLimit(.minutes(1)),
        arguments: [
            "port: 1\n", "- a\n", "a\n", "[],", "{},", "a: b, ", "\"a\" ", "'", "\"", "#\n", ":\n", "?\n",
            "|\n", "\\", "&a ", "!a ", "%A\n", "---\n",
            "\u{E9}", "\r", "  \n",
        ]
    )
    func repetition(_ piece: String) {
        let count = 30_000 / piece.utf8.count
        for start in ["", "hosts: [", "{", "hosts:\n"] {
            let found = problems(yaml: start + String(repeating: piece, count: count))
            #expect(found.count <= ConfigurationError.problemLimit)
        }
    }

    @Test("Of many problems the first are reported, with messages of one line", .timeLimit(.minutes(1)))
    func manyProblems() {
        let names = (0..<2000).map { "key\($0)\(String(repeating: "x", count: 300))" }
        for yaml in [names.map { "\($0): 1\n" }.joined(), "log:\n" + names.map { "  \($0): 1\n" }.joined()] {
            let found = problems(yaml: yaml)
            #expect(found.count == ConfigurationError.problemLimit)
            #expect(found.allSatisfy { $0.description.utf8.count < 400 })
            let text = ConfigurationError(problems: found).description
            #expect(text.hasSuffix("\nThere may be more problems than these."))
        }
        let variables = Dictionary(uniqueKeysWithValues: names.map { ("BERTH_" + $0, "") })
        #expect(ConfigurationEnvironment(variables).problems.count == ConfigurationError.problemLimit)
    }

    @Test("Whatever is changed in the shipped file, the answer is values or problems at places in it")
    func mutations() throws {
        let original = Array(try Data(contentsOf: repositoryFolder.appending(path: "config/berth.yaml")))
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = ConfigurationNoise(seed: seed)
        let interesting =
            Array("-?:,[]{}#&*!|>'\"%@` \t\r\n0~<=_x\0\u{FEFF}\u{85}".utf8) + [0xFF, 0xC3, 0x80]
        for round in 0..<1500 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                let end = min(bytes.count, place + Int.random(in: 0...12, using: &generator))
                let piece = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                    interesting.randomElement(using: &generator) ?? 0
                }
                bytes.replaceSubrange(place..<end, with: piece)
            }
            checkAnswer(bytes, "seed \(seed), round \(round)")
        }
    }

    @Test("Whatever is in a file, the answer is values or problems at places in it")
    func noise() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = ConfigurationNoise(seed: seed)
        let pieces = [
            "port", "log", "level", "hosts", "info", "1", ":", ": ", "- ", "? ", ", ", "[", "]", "{", "}",
            "#", "&a", "*a",
            "!!str", "!x", "|", ">", "'", "\"", "%", "@", "`", " ", "  ", "\t", "\n", "\r", "---", "...",
            "<<", "~",
            "\\u0000", "\\", "\u{FEFF}", "\u{2028}", "\u{1F600}", "\0",
        ]
        for round in 0..<5000 {
            let count = Int.random(in: 0...24, using: &generator)
            let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            checkAnswer(Array(text.utf8), "seed \(seed), round \(round): \(text.debugDescription)")
        }
    }

    private func checkAnswer(_ bytes: [UInt8], _ comment: String) {
        let document = ConfigurationDocument(ConfigurationFile(path: "berth.yaml", bytes: bytes))
        let lines = bytes.count { $0 == 0x0A || $0 == 0x0D || $0 == 0x85 || $0 == 0xA8 || $0 == 0xA9 } + 1
        for problem in document.problems {
            let text = problem.description
            #expect(text.hasPrefix("berth.yaml"), "\(comment)")
            #expect(
                text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control },
                "\(comment)"
            )
            guard case .file(_, let line, let column) = problem.origin else { continue }
            #expect(1...(lines + 1) ~= (line ?? 1), "\(comment)")
            #expect((column ?? 1) >= 1, "\(comment)")
        }
        for (key, entry) in document.entries {
            #expect(throws: Never.self, "\(comment)") {
                try Settings.setting(at: key.path)?.check(entry.text)
            }
        }
    }
}
