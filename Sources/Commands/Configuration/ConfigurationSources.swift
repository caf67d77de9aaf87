import Configuration
import Synchronization

/// The sources of settings in the order in which they are asked: flags, environment, file, defaults.
struct ConfigurationSources: Sendable {
    private let reader: ConfigReader
    private let answers = AnswerRecorder()
    private let document: ConfigurationDocument?
    private let path: String

    init(
        flags: ConfigurationFlags,
        environment: ConfigurationEnvironment,
        file: ConfigurationDocument?,
        path: String
    ) {
        self.document = file
        self.path = path
        let defaults = Settings.all.map { ($0.key, $0.defaultText) }
        self.reader = ConfigReader(
            providers: [
                Self.provider(flags.texts),
                EnvironmentVariablesProvider(environmentVariables: environment.variables)
                    .prefixKeys(with: ConfigKey(["berth"])),
                Self.provider((file?.entries ?? [:]).mapValues(\.text)),
                Self.provider(Dictionary(uniqueKeysWithValues: defaults)),
            ],
            accessReporter: answers
        )
    }

    /// The text that is in force for a setting, and the source that gave it.
    func text(of setting: some SettingDefinition) -> (text: String, origin: SettingOrigin) {
        let text = reader.string(forKey: ConfigKey(setting.key.components)) ?? setting.defaultText
        return (text, origin(of: setting.key))
    }

    private func origin(of key: ConfigurationKey) -> SettingOrigin {
        switch answers.index(of: key.path) {
        case 0: .flag(key.flagName)
        case 1: .environment(key.environmentName)
        case 2: .file(path, line: document?.entries[key]?.line)
        default: .standard
        }
    }

    /// A source as the library knows one.
    ///
    /// Values travel through the library as texts: it decides between the sources, and the schema's parsers,
    /// which can say what is wrong with a value, make something of them.
    private static func provider(_ texts: [ConfigurationKey: String]) -> InMemoryProvider {
        let values = texts.map { key, text in
            (AbsoluteConfigKey(key.components), ConfigValue(.string(text), isSecret: false))
        }
        return InMemoryProvider(values: Dictionary(uniqueKeysWithValues: values))
    }
}

/// Remembers which source answered for a key.
private final class AnswerRecorder: AccessReporter {
    private let indices = Mutex<[String: Int]>([:])

    func report(_ event: AccessEvent) {
        // The reader asks one provider after the other until one has a value: the last one asked is the one
        // that had it.
        indices.withLock { $0[event.metadata.key.description] = event.providerResults.count - 1 }
    }

    func index(of key: String) -> Int? {
        indices.withLock { $0[key] }
    }
}
