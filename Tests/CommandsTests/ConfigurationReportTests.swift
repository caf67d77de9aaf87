import Foundation
import Testing

@testable import Commands

@Suite("What is in force, and from where")
struct ConfigurationReportTests {
    private func report(
        yaml: String,
        environment: [String: String] = [:],
        _ body: (ConfigurationReport, String) throws -> Void
    ) throws {
        try withConfigurationFolder { folder in
            let file = folder.appending(path: "berth.yaml").path
            try yaml.write(toFile: file, atomically: false, encoding: .utf8)
            var flags = ConfigurationFlags(file: file)
            flags.set(Settings.port, to: "0")
            try body(ConfigurationReport(.load(flags: flags, environment: environment)), file)
        }
    }

    @Test("The table has a row for each setting, with columns that begin at the same place")
    func table() throws {
        let yaml = "hosts: [a.example, b.example]\nstorage: Größe\n"
        try report(yaml: yaml, environment: ["BERTH_LOG_LEVEL": "debug"]) { report, file in
            let lines = report.text.components(separatedBy: "\n")
            #expect(lines.first == "Configuration file: \(file)")
            #expect(lines.count == Settings.all.count + 4)
            #expect(lines.last == "")
            let rows = lines[2...].dropLast()
            #expect(rows.contains("port                 0                       --port"))
            #expect(rows.contains("hosts                [a.example, b.example]  \(file):1"))
            #expect(rows.contains("storage              Größe                   \(file):2"))
            #expect(rows.contains("log.level            debug                   BERTH_LOG_LEVEL"))
            #expect(rows.contains("url                  none                    default"))
            #expect(
                rows.allSatisfy { $0.dropFirst(19).prefix(2) == "  " && $0.dropFirst(43).prefix(2) == "  " }
            )
        }
    }

    @Test("Without a file the table says so")
    func noFile() throws {
        let loaded = try BerthConfiguration.load(environment: [:], standardFile: nil)
        #expect(ConfigurationReport(loaded).text.hasPrefix("Configuration file: none\n"))
    }

    @Test("The table cannot disturb a terminal")
    func terminal() throws {
        let storage = "a\u{202E}b"
        let loaded = try BerthConfiguration.load(environment: ["BERTH_STORAGE": storage], standardFile: nil)
        #expect(loaded.storage == storage)
        #expect(ConfigurationReport(loaded).text.contains("a\\u{202E}b"))
    }

    @Test("The JSON has each setting with a value of its type and its origin")
    func json() throws {
        let yaml = "hosts: [a.example]\nlimits: {upload-size: 10GB}\n"
        try report(yaml: yaml, environment: ["BERTH_ALLOW_REMOTE": "true"]) { report, file in
            let text = try report.json()
            let object = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            #expect(object["file"] as? String == file)
            let settings = try #require(object["settings"] as? [[String: Any]])
            #expect(settings.compactMap { $0["key"] as? String } == Settings.all.map(\.key.path))
            let byKey = Dictionary(uniqueKeysWithValues: settings.map { ($0["key"] as? String ?? "", $0) })
            #expect(byKey["port"]?["value"] as? Int == 0)
            #expect(byKey["port"]?["origin"] as? [String: String] == ["kind": "flag", "name": "--port"])
            #expect(byKey["allow-remote"]?["value"] as? Bool == true)
            let variable = ["kind": "environment", "name": "BERTH_ALLOW_REMOTE"]
            #expect(byKey["allow-remote"]?["origin"] as? [String: String] == variable)
            #expect(byKey["hosts"]?["value"] as? [String] == ["a.example"])
            #expect((byKey["hosts"]?["origin"] as? [String: Any])?["line"] as? Int == 1)
            #expect(byKey["limits.upload-size"]?["value"] as? String == "10GB")
            #expect(byKey["url"]?["value"] is NSNull)
            #expect(byKey["url"]?["origin"] as? [String: String] == ["kind": "default"])
            #expect(byKey["packaging.ca-bundle"]?["value"] as? String == "host")
        }
    }

    @Test("The JSON is the same text each time, and says null where no file was read")
    func deterministic() throws {
        let loaded = try BerthConfiguration.load(environment: [:], standardFile: nil)
        let text = try ConfigurationReport(loaded).json()
        #expect(text == (try ConfigurationReport(loaded).json()))
        #expect(text.hasPrefix("{\n  \"file\" : null,\n") && text.hasSuffix("}\n"))
    }
}
