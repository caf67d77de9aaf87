import Glibc
import OCI
import Server

/// Writes a line for each request to standard error: for people, or as a JSON object.
struct RequestLog {
    let format: LogFormat

    /// Writes the lines of some requests that have just been answered, as many together as a pipe takes in one piece: no
    /// other's can come to stand within one.
    func write(_ records: [RequestRecord]) {
        let time = LogTime.now
        var lines = ""
        for record in records {
            let line = line(record, time: time) + "\n"
            if !lines.isEmpty, lines.utf8.count + line.utf8.count > Self.piece {
                Terminal.write(lines, to: STDERR_FILENO)
                lines = ""
            }
            lines += line
        }
        Terminal.write(lines, to: STDERR_FILENO)
    }

    /// In bytes, what POSIX calls PIPE_BUF on Linux.
    private static let piece = 4096

    /// The line of a request, without its end.
    func line(_ record: RequestRecord, time: String) -> String {
        switch format {
        case .text: Self.text(record, time)
        case .json: Self.json(record, time)
        }
    }

    /// The line is short: what is asked for stands first, without the names of the fields.
    private static func text(_ record: RequestRecord, _ time: String) -> String {
        var line = "\(time) \(record.method) \(record.path) \(record.status) \(record.bytes) "
        line += "\(milliseconds(record))ms \(record.remote)"
        if record.isInterrupted { line += " interrupted" }
        return line
    }

    private static func json(_ record: RequestRecord, _ time: String) -> String {
        var line = "{\"time\":\"\(time)\",\"level\":\"info\",\"message\":\"request\","
        line += "\"method\":\(quoted(record.method)),\"path\":\(quoted(record.path)),"
        line += "\"status\":\(record.status),\"bytes\":\(record.bytes),\"ms\":\(milliseconds(record)),"
        line += "\"remote\":\(quoted(record.remote))"
        if record.isInterrupted { line += ",\"outcome\":\"interrupted\"" }
        return line + "}"
    }

    private static func milliseconds(_ record: RequestRecord) -> String {
        "\(record.microseconds / 1000).\((record.microseconds % 1000).padded(to: 3))"
    }

    private static func quoted(_ text: String) -> String {
        // Nearly everything is plain.
        let isPlain = text.utf8.allSatisfy { byte in
            0x20 <= byte && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
        }
        return isPlain
            ? "\"\(text)\"" : String(decoding: JSONValue.string(text).canonicalBytes, as: UTF8.self)
    }
}
