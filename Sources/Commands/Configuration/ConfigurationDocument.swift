import Yams

/// What a configuration file says: the texts of its values, checked against the schema, and what is wrong
/// with it.
struct ConfigurationDocument: Sendable {
    /// A value as the parsers of the schema take it, and the line of its key.
    struct Entry: Hashable, Sendable {
        let text: String
        let line: Int
    }

    private(set) var entries: [ConfigurationKey: Entry] = [:]
    private(set) var problems: [ConfigurationProblem] = []
    private let path: String

    /// Decodes a file; one without a key, such as one of comments only, is a legal one.
    init(_ file: ConfigurationFile) {
        self.path = file.path
        do throws(ConfigurationProblem) {
            let parser = try ConfigurationYAML(file)
            guard let root = try parser.root() else { return }
            decodeRoot(root)
            // Nodes refer to their anchors weakly: the parser owns them, and stays while they are looked for.
            withExtendedLifetime(parser) {}
        } catch {
            problems.append(error)
        }
    }

    private mutating func decodeRoot(_ root: Node) {
        guard isPlain(root, key: nil), !root.isNothing else { return }
        guard let mapping = root.mapping else {
            return report(root, nil, .wrongType(found: root.kind, expected: "keys with their values"))
        }
        decode(mapping, section: nil)
    }

    private mutating func decode(_ mapping: Node.Mapping, section: String?) {
        for (key, value) in mapping where problems.count < ConfigurationError.problemLimit {
            decode(value, at: key, section: section)
        }
    }

    private mutating func decode(_ value: Node, at key: Node, section: String?) {
        guard isPlain(key, key: section) else { return }
        guard let name = key.scalar?.string else { return report(key, section, .notAKey) }
        let path = section.map { "\($0).\(name)" } ?? name
        if let setting = Settings.setting(at: path), setting.key.section == section {
            decode(value, of: setting, at: key)
        } else if section == nil, Settings.sections.contains(name) {
            decodeSection(value, named: name)
        } else {
            reportUnknown(name, path: path, at: key)
        }
    }

    private mutating func decodeSection(_ value: Node, named name: String) {
        // A section without a value is one whose keys are all commented out.
        guard isPlain(value, key: name), !value.isNull else { return }
        guard let mapping = value.mapping else {
            let keys = Settings.settings(in: name).compactMap(\.key.components.last)
            let expected = "a section with the keys \(keys.joined(separator: ", "))"
            return report(value, name, .wrongType(found: value.kind, expected: expected))
        }
        decode(mapping, section: name)
    }

    private mutating func decode(_ value: Node, of setting: any SettingDefinition, at keyNode: Node) {
        let key = setting.key
        guard isPlain(value, key: key.path) else { return }
        let text: String?
        switch (setting.shape, value) {
        case (.list, .sequence(let sequence)):
            text = list(sequence, of: setting)
        case (.text, .scalar(let scalar)), (.integer, .scalar(let scalar)), (.boolean, .scalar(let scalar)):
            text = self.text(scalar, at: value, of: setting)
        case (.list, _), (.text, _), (.integer, _), (.boolean, _):
            report(value, key.path, value.isNull ? .noValue : wrongType(value, setting))
            text = nil
        }
        guard let text, let line = keyNode.mark?.line else { return }
        entries[key] = Entry(text: text, line: line)
    }

    /// The text of a scalar if it is a legal value.
    private mutating func text(
        _ scalar: Node.Scalar,
        at node: Node,
        of setting: any SettingDefinition
    ) -> String? {
        let path = setting.key.path
        guard !node.isNull else {
            report(node, path, .noValue)
            return nil
        }
        guard setting.shape == .text || setting.shape == .list || scalar.style == .plain else {
            report(node, path, .quoted(expected: setting.expectation))
            return nil
        }
        do throws(InvalidValue) {
            try setting.check(scalar.string)
            return scalar.string
        } catch {
            report(node, path, .invalidValue(scalar.string, error))
            return nil
        }
    }

    /// The text of a list if each of its elements is a legal one.
    private mutating func list(_ sequence: Node.Sequence, of setting: any SettingDefinition) -> String? {
        var elements: [String] = []
        for node in sequence {
            guard isPlain(node, key: setting.key.path) else { return nil }
            guard let scalar = node.scalar else {
                report(node, setting.key.path, .wrongType(found: node.kind, expected: "a text in a list"))
                return nil
            }
            // An empty text would be lost among the commas, and a comma would make two elements of one.
            guard node.isNull || !scalar.string.isEmpty && !scalar.string.contains(",") else {
                report(node, setting.key.path, .invalidValue(scalar.string, .notAnElement))
                return nil
            }
            guard let text = text(scalar, at: node, of: setting) else { return nil }
            elements.append(text)
        }
        return ConfigurationList.text(of: elements)
    }
}

extension ConfigurationDocument {
    private mutating func report(_ node: Node, _ key: String?, _ reason: ConfigurationProblem.Reason) {
        let origin = SettingOrigin.file(path, line: node.mark?.line, column: node.mark?.column)
        problems.append(ConfigurationProblem(origin, key: key, reason))
    }

    private mutating func reportUnknown(_ name: String, path: String, at node: Node) {
        if name == "<<" { return report(node, nil, .mergeKey) }
        // In a section, a full path such as `log.level` is as wrong as at the top.
        if Settings.setting(at: name)?.key.section != nil { return report(node, name, .dottedKey) }
        let candidates = Settings.all.map(\.key.path) + (path == name ? Settings.sections : [])
        let nearest = NearestName.find(path, among: candidates)
        report(node, path, .unknownKey(nearest: nearest ?? ""))
    }

    /// Whether a node has neither an anchor nor a tag of its own; reports it otherwise.
    ///
    /// An alias needs an anchor, so that a file without anchors has no aliases either.
    private mutating func isPlain(_ node: Node, key: String?) -> Bool {
        guard node.anchor == nil else {
            report(node, key, .anchor)
            return false
        }
        let standard: Tag.Name =
            switch node {
            case .scalar, .alias: .str
            case .mapping: .map
            case .sequence: .seq
            }
        guard node.tag.rawValue == standard.rawValue else {
            report(node, key, .tag)
            return false
        }
        return true
    }

    private func wrongType(_ node: Node, _ setting: any SettingDefinition) -> ConfigurationProblem.Reason {
        .wrongType(found: node.kind, expected: setting.expectation)
    }
}

extension InvalidValue {
    fileprivate static let notAnElement = InvalidValue(
        "is no element of a list",
        advice: "write one name in each"
    )
}

extension Node {
    /// Whether this is what YAML reads as no value: nothing at all, `~` or `null`, outside quotes.
    fileprivate var isNull: Bool {
        guard let scalar, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    /// Whether this is a document in which nothing is written.
    fileprivate var isNothing: Bool {
        scalar.map { $0.style == .plain && $0.string.isEmpty } ?? false
    }

    /// The kind of the node, in words.
    fileprivate var kind: String {
        switch self {
        case .scalar, .alias: "a single value"
        case .mapping: "a section"
        case .sequence: "a list"
        }
    }
}
