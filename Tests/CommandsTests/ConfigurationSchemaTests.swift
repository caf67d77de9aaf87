import Foundation
import Testing

@testable import Commands

@Suite("The schema of the configuration")
struct ConfigurationSchemaTests {
    @Test("Every key is made of one or two components of lower-case words", arguments: SettingArgument.all)
    func keysHaveTheirGrammar(_ argument: SettingArgument) throws {
        let key = argument.setting.key
        #expect(1...2 ~= key.components.count)
        #expect(key.path.wholeMatch(of: /[a-z]+(-[a-z]+)*(\.[a-z]+(-[a-z]+)*)?/) != nil)
    }

    @Test("No two settings share a key, a variable or a flag, and no section has the name of a key")
    func namesAreUnique() {
        let keys = Settings.all.map(\.key)
        #expect(Set(keys).count == keys.count)
        #expect(Set(keys.map(\.environmentName)).count == keys.count)
        #expect(Set(keys.map(\.flagName)).count == keys.count)
        #expect(Set(keys.map(\.path)).isDisjoint(with: Settings.sections))
    }

    @Test("No variable of a setting is one of those that the environment keeps for something else")
    func variablesAreNotReserved() {
        for setting in Settings.all {
            let name = setting.key.environmentName
            #expect(name != ConfigurationEnvironment.fileVariable)
            #expect(!name.hasPrefix(ConfigurationEnvironment.testPrefix))
            #expect(!KubernetesServiceVariable.matches(name: name, value: setting.defaultText))
        }
    }

    @Test("The settings of a section follow each other, after those of none")
    func sectionsAreContiguous() {
        #expect(Set(Settings.sections).count == Settings.sections.count)
        let sections = Settings.all.map(\.key.section)
        #expect(sections.drop { $0 == nil }.allSatisfy { $0 != nil })
    }

    @Test("Every default is a legal value", arguments: SettingArgument.all)
    func defaultsAreLegal(_ argument: SettingArgument) throws {
        try argument.setting.check(argument.setting.defaultText)
    }

    @Test("config/berth.yaml gives every key its default, in the order of the schema, and nothing else")
    func shippedFileHoldsTheDefaults() throws {
        let file = repositoryFolder.appending(path: "config/berth.yaml").path
        let loaded = try BerthConfiguration.load(environment: [:], standardFile: file)
        let defaults = try BerthConfiguration.load(environment: [:], standardFile: nil)
        #expect(loaded.settings.map(\.text) == defaults.settings.map(\.text))
        let lines = loaded.settings.compactMap { setting -> Int? in
            guard case .file(_, let line, _) = setting.origin else { return nil }
            return line
        }
        #expect(lines.count == Settings.all.count)
        #expect(lines == lines.sorted())
    }

    @Test("config/berth.yaml says above every key what it is for", arguments: SettingArgument.all)
    func shippedFileExplains(_ argument: SettingArgument) throws {
        let text = try String(
            contentsOf: repositoryFolder.appending(path: "config/berth.yaml"),
            encoding: .utf8
        )
        let lines = text.components(separatedBy: "\n")
        let setting = argument.setting
        let document = try decode(yaml: text)
        let line = try #require(document.entries[setting.key]?.line)
        let comment = lines[..<(line - 1)].reversed()
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .prefix { $0.hasPrefix("# ") }
            .reversed().map { $0.dropFirst(2) }.joined(separator: " ")
        #expect(comment.hasPrefix(setting.summary.dropLast()))
    }

    @Test("docs/configuration.md has a row for every key, and no other")
    func documentationIsComplete() throws {
        let text = try String(
            contentsOf: repositoryFolder.appending(path: "docs/configuration.md"),
            encoding: .utf8
        )
        let rows = text.components(separatedBy: "\n").filter { $0.hasPrefix("| `") }
        let expected = Settings.all.map { setting in
            let standard = setting.shape == .list && setting.defaultText.isEmpty ? "[]" : setting.defaultText
            let key = setting.key
            return "| `\(key)` | `\(key.environmentName)` | `\(standard)` | \(setting.summary) |"
        }
        #expect(rows == expected)
    }
}
