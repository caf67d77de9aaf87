package import Logging
package import Server
import Synchronization

/// Keeps what is logged, and tells a test when something it waits for has been.
package final class RecordingLog: Sendable {
    /// One line of the log.
    package struct Line: Sendable {
        package let level: Logger.Level
        package let message: String
        package let metadata: [String: String]
    }

    private let lines = Mutex<[Line]>([])

    package init() {}

    /// Everything that was logged so far.
    package var all: [Line] { lines.withLock { $0 } }

    /// What was logged as an error.
    package var errors: [Line] { all.filter { $0.level >= .error } }

    /// A logger that writes here.
    package var logger: Logger {
        var logger = Logger(label: "test", factory: { _ in Handler(log: self) })
        logger.logLevel = .info
        return logger
    }

    /// Keeps what a server tells of a request, as a line of the name `request`.
    package func record(_ request: RequestRecord) {
        var metadata = [
            "method": request.method, "path": request.path, "status": "\(request.status)",
            "bytes": "\(request.bytes)", "remote": request.remote,
        ]
        if request.isInterrupted { metadata["outcome"] = "interrupted" }
        let line = Line(level: .info, message: "request", metadata: metadata)
        lines.withLock { $0.append(line) }
    }

    /// The first line that is as wanted, as soon as there is one.
    package func line(where isWanted: (Line) -> Bool) async throws -> Line {
        try await eventually("a line in the log") { all.first(where: isWanted) }
    }

    private struct Handler: LogHandler {
        let log: RecordingLog
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .info

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).mapValues { "\($0)" }
            let line = Line(level: event.level, message: "\(event.message)", metadata: metadata)
            log.lines.withLock { $0.append(line) }
        }
    }
}

/// What a test waited for did not happen in time.
package struct NeverHappened: Error {
    package let what: String
}

/// Looks again and again for something that happens elsewhere, at most for `RawConnection.patience`.
package func eventually<Value>(_ what: String, _ look: () async throws -> Value?) async throws -> Value {
    let deadline = ContinuousClock.now + RawConnection.patience
    while ContinuousClock.now < deadline {
        if let value = try await look() { return value }
        try await Task.sleep(for: .milliseconds(5))
    }
    throw NeverHappened(what: what)
}
