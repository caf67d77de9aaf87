/// The environment variables that configure Berth, checked against the schema.
struct ConfigurationEnvironment: Sendable {
    static let prefix = "BERTH_"
    /// The variable that names the configuration file.
    static let fileVariable = "BERTH_CONFIG"
    /// Variables that only the program's own tests look at.
    static let testPrefix = "BERTH_TEST_"

    /// The variables of settings alone.
    private(set) var variables: [String: String] = [:]
    /// The value of `BERTH_CONFIG`.
    let file: String?
    private(set) var problems: [ConfigurationProblem] = []

    /// Takes from an environment what is meant for Berth.
    ///
    /// A variable with the prefix that is no setting is a problem, because it is most likely a mistyped one.
    /// Those that Kubernetes makes of a service's name are passed over.
    init(_ environment: [String: String]) {
        self.file = environment[Self.fileVariable]
        let settings = Dictionary(uniqueKeysWithValues: Settings.all.map { ($0.key.environmentName, $0) })
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix(Self.prefix) {
            guard problems.count < ConfigurationError.problemLimit else { return }
            guard name != Self.fileVariable, !name.hasPrefix(Self.testPrefix),
                !KubernetesServiceVariable.matches(name: name, value: value)
            else { continue }
            if let setting = settings[name] {
                take(value, for: setting)
            } else {
                reportUnknown(name)
            }
        }
    }

    private mutating func take(_ value: String, for setting: any SettingDefinition) {
        do throws(InvalidValue) {
            try setting.check(value)
            variables[setting.key.environmentName] = value
        } catch {
            problems.append(
                ConfigurationProblem(
                    .environment(setting.key.environmentName),
                    key: setting.key.path,
                    .invalidValue(value, error)
                )
            )
        }
    }

    private mutating func reportUnknown(_ name: String) {
        let file = ConfigurationKey("config")
        let keys = Settings.all.map(\.key) + [file]
        let written = name.dropFirst(Self.prefix.count).lowercased()
        let nearest = NearestName.find(written, among: keys.map(\.path)).map(ConfigurationKey.init)
        problems.append(
            ConfigurationProblem(
                .environment(printable(name)),
                .unknownVariable(nearest: (nearest ?? file).environmentName)
            )
        )
    }
}
