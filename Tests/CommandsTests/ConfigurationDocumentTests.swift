import Testing

@testable import Commands

@Suite("A configuration file is decoded strictly")
struct ConfigurationDocumentTests {
    private static func at(_ line: Int, _ column: Int) -> SettingOrigin {
        .file("berth.yaml", line: line, column: column)
    }

    @Test(
        "A file without keys is a legal one",
        arguments: [
            "", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "\u{FEFF}", "\u{FEFF}# x", "{}",
            "--- # x\n",
        ]
    )
    func nothing(_ yaml: String) throws {
        #expect(try decode(yaml: yaml).entries.isEmpty)
    }

    @Test(
        "What YAML allows in the way of writing is allowed",
        arguments: [
            "log:\n  level: debug\n", "log: {level: debug}", "{log: {level: debug}}",
            "log:\r\n  level: debug\r\n",
            "\u{FEFF}log:\n  level: debug", "---\nlog:\n  level: debug\n...\n", "log:\n  level: \"debug\"\n",
            "log:\n  level: 'debug' # why\n", "\"log\":\n  'level': debug\n", "? log\n: level: debug\n",
            "log:\n  level:\n    debug\n", "log:\n  level: !!str debug\n",
            "%YAML 1.1\n---\nlog: {level: debug}\n",
        ]
    )
    func spellings(_ yaml: String) throws {
        let entries = try decode(yaml: yaml).entries
        #expect(entries.mapValues(\.text) == [ConfigurationKey("log.level"): "debug"])
    }

    @Test(
        "A section whose keys are all commented out is empty",
        arguments: ["log:\n  # level: debug\n", "log: ~", "log: {}"]
    )
    func emptySections(_ yaml: String) throws {
        #expect(try decode(yaml: yaml).entries.isEmpty)
    }

    @Test("Each value knows the line of its key")
    func lines() throws {
        let entries = try decode(
            yaml: "\u{FEFF}# x\nport: 1\n\nlog:\n\n  level:\n    debug\nhosts:\n- a\n- b\n"
        ).entries
        #expect(entries[ConfigurationKey("port")] == .init(text: "1", line: 2))
        #expect(entries[ConfigurationKey("log.level")] == .init(text: "debug", line: 6))
        #expect(entries[ConfigurationKey("hosts")] == .init(text: "a,b", line: 8))
    }

    @Test(
        "An unknown key is a problem that names the nearest",
        arguments: [
            ("prot: 1", "prot", 1, 1, "port"), ("Port: 1", "Port", 1, 1, "port"),
            ("log:\n  levle: x", "log.levle", 2, 3, "log.level"),
            ("level: debug", "level", 1, 1, "log.level"), ("logs:\n  level: x", "logs", 1, 1, "log"),
            ("packaging: {ca_bundle: host}", "packaging.ca_bundle", 1, 13, "packaging.ca-bundle"),
            ("timeouts:\n  idel: 1s", "timeouts.idel", 2, 3, "timeouts.idle"),
            ("limits: {port: 1}", "limits.port", 1, 10, "port"),
            ("allowRemote: true", "allowRemote", 1, 1, "allow-remote"),
            ("\"\": 1", "", 1, 1, "host"), ("~: 1", "~", 1, 1, "host"), ("5000: 1", "5000", 1, 1, "host"),
        ]
    )
    func unknownKeys(_ yaml: String, _ key: String, _ line: Int, _ column: Int, _ nearest: String) {
        #expect(
            problems(yaml: yaml) == [.init(Self.at(line, column), key: key, .unknownKey(nearest: nearest))]
        )
    }

    @Test("A key in the dotted spelling of messages is told that there are sections")
    func dottedKeys() {
        #expect(problems(yaml: "log.level: debug") == [.init(Self.at(1, 1), key: "log.level", .dottedKey)])
        #expect(
            problems(yaml: "log: {log.level: debug}") == [.init(Self.at(1, 7), key: "log.level", .dottedKey)]
        )
    }

    @Test(
        "A value of another kind is a problem",
        arguments: [
            ("port: [1]", "port", "a list", "a whole number from 0 to 65535"),
            ("port: {a: 1}", "port", "a section", "a whole number from 0 to 65535"),
            ("allow-remote: []", "allow-remote", "a list", "true or false"),
            ("hosts: a.example", "hosts", "a single value", "a list of addresses and host names"),
            ("hosts: {a: b}", "hosts", "a section", "a list of addresses and host names"),
            ("hosts: [[a]]", "hosts", "a list", "a text in a list"),
            ("hosts: [{a: b}]", "hosts", "a section", "a text in a list"),
            ("host: [a]", "host", "a list", "an address or a host name"),
            ("log: debug", "log", "a single value", "a section with the keys level, format"),
            ("log: [level]", "log", "a list", "a section with the keys level, format"),
            ("log: ''", "log", "a single value", "a section with the keys level, format"),
        ]
    )
    func wrongTypes(_ yaml: String, _ key: String, _ found: String, _ expected: String) {
        let problems = problems(yaml: yaml)
        #expect(problems.map(\.key) == [key])
        #expect(problems.map(\.reason) == [.wrongType(found: found, expected: expected)])
    }

    @Test(
        "A document that is no mapping is a problem",
        arguments: ["just a text", "5000", "- port", "[]", "''", "null"]
    )
    func wrongRoots(_ yaml: String) {
        let found = problems(yaml: yaml)
        #expect(found.count == 1)
        guard case .wrongType(_, "keys with their values") = found.first?.reason else {
            Issue.record("\(found)")
            return
        }
    }

    @Test(
        "A key without a value is a problem",
        arguments: ["", " ~", " null", " Null", " NULL", " # x", "\nport: 1"]
    )
    func noValue(_ value: String) {
        #expect(problems(yaml: "storage:\(value)").map(\.reason) == [.noValue])
        #expect(problems(yaml: "hosts:\(value)").map(\.reason) == [.noValue])
        let inSection = "packaging:\n  ca-bundle:\(value == "\nport: 1" ? "" : value)"
        #expect(problems(yaml: inSection).map(\.key) == ["packaging.ca-bundle"])
    }

    @Test(
        "An element of a list without a value is a problem",
        arguments: ["hosts: [a, ~]", "hosts: [null]", "hosts:\n-\n- a\n", "hosts:\n- a\n- # b\n"]
    )
    func noElement(_ yaml: String) {
        #expect(problems(yaml: yaml).map(\.reason) == [.noValue])
    }

    @Test(
        "A number or a boolean in quotes is a text",
        arguments: [
            ("port: \"5000\"", "port"), ("port: '5000'", "port"), ("port: |\n  5000", "port"),
            ("allow-remote: \"true\"", "allow-remote"), ("limits: {connections: '1'}", "limits.connections"),
        ]
    )
    func quoted(_ yaml: String, _ key: String) throws {
        let setting = try #require(Settings.setting(at: key))
        let found = problems(yaml: yaml)
        #expect(found.map(\.key) == [key])
        #expect(found.map(\.reason) == [.quoted(expected: setting.expectation)])
    }

    @Test(
        "A malformed value is a problem at its place",
        arguments: [
            ("port: 0x10", "port", 1, 7), ("port: 1_000", "port", 1, 7), ("port:   65536", "port", 1, 9),
            ("port: -1", "port", 1, 7), ("port: 5000.0", "port", 1, 7), ("port: 1:30", "port", 1, 7),
            ("allow-remote: yes", "allow-remote", 1, 15), ("allow-remote: On", "allow-remote", 1, 15),
            ("timeouts:\n  idle: 30", "timeouts.idle", 2, 9),
            ("limits: {upload-size: 10}", "limits.upload-size", 1, 23),
            ("hosts: [a, 'b c']", "hosts", 1, 12), ("hosts:\n- a\n- b:5000", "hosts", 3, 3),
            ("hosts: ['a,b']", "hosts", 1, 9), ("hosts: ['']", "hosts", 1, 9),
            ("storage: '~/x'", "storage", 1, 10),
            ("storage: \"\"", "storage", 1, 10), ("url: registry.example", "url", 1, 6),
            ("log: {level: 'null'}", "log.level", 1, 14),
        ]
    )
    func malformed(_ yaml: String, _ key: String, _ line: Int, _ column: Int) {
        let found = problems(yaml: yaml)
        #expect(found.map(\.origin) == [Self.at(line, column)])
        #expect(found.map(\.key) == [key])
        guard case .invalidValue = found.first?.reason else {
            Issue.record("\(found)")
            return
        }
    }

    @Test(
        "A key that is given twice is a problem",
        arguments: [
            ("port: 1\nhost: a\nport: 2\n", "port", 1, 1), ("port: 1\n\"port\": 1\n", "port", 1, 1),
            ("log:\n  level: info\n  level: debug\n", "level", 2, 3),
            ("log: {level: info}\nlog: {format: json}\n", "log", 1, 1),
            ("nonsense: 1\nnonsense: 1", "nonsense", 1, 1),
        ]
    )
    func duplicates(_ yaml: String, _ key: String, _ line: Int, _ column: Int) {
        #expect(problems(yaml: yaml) == [.init(Self.at(line, column), key: key, .duplicateKey)])
    }

    @Test(
        "Anchors and aliases are refused wherever they are",
        arguments: [
            "port: &a 1", "&a port: 1", "&a {port: 1}", "--- &a\nport: 1", "log: &a {level: info}",
            "hosts: &a [b]",
            "hosts: [&a b, *a]", "log: {level: &a info}", "log: {&a level: info}", "host: *a", "*a : 1",
            "log: &a {level: info}\nport: *a", "hosts: [*a]", "&a log: {}", "log: &a", "--- &a",
        ]
    )
    func anchors(_ yaml: String) {
        #expect(problems(yaml: yaml).map(\.reason).contains(.anchor))
    }

    @Test("Merge keys are refused")
    func mergeKeys() {
        #expect(problems(yaml: "log:\n  <<: {level: info}").map(\.reason) == [.mergeKey])
        #expect(problems(yaml: "<<: {port: 1}").map(\.reason) == [.mergeKey])
    }

    @Test(
        "Tags are refused",
        arguments: [
            "port: !!int 1", "!!map2 {port: 1}", "log: !x {level: info}", "!!int port: 1", "hosts: !!set [a]",
            "hosts: [!x a]",
        ]
    )
    func tags(_ yaml: String) {
        #expect(problems(yaml: yaml).map(\.reason) == [.tag])
    }

    @Test(
        "A key that is no text is refused",
        arguments: ["[a]: 1", "{a: b}: 1", "? [a, b]\n: 1", "log: {[a]: 1}"]
    )
    func complexKeys(_ yaml: String) {
        #expect(problems(yaml: yaml).map(\.reason) == [.notAKey])
    }

    @Test(
        "A second document is refused",
        arguments: ["port: 1\n---\nport: 2\n", "---\n---\nport: 2\n", "port: 1\n...\n---\n"]
    )
    func severalDocuments(_ yaml: String) {
        #expect(problems(yaml: yaml).map(\.reason) == [.severalDocuments])
    }

    @Test(
        "Tabs that indent are refused",
        arguments: [
            "log:\n\tlevel: info", "port: 1\n\thost: a", "\tport: 1", "\t# x\nport: 1",
            "log:\n  level: info\n\tformat: text",
        ]
    )
    func tabs(_ yaml: String) {
        #expect(problems(yaml: yaml).map(\.reason) == [.tab])
    }

    @Test(
        "Tabs elsewhere are blanks",
        arguments: ["port:\t1", "port: 1\t# x", "port: 1\n  \t\n", "log:\t{\tlevel:\tinfo\t}"]
    )
    func harmlessTabs(_ yaml: String) throws {
        #expect(try decode(yaml: yaml).entries.count == 1)
    }

    @Test(
        "What is not YAML is a problem at its place",
        arguments: [
            ("port: 1\nhost", 2), ("log: {level: info", 1), ("hosts: [a", 1), ("port: \"1", 1),
            ("port: 1: 2", 1),
            ("port: @1", 1), ("port: `1", 1), (" port: 1\nhost: a", 2), ("port: 1\n host: a", 2),
            ("a: b: c", 1),
            ("port: \"\\ud800\"", 1), ("port: 1\nhost: \u{1}", 2), ("port: 1\nhost: a\0b", 2), ("}", 1),
            ("%", 1),
        ]
    )
    func syntax(_ yaml: String, _ line: Int) throws {
        let found = problems(yaml: yaml)
        #expect(found.count == 1)
        let problem = try #require(found.first)
        guard case .syntax = problem.reason, case .file("berth.yaml", let place?, _) = problem.origin else {
            Issue.record("\(found)")
            return
        }
        #expect(place >= line && place <= line + 1)
    }

    @Test("All problems of a file are reported, in its order, one line each")
    func allProblems() {
        let yaml = "prot: 1\nport: x\nlog:\n  level: loud\n  <<: 1\nhosts: [a b, c d]\nurl:\n"
        #expect(
            problems(yaml: yaml).map(\.description) == [
                "berth.yaml:1:1: prot: there is no such key; the nearest is port",
                "berth.yaml:2:7: port: \"x\" is not a whole number from 0 to 65535",
                "berth.yaml:4:10: log.level: \"loud\" is not \(Settings.logLevel.expectation)",
                "berth.yaml:5:3: merge keys (<<) are not supported; write the value out at each place",
                "berth.yaml:6:9: hosts: \"a b\" is neither an address nor a host name",
                "berth.yaml:7:5: url: the key has no value; write one, or remove the key for the default",
            ]
        )
    }
}
