/// The settings that the command line gives.
struct ConfigurationFlags: Sendable {
    private(set) var texts: [ConfigurationKey: String] = [:]
    /// The value of `--config`.
    var file: String?
    private(set) var problems: [ConfigurationProblem] = []

    /// - Parameter file: The value of `--config`; nil if the flag was not given.
    init(file: String? = nil) {
        self.file = file
    }

    /// Takes the text of a flag, in the spelling of a configuration file, but with commas between the
    /// elements of a list.
    ///
    /// - Parameters:
    ///   - setting: The setting that the flag gives. Messages call the flag by the name that its key makes,
    ///     such as `--log-level`.
    ///   - text: What was given; nil if the flag was not.
    mutating func set(_ setting: some SettingDefinition, to text: String?) {
        guard let text else { return }
        do throws(InvalidValue) {
            try setting.check(text)
            texts[setting.key] = text
        } catch {
            let origin = SettingOrigin.flag(setting.key.flagName)
            problems.append(ConfigurationProblem(origin, key: setting.key.path, .invalidValue(text, error)))
        }
    }
}
