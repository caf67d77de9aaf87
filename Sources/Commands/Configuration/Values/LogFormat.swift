/// How a line of the log is written.
enum LogFormat: String, CaseIterable, Sendable {
    /// For people: one line of words and `key=value` pairs.
    case text
    /// For machines: one JSON object a line.
    case json
}
