/// One entry of the schema: a key, the type of its value, its default and what it means.
struct Setting<Value: Sendable>: Sendable {
    let key: ConfigurationKey
    let type: SettingType<Value>
    /// The default, in the spelling that a configuration file uses.
    let defaultText: String
    /// What the setting does, in one sentence: the comment of `config/berth.yaml` and the text of the
    /// documentation.
    let summary: String

    init(_ path: String, _ type: SettingType<Value>, default defaultText: String, _ summary: String) {
        self.key = ConfigurationKey(path)
        self.type = type
        self.defaultText = defaultText
        self.summary = summary
    }
}

/// What code that treats every setting alike needs to know of one.
protocol SettingDefinition: Sendable {
    var key: ConfigurationKey { get }
    var defaultText: String { get }
    var summary: String { get }
    /// How the value is written in YAML and in JSON.
    var shape: SettingShape { get }
    /// What a legal value is, in a few words that follow "is not".
    var expectation: String { get }
    /// Whether the word `none` stands for the absence of a value.
    var allowsNone: Bool { get }

    /// Throws what is wrong with a text that is no legal value.
    func check(_ text: String) throws(InvalidValue)
}

extension Setting: SettingDefinition {
    var shape: SettingShape { type.shape }
    var expectation: String { type.expectation }
    var allowsNone: Bool { type.allowsNone }

    func check(_ text: String) throws(InvalidValue) {
        _ = try type.parse(text)
    }
}

/// How a value is written in YAML and in JSON.
enum SettingShape: Hashable, Sendable {
    case text
    case integer
    case boolean
    /// A sequence of texts in a file; texts separated by commas in a variable or a flag.
    case list
}

/// Why a text is not a legal value, and what to write instead.
struct InvalidValue: Error, Hashable {
    /// What is wrong, in words that follow the quoted value, such as `has no unit`.
    let problem: String
    /// What to do about it.
    let advice: String?
    /// Whether the value may hold a password, so that no message may show it.
    let isSecret: Bool

    init(_ problem: String, advice: String? = nil, isSecret: Bool = false) {
        self.problem = problem
        self.advice = advice
        self.isSecret = isSecret
    }

    /// The problem of a text that is something else than expected, and no more can be said.
    static func unexpected(_ expectation: String, advice: String? = nil) -> InvalidValue {
        InvalidValue("is not \(expectation)", advice: advice)
    }
}
