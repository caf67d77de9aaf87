import FoundationEssentials

/// What `berth config` prints: every setting, its value, and where that comes from.
struct ConfigurationReport: Sendable {
    private let configuration: BerthConfiguration

    init(_ configuration: BerthConfiguration) {
        self.configuration = configuration
    }

    /// The report for people: the file that was read, and a table of three columns.
    var text: String {
        let rows = configuration.settings.map { setting in
            [setting.key.path, setting.displayText, setting.origin.description]
        }
        let table = [["KEY", "VALUE", "FROM"]] + rows
        let widths = (0..<2).map { column in table.map { $0[column].count }.max() ?? 0 }
        let lines = table.map { row in
            zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count + 2)
            }.joined() + row[2]
        }
        let file = configuration.file.map { printable($0, limit: .max) } ?? "none"
        return "Configuration file: \(file)\n\n" + lines.joined(separator: "\n") + "\n"
    }

    /// The report for programs: `{"file": …, "settings": [{"key": …, "origin": {"kind": …}, "value": …}]}`.
    ///
    /// `kind` is `flag`, `environment`, `file` or `default`; `name` is the flag, the variable or the file,
    /// and `line` the line in it. Durations and sizes are texts, `none` is null. The keys of objects are
    /// sorted.
    ///
    /// - Returns: A JSON object in several lines.
    /// - Throws: Nothing that a configuration can cause.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let report = Report(
            file: configuration.file,
            settings: configuration.settings.map(Report.Setting.init)
        )
        return String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
    }
}

extension EffectiveSetting {
    /// The value as the table shows it: a list in brackets.
    fileprivate var displayText: String {
        guard shape == .list else { return printable(text, limit: .max) }
        return "[" + ConfigurationList.elements(of: text).joined(separator: ", ") + "]"
    }
}

private struct Report: Encodable {
    let file: String?
    let settings: [Setting]

    private enum CodingKeys: CodingKey {
        case file
        case settings
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        // Encoded even where it is nil, so that every report has the same keys.
        try container.encode(file, forKey: .file)
        try container.encode(settings, forKey: .settings)
    }

    struct Setting: Encodable {
        private let setting: EffectiveSetting

        init(_ setting: EffectiveSetting) {
            self.setting = setting
        }

        private enum CodingKeys: CodingKey {
            case key
            case value
            case origin
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(setting.key.path, forKey: .key)
            try container.encode(Origin(setting.origin), forKey: .origin)
            switch setting.shape {
            case _ where setting.isNone: try container.encodeNil(forKey: .value)
            case .text: try container.encode(setting.text, forKey: .value)
            case .integer: try container.encode(Int(setting.text), forKey: .value)
            case .boolean: try container.encode(Bool(setting.text), forKey: .value)
            case .list: try container.encode(ConfigurationList.elements(of: setting.text), forKey: .value)
            }
        }
    }

    struct Origin: Encodable {
        let kind: String
        let name: String?
        let line: Int?

        init(_ origin: SettingOrigin) {
            switch origin {
            case .flag(let name): (self.kind, self.name, self.line) = ("flag", name, nil)
            case .environment(let name): (self.kind, self.name, self.line) = ("environment", name, nil)
            case .file(let path, let line, _): (self.kind, self.name, self.line) = ("file", path, line)
            case .standard: (self.kind, self.name, self.line) = ("default", nil, nil)
            }
        }
    }
}
