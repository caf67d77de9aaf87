import OCI
import TestSupport
import Testing

/// Names, digests and types: accepted just where the specification's grammar accepts them.
@Suite("Identifiers in any spelling")
struct IdentifierFuzzTests {
    private let seed = TestSeed.current

    @Test("What the grammar makes parses, and is its own spelling", arguments: IdentifierGrammar.all)
    func agreement(_ grammar: IdentifierGrammar) {
        var random = seed.random()
        let isLegal = grammar.oracle()
        var counts = (accepted: 0, refused: 0)
        for _ in 1...2000 {
            let text = random.damage(grammar.make(&random))
            let parsed = grammar.parse(text)
            #expect((parsed != nil) == isLegal(text), "\(seed): \(text.debugDescription)")
            // To the byte: what Unicode calls equal is not the same name.
            if let parsed { #expect(Array(parsed.utf8) == Array(text.utf8), "\(seed)") }
            if parsed == nil { counts.refused += 1 } else { counts.accepted += 1 }
        }
        // Both sides were looked at.
        #expect(counts.accepted > 150 && counts.refused > 150, "\(seed): \(counts)")
    }

    @Test("Every hostile text gets the grammar's answer", arguments: IdentifierGrammar.all)
    func hostile(_ grammar: IdentifierGrammar) {
        var random = seed.random(1)
        let isLegal = grammar.oracle()
        for fragment in HostileText.fragments {
            let legal = grammar.make(&random)
            for text in [fragment, fragment + legal, legal + fragment, legal + fragment + legal] {
                #expect((grammar.parse(text) != nil) == isLegal(text), "\(seed): \(text.debugDescription)")
            }
        }
        for text in HostileText.huge + [""] { #expect(grammar.parse(text) == nil) }
    }

    @Test("The name of an image is a repository's with a tag, a digest, both or neither")
    func imageNames() throws {
        var random = seed.random(2)
        let whole = POSIXPattern(
            "(\(SpecifiedGrammar.name))(:(\(SpecifiedGrammar.tag)))?(@([^@]*))?"
        )
        let isDigest = IdentifierGrammar.digest.oracle()
        for _ in 1...2000 {
            var text = IdentifierGrammar.repository.make(&random)
            if random.once(in: 2) { text += ":" + IdentifierGrammar.tag.make(&random) }
            if random.once(in: 3) { text += "@" + IdentifierGrammar.digest.make(&random) }
            text = random.damage(text)
            let parts = whole.groups(text).flatMap { groups -> (name: String, rest: [String])? in
                let rest = groups.suffix(4).map { $0 }
                let isLegal =
                    groups[0].utf8.count <= 255 && (rest[2].isEmpty || isDigest(rest[3]))
                return isLegal ? (groups[0], rest) : nil
            }
            guard let name = try? ImageName(text) else {
                #expect(parts == nil, "\(seed): \(text.debugDescription)")
                continue
            }
            let (repository, rest) = try #require(parts, "\(seed): \(text.debugDescription)")
            #expect(name.repository.description == repository, "\(seed)")
            let reference = !rest[3].isEmpty ? rest[3] : !rest[1].isEmpty ? rest[1] : "latest"
            #expect(name.reference.description == reference, "\(seed): \(text)")
            #expect(try ImageName(name.description) == name, "\(seed): \(text)")
        }
    }

    @Test("A Content-Type is a media type, with or without parameters")
    func contentTypes() {
        var random = seed.random(3)
        let pattern = POSIXPattern("[ \t]*(\(SpecifiedGrammar.mediaType))[ \t]*(;.*)?")
        for _ in 1...2000 {
            var text = random.text(" \t", 0...1) + IdentifierGrammar.mediaType.make(&random)
            text += random.text(" \t", 0...1)
            if random.once(in: 2) { text += ";" + random.pick(["", " charset=utf-8", "a=\";\"", ";;"]) }
            text = random.damage(text)
            let expected = pattern.groups(text)?.first
            // What stands behind the semicolon is nobody's business, and may hold a NUL.
            let isComparable = !text.utf8.contains(0)
            let parsed = try? MediaType(headerValue: text).rawValue
            if isComparable { #expect(parsed == expected, "\(seed): \(text.debugDescription)") }
        }
        for text in HostileText.long { #expect((try? MediaType(headerValue: text)) == nil) }
    }

    @Test("What is wrong with a text is said shortly, and without its control characters")
    func messages() {
        var random = seed.random(4)
        for _ in 1...2000 {
            let text = random.damage(
                random.pick(HostileText.fragments) + IdentifierGrammar.reference.make(&random)
            )
            for message in Self.refusals(of: text) { expectReadable(message) }
        }
        for text in HostileText.huge { for message in Self.refusals(of: text) { expectReadable(message) } }
    }

    private static func refusals(of text: String) -> [String] {
        let attempts: [() throws -> Any] = [
            { try RepositoryName(text) }, { try Tag(text) }, { try Digest(text) }, { try Reference(text) },
            { try ImageName(text) }, { try MediaType(text) }, { try MediaType(headerValue: text) },
        ]
        return attempts.compactMap { attempt in
            do {
                _ = try attempt()
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    private func expectReadable(_ message: String) {
        #expect(!message.isEmpty && message.utf8.count < 1000, "\(seed)")
        #expect(!message.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "\(seed): \(message.debugDescription)")
    }
}
