import Foundation
import Testing

/// The targets' arrows run one way.
///
/// The compiler's own check lets a module through that a dependency brings along; this one reads every import
/// there is.
@Suite("Imports")
struct LayeringTests {
    struct Import: CustomStringConvertible {
        let target: String
        let file: String
        let module: String

        var description: String { "\(file) imports \(module)" }
    }

    static let sources = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Sources")

    static func imports() throws -> [Import] {
        let pattern = try Regex(
            #"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)"#
        ).anchorsMatchLineEndings()
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
        var found: [Import] = []
        for case let file as URL in files where file.pathExtension == "swift" {
            let path = String(file.path.dropFirst(sources.path.count + 1))
            let target = String(path.prefix { $0 != "/" })
            for match in try String(contentsOf: file, encoding: .utf8).matches(of: pattern) {
                let module = try #require(match.output[1].substring)
                found.append(Import(target: target, file: path, module: String(module)))
            }
        }
        return found
    }

    @Test("stay within the table")
    func table() throws {
        let imports = try Self.imports()
        #expect(imports.count > 100, "the sources were not found")
        for entry in imports where !ImportTable.standard.contains(entry.module) {
            let allowed = try #require(ImportTable.allowed[entry.target], "no row for \(entry.target)")
            #expect(allowed.contains(entry.module), "\(entry)")
        }
    }

    @Test("of some libraries stay in one place")
    func confinement() throws {
        for entry in try Self.imports() {
            guard let places = ImportTable.confined[entry.module] else { continue }
            #expect(places.contains { entry.file.hasPrefix($0) }, "\(entry)")
        }
    }

    @Test("run one way: no target imports one that imports it, however indirectly")
    func noCycles() {
        func reach(_ target: String, _ seen: Set<String> = []) -> Set<String> {
            (ImportTable.allowed[target] ?? []).reduce(into: seen) { seen, next in
                if ImportTable.allowed[next] != nil, seen.insert(next).inserted { seen = reach(next, seen) }
            }
        }
        for target in ImportTable.allowed.keys {
            #expect(!reach(target).contains(target), "\(target) reaches itself")
        }
    }

    @Test("are read with attributes, access levels and kinds")
    func recognition() throws {
        #expect(try Self.imports().contains { $0.target == "Storage" && $0.module == "GRDB" })
        #expect(try Self.imports().contains { $0.file == "berth/Berth.swift" && $0.module == "Commands" })
    }
}
