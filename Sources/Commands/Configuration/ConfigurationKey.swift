/// The name of a setting, such as `packaging.ca-bundle`, and its spellings in the environment and on the
/// command line.
///
/// A key is made of one or two components of lower-case letters joined by hyphens. Both `.` and `-` become
/// `_` in the environment, as the configuration library maps them; a test holds that no two keys share a
/// variable.
struct ConfigurationKey: Hashable, Sendable, CustomStringConvertible {
    let components: [String]

    init(_ path: String) {
        self.components = path.split(separator: ".").map(String.init)
    }

    /// The components joined by dots, as messages and the documentation name the key.
    var path: String { components.joined(separator: ".") }

    /// The section that holds the key, such as `packaging`; nil for a key at the top level.
    var section: String? { components.count > 1 ? components.dropLast().joined(separator: ".") : nil }

    /// The name of the environment variable, such as `BERTH_PACKAGING_CA_BUNDLE`.
    var environmentName: String {
        let name = components.joined(separator: "_").uppercased()
        return ConfigurationEnvironment.prefix + String(name.map { $0 == "-" ? "_" : $0 })
    }

    /// The name of the flag, such as `--packaging-ca-bundle`.
    var flagName: String { "--" + components.joined(separator: "-") }

    var description: String { path }
}
