import Foundation
import Testing

/// docs/api.md says what there is: its endpoints, handlers, error codes and tests are those of the code.
@Suite("The page of the API")
struct APIPageTests {
    static let root = LayeringTests.sources.deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The tables' rows, cell by cell.
    static func rows() throws -> [[String]] {
        try text("docs/api.md").split(separator: "\n").filter { $0.hasPrefix("| ") }.map { row in
            row.dropFirst(2).replacing(/\ \|$/, with: "").split(
                separator: " | ",
                omittingEmptySubsequences: false
            )
            .map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    /// The numbers that a text mentions, such as `end-12a`.
    static func numbers(in text: some StringProtocol) -> [String] {
        String(text).matches(of: /end-[0-9]+[a-z]?\b/).map { String($0.output) }
    }

    /// The names in backquotes that have the form `file.function`.
    static func functions(in text: some StringProtocol) -> [(file: String, function: String)] {
        String(text).matches(of: /`([A-Z][A-Za-z0-9+]*)\.([a-z][A-Za-z0-9]*)`/).map {
            (String($0.output.1), String($0.output.2))
        }
    }

    /// The Swift files below a folder, by their names without extension.
    static func files(below folder: String) throws -> [(name: String, text: String)] {
        let folder = root.appending(path: folder)
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        return try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.map { file in
            (file.deletingPathExtension().lastPathComponent, try String(contentsOf: file, encoding: .utf8))
        }
    }

    /// The functions with `@Test`, by the names of their files up to a `+`.
    static func tests() throws -> [String: Set<String>] {
        try files(below: "Tests").reduce(into: [:]) { tests, file in
            let suite = String(file.name.prefix { $0 != "+" })
            let found = file.text.matches(of: /@Test\b.*?\bfunc `?([A-Za-z0-9]+)/.dotMatchesNewlines())
            tests[suite, default: []].formUnion(found.map { String($0.output.1) })
        }
    }

    @Test("lists every endpoint of the specification that is routed, and no other")
    func endpoints() throws {
        let source = try Self.text("Sources/Server/Routing/Endpoint.swift")
        let routed = Set(source.split(separator: "\n").filter { $0.contains("///") }.flatMap(Self.numbers))
        let listed = try Self.rows().compactMap(\.first).filter { $0.wholeMatch(of: /end-\w+/) != nil }
        #expect(routed.count > 15)
        #expect(routed == Set(listed), "\(routed.symmetricDifference(listed))")
        #expect(listed.count == Set(listed).count)
    }

    @Test("names for each endpoint a handler that says that it is for it")
    func handlers() throws {
        let files = Dictionary(
            uniqueKeysWithValues: try Self.files(below: "Sources/Server").map { ($0.name, $0.text) }
        )
        let rows = try Self.rows().filter { $0.count == 6 && $0[0] != "number" && $0[0] != "---" }
        #expect(rows.count > 15)
        for row in rows {
            let (file, function) = try #require(Self.functions(in: row[4]).first, "\(row)")
            let lines = try #require(files[file], "\(file)").split(separator: "\n")
            let place = try #require(lines.firstIndex { $0.contains("func \(function)(") }, "\(function)")
            guard file.hasPrefix("Handlers+"), row[0].hasPrefix("end-") else { continue }
            let comment = lines[..<place].reversed().prefix { $0.contains("///") }.joined()
            #expect(Self.numbers(in: comment).contains(row[0]), "\(function) is not said to be \(row[0])")
            #expect(!Self.functions(in: row[5]).isEmpty, "no test of \(row[0])")
        }
    }

    @Test("names tests that there are")
    func testNames() throws {
        let tests = try Self.tests()
        let named = try Self.rows().flatMap { row in row.last.map(Self.functions) ?? [] }
        #expect(named.count > 100)
        for (file, function) in named {
            #expect(tests[file]?.contains(function) == true, "\(file).\(function)")
        }
    }

    @Test("lists all that clients depend on")
    func promises() throws {
        let tests = try #require(try Self.tests()["ClientContractTests"])
        let named = Self.functions(in: try Self.text("docs/api.md"))
            .filter { $0.file == "ClientContractTests" }.map(\.function)
        #expect(tests.count > 30)
        #expect(tests == Set(named), "\(tests.symmetricDifference(named))")
    }

    @Test("has every error code in its table")
    func errorCodes() throws {
        let codes = try Self.text("Sources/OCI/ErrorCode.swift").matches(of: /= "([A-Z_]+)"/)
            .map { String($0.output.1) }
        let listed = try Self.rows().filter { $0.count == 3 }.flatMap { row in
            row[1].matches(of: /`([A-Z_]+)`/).map { String($0.output.1) }
        }
        #expect(codes.count > 14)
        #expect(Set(codes) == Set(listed), "\(Set(codes).symmetricDifference(listed))")
    }
}
