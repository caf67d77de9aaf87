import FoundationEssentials
import Logging
import Testing

@testable import Commands

@Suite("A line in the log")
struct LineLogHandlerTests {
    private func line(_ format: LogFormat, _ message: String, _ metadata: Logger.Metadata) -> String {
        LineLogHandler(format: format, level: .info).line(
            LogEvent(
                level: .info,
                message: "\(message)",
                error: nil,
                metadata: metadata,
                source: "",
                file: "",
                function: "",
                line: 1
            ),
            time: "2026-01-31T12:00:00.000Z"
        )
    }

    private static let request: Logger.Metadata = [
        "remote": "127.0.0.1", "ms": "1.250", "bytes": "7", "status": "200", "path": "/v2/", "method": "GET",
    ]

    @Test("of a request is short, and in a fixed order")
    func request() {
        #expect(
            line(.text, "request", Self.request)
                == "2026-01-31T12:00:00.000Z GET /v2/ 200 7 1.250ms 127.0.0.1"
        )
    }

    @Test("of anything else names its fields, sorted")
    func message() {
        #expect(
            line(.text, "it\nfailed", ["b": "2", "a": "1\u{1B}[31m"])
                == "2026-01-31T12:00:00.000Z info it\u{FFFD}failed a=1\u{FFFD}[31m b=2"
        )
    }

    @Test("as JSON is one object whose whole numbers are numbers")
    func json() {
        #expect(
            line(.json, "request", Self.request)
                == #"{"time":"2026-01-31T12:00:00.000Z","level":"info","message":"request","method":"GET","#
                + #""path":"/v2/","status":200,"bytes":7,"ms":1.250,"remote":"127.0.0.1"}"#
        )
    }
}
