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

    @Test("names its fields, sorted")
    func message() {
        #expect(
            line(.text, "it\nfailed", ["b": "2", "a": "1\u{1B}[31m"])
                == "2026-01-31T12:00:00.000Z info it\u{FFFD}failed a=1\u{FFFD}[31m b=2"
        )
    }

    @Test("as JSON is one object whose whole numbers are numbers")
    func json() {
        #expect(
            line(.json, "it failed", ["count": "7", "path": "/v2/\""])
                == #"{"time":"2026-01-31T12:00:00.000Z","level":"info","message":"it failed","count":7,"#
                + #""path":"/v2/\""}"#
        )
    }
}
