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
        Terminal.write(line(event, time: LogTime.now) + "\n", to: STDERR_FILENO)
    }

    /// The line of a message, without its end.
    func line(_ event: LogEvent, time: String) -> String {
        var values = metadata
        if let own = event.metadata { values.merge(own) { _, new in new } }
        let pairs = values.map { ($0.key, "\($0.value)") }.sorted { $0.0 < $1.0 }
        return switch format {
        case .text: text(time, event, pairs)
        case .json: json(time, event, pairs)
        }
    }

    private func text(_ time: String, _ event: LogEvent, _ pairs: [(String, String)]) -> String {
        let rest = pairs.map { "\($0.0)=\($0.1.printable)" }
        return ([time, "\(event.level)", "\(event.message)".printable] + rest).joined(separator: " ")
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

    /// Whole numbers are numbers, so that they can be counted with.
    private static func value(_ text: String) -> JSONValue {
        if let integer = Int64(text) { return .integer(integer) }
        return .string(text)
    }
}
