/// Where the value of a setting, or a problem with one, comes from.
enum SettingOrigin: Hashable, Sendable {
    /// A flag of the command line, such as `--port`.
    case flag(String)
    /// An environment variable, such as `BERTH_PORT`.
    case environment(String)
    /// A place in a file, with nil where the whole file or line is meant.
    ///
    /// Lines and columns count from 1, columns in Unicode scalars.
    case file(String, line: Int? = nil, column: Int? = nil)
    /// The schema.
    case standard
}

extension SettingOrigin: CustomStringConvertible {
    var description: String {
        switch self {
        case .flag(let name), .environment(let name): name
        case .file(let path, let line, let column):
            ([printable(path)] + [line, column].compactMap { $0.map(String.init) }).joined(separator: ":")
        case .standard: "default"
        }
    }
}

/// A text as it may stand in one line of a message: control characters escaped, and cut where it is very
/// long.
///
/// Configuration may come from anywhere, and a message goes to a terminal.
func printable(_ text: some StringProtocol, limit: Int = 200) -> String {
    var result = ""
    for (index, scalar) in text.unicodeScalars.enumerated() {
        guard index < limit else { return result + "…" }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
            result += scalar.escaped(asASCII: true)
        default:
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}
