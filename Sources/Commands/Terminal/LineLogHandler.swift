import FoundationEssentials
import Glibc
import Logging
import OCI

/// Writes each message as one line to standard error: for people, or as a JSON object.
struct LineLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let format: LogFormat

    init(format: LogFormat, level: Logger.Level) {
        self.format = format
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let time = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        Terminal.write(line(event, time: time) + "\n", to: STDERR_FILENO)
    }

    /// The line of a message, without its end.
    func line(_ event: LogEvent, time: String) -> String {
        var values = metadata
        if let own = event.metadata { values.merge(own) { _, new in new } }
        let pairs = values.map { ($0.key, "\($0.value)") }.sorted { Self.order($0.0) < Self.order($1.0) }
        return switch format {
        case .text: text(time, event, pairs)
        case .json: json(time, event, pairs)
        }
    }

    /// A line for people.
    ///
    /// A request's is short: what is asked for stands first, without the names of the fields.
    private func text(_ time: String, _ event: LogEvent, _ pairs: [(String, String)]) -> String {
        let message = "\(event.message)"
        if message == "request" {
            return ([time] + pairs.map { $0.0 == "ms" ? $0.1 + "ms" : $0.1.printable }).joined(separator: " ")
        }
        let rest = pairs.map { "\($0.0)=\($0.1.printable)" }
        return ([time, "\(event.level)", message.printable] + rest).joined(separator: " ")
    }

    private func json(_ time: String, _ event: LogEvent, _ pairs: [(String, String)]) -> String {
        var members: [JSONValue.Member] = [
            .init("time", .string(time)),
            .init("level", .string("\(event.level)")),
            .init("message", .string("\(event.message)")),
        ]
        members += pairs.map { .init($0.0, Self.value($0.1)) }
        return String(decoding: JSONValue.object(members).canonicalBytes, as: UTF8.self)
    }

    /// Numbers are numbers, so that they can be counted with.
    private static func value(_ text: String) -> JSONValue {
        if let integer = Int64(text) { return .integer(integer) }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        if parts.count == 2, parts[1].utf8.count == 3, let thousandths = UInt64(parts[0] + parts[1]) {
            return .thousandths(thousandths)
        }
        return .string(text)
    }

    /// A request's fields stand in a fixed order before all others, which are sorted by name.
    private static func order(_ name: String) -> String {
        let first = ["method", "path", "status", "bytes", "ms", "remote"]
        return first.firstIndex(of: name).map { "\($0)" } ?? "~\(name)"
    }
}
