import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import OCI
import Synchronization
import TestSupport
import Testing

@testable import Server
@testable import Storage

/// Replies that are known: `hello` to `GET /a`, that it is there to `HEAD /a`, and `large` to `GET /large`.
final class HotScene {
    let source: HotSource
    /// What is too much to be copied behind its head.
    let large = String(repeating: "x", count: 10_000)
    private let epochs = CatalogEpochs()
    private let log = Log()

    init() throws {
        let now: WallClock = { Timestamp(milliseconds: 0) }
        source = HotSource(
            replies: HotReplies(now: now),
            repeats: HotReplies(now: now),
            hostRule: .unrestricted,
            census: ConnectionCensus(limit: 10),
            log: LogBatches(ServerLog(logger: .silent) { [log] in log.add($0) })
        )
        let stamp = try #require(epochs.stamp(RepositoryName("a")))
        for (method, path, content) in [(.get, "/a", "hello"), (.head, "/a", nil), (.get, "/large", large)]
            as [(HTTPRequest.Method, String, String?)]
        {
            let reply = HotReply(
                method: method,
                headers: ["Content-Length": "\(content?.utf8.count ?? 5)", "X-Of": "\(method) \(path)"],
                content: content.map { ByteBuffer(string: $0) },
                path: path,
                lease: ReadLease(epochs, stamp)
            )
            source.replies.keep(reply, for: HotRequest.Key(isHead: method == .head, target: path))
        }
    }

    /// The lines written into the log so far.
    var records: [RequestRecord] { log.all }

    /// From now on nothing that was known holds.
    func forget() throws { try epochs.change([.repository(RepositoryName("a"))]) {} }

    private final class Log: Sendable {
        private let records = Mutex<[RequestRecord]>([])

        var all: [RequestRecord] { records.withLock { $0 } }

        func add(_ more: [RequestRecord]) { records.withLock { $0 += more } }
    }
}
