import FoundationEssentials
import Server
import Testing

@testable import Commands

@Suite("A request's line in the log")
struct RequestLogTests {
    private static let time = "2026-01-31T12:00:00.000Z"

    private func record(
        path: String = "/v2/",
        microseconds: Int64 = 1250,
        isInterrupted: Bool = false
    ) -> RequestRecord {
        RequestRecord(
            method: "GET",
            path: path,
            status: 200,
            bytes: 7,
            microseconds: microseconds,
            remote: "127.0.0.1",
            isInterrupted: isInterrupted
        )
    }

    @Test("is short, and in a fixed order")
    func text() {
        let log = RequestLog(format: .text)
        #expect(log.line(record(), time: Self.time) == "\(Self.time) GET /v2/ 200 7 1.250ms 127.0.0.1")
        #expect(
            log.line(record(microseconds: 61_000_042, isInterrupted: true), time: Self.time)
                == "\(Self.time) GET /v2/ 200 7 61000.042ms 127.0.0.1 interrupted"
        )
    }

    @Test("as JSON is one object whose numbers are numbers")
    func json() {
        let log = RequestLog(format: .json)
        let start = #"{"time":"2026-01-31T12:00:00.000Z","level":"info","message":"request","method":"GET","#
        #expect(
            log.line(record(), time: Self.time)
                == start + #""path":"/v2/","status":200,"bytes":7,"ms":1.250,"remote":"127.0.0.1"}"#
        )
        #expect(
            log.line(record(microseconds: 9, isInterrupted: true), time: Self.time)
                == start + #""path":"/v2/","status":200,"bytes":7,"ms":0.009,"remote":"127.0.0.1","#
                + #""outcome":"interrupted"}"#
        )
    }

    @Test(
        "as JSON keeps whatever a path has",
        arguments: [#"/a"b"#, #"/a\b"#, "/é", "/\u{FFFD}", "/😀", "/…"]
    )
    func quoting(path: String) throws {
        struct Line: Decodable {
            let path: String
        }
        let line = RequestLog(format: .json).line(record(path: path), time: Self.time)
        #expect(try JSONDecoder().decode(Line.self, from: Data(line.utf8)).path == path)
    }

    @Test(
        "begins with the time of day in UTC",
        arguments: [
            (0, "1970-01-01T00:00:00"), (951_782_399, "2000-02-28T23:59:59"),
            (951_868_799, "2000-02-29T23:59:59"),
            (4_102_444_800, "2100-01-01T00:00:00"),
        ]
    )
    func time(second: Int, text: String) throws {
        #expect(LogTime.text(of: second) == text)
        let now = LogTime.now
        #expect(now.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
        let moment = try Date(now, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        #expect(abs(moment.timeIntervalSinceNow) < 60)
    }
}
