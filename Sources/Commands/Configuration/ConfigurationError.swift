/// Everything that is wrong with a configuration: all of its problems, so that one look mends them.
struct ConfigurationError: Error, Hashable {
    /// How many problems of one source are told: what has more is not a configuration with mistakes in it.
    static let problemLimit = 20

    /// At least one, in the order: flags, variables by name, the file by line.
    let problems: [ConfigurationProblem]
}

extension ConfigurationError: CustomStringConvertible {
    /// One line for each problem.
    var description: String {
        let lines = problems.map(\.description)
        let rest = problems.count < Self.problemLimit ? [] : ["There may be more problems than these."]
        return (lines + rest).joined(separator: "\n")
    }
}

/// One thing that is wrong with a configuration: where, in which key, what, and what to do.
struct ConfigurationProblem: Error, Hashable {
    let origin: SettingOrigin
    /// The key as it was written, such as `log.levle`; nil where the problem is not about a key.
    let key: String?
    let reason: Reason

    init(_ origin: SettingOrigin, key: String? = nil, _ reason: Reason) {
        self.origin = origin
        self.key = key
        self.reason = reason
    }

    enum Reason: Hashable {
        /// The name of a file is empty.
        case noFileName
        /// The file cannot be read, for the reason that the system gives.
        case unreadable(String, namedBy: SettingOrigin?)
        case folder
        /// The file is longer than `ConfigurationFile.byteLimit`.
        case tooLarge
        case notUTF8
        /// It is not YAML, for the reason that the parser gives.
        case syntax(String)
        /// A line is indented by a tab, which YAML forbids.
        case tab
        case severalDocuments
        case anchor
        case mergeKey
        case tag
        /// A key is a list or a mapping.
        case notAKey
        case duplicateKey
        /// A known key is written as `log.level` in a file, which has sections for that.
        case dottedKey
        case unknownKey(nearest: String)
        case unknownVariable(nearest: String)
        /// A value, which is `found` in YAML's terms, where `expected` belongs.
        case wrongType(found: String, expected: String)
        /// A number or a boolean in quotes.
        case quoted(expected: String)
        /// A key without a value.
        case noValue
        case invalidValue(String, InvalidValue)
        /// A listener for other machines that `allow-remote` does not allow.
        case remoteListener(String)
    }
}

extension ConfigurationProblem: CustomStringConvertible {
    /// One line: the origin, the key where the origin does not name it already, what is wrong and what to do.
    var description: String {
        var parts = [origin.description]
        if let key, case .file = origin { parts.append(printable(key)) }
        parts.append(reason.message)
        return parts.joined(separator: ": ") + (reason.advice.map { "; \($0)" } ?? "")
    }
}

extension ConfigurationProblem.Reason {
    /// What is wrong.
    var message: String {
        switch self {
        case .noFileName: "the name of the configuration file is empty"
        case .unreadable(let reason, _): "cannot read the configuration file: \(reason)"
        case .folder: "this is a folder, not a configuration file"
        case .tooLarge: "the file is longer than 1 MiB, so it is no configuration file"
        case .notUTF8: "the text is not UTF-8"
        case .syntax(let problem): "not YAML: \(printable(problem))"
        case .tab: "a tab indents the line, which YAML does not allow"
        case .severalDocuments: "a second document begins here"
        case .anchor: "anchors and aliases (& and *) are not supported"
        case .mergeKey: "merge keys (<<) are not supported"
        case .tag: "tags (!) are not supported"
        case .notAKey: "this is no key"
        case .duplicateKey: "the key is given more than once"
        case .dottedKey: "a file has a section for this key"
        case .unknownKey: "there is no such key"
        case .unknownVariable: "there is no such variable"
        case .wrongType(let found, let expected): "the value is \(found), not \(expected)"
        case .quoted(let expected): "the value is a text in quotes, not \(expected)"
        case .noValue: "the key has no value"
        case .invalidValue(_, let invalid) where invalid.isSecret: "the value \(invalid.problem)"
        case .invalidValue(let text, let invalid): "\"\(printable(text))\" \(invalid.problem)"
        case .remoteListener(let host):
            "other machines reach \(host), and there is neither TLS nor an account to keep them out"
        }
    }

    /// What to do about it.
    var advice: String? {
        switch self {
        case .noFileName: "name the file, or leave the option out"
        case .unreadable(_, let name): name.map { "\($0) names it" }
        case .folder, .tooLarge, .syntax: nil
        case .notUTF8: "save the file as UTF-8"
        case .tab: "indent with spaces"
        case .severalDocuments: "keep one, without a line of three hyphens"
        case .anchor, .mergeKey: "write the value out at each place"
        case .tag: "leave it out: the key knows its type"
        case .notAKey: "write each setting as a name, a colon and a value"
        case .duplicateKey: "keep one of them"
        case .dottedKey: "write the first part as a section, and the second part indented below it"
        case .unknownKey(let nearest), .unknownVariable(let nearest): "the nearest is \(nearest)"
        case .wrongType: nil
        case .quoted: "leave the quotes out"
        case .noValue: "write one, or remove the key for the default"
        case .invalidValue(_, let invalid): invalid.advice
        case .remoteListener: "set allow-remote to true if that is meant, or listen on 127.0.0.1"
        }
    }
}
