import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import Server

/// Requests in bytes that were seen before: answered as if they had been read anew, and only where one begins.
@Suite("Repeat handler")
struct RepeatHandlerTests {
    static let get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

    /// What goes out, but for the date, which a second can end between.
    private static func undated(_ text: String) -> String {
        text.split(separator: "\r\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("Date: ") }
            .joined(separator: "\r\n")
    }

    @Test(
        "The reply is the same in every byte but for its date",
        arguments: ["GET /a", "HEAD /a", "GET /large"]
    )
    func same(line: String) throws {
        let scene = try HotScene()
        let connection = try EmbeddedConnection(hot: scene.source)
        let request = "\(line) HTTP/1.1\r\nhost: x\r\nAccept: */*\r\n\r\n"
        connection.receive(request)
        let first = try connection.sent()
        #expect(scene.source.repeats.find(ByteBuffer(string: request)) != nil, "it is known now")
        for _ in 1...3 {
            connection.receive(request)
            let again = try connection.sent()
            #expect(Self.undated(again) == Self.undated(first))
            #expect(again.ranges(of: "\r\nDate: ").count == 1 && again.ranges(of: " GMT\r\n").count == 1)
        }
        let records = scene.records
        #expect(records.count == 4 && connection.seen().isEmpty)
        #expect(
            Set(records.map { "\($0.method) \($0.path) \($0.status) \($0.bytes) \($0.remote)" }).count == 1
        )
    }

    @Test(
        "What is not answered by its bytes alone is not kept by them",
        arguments: [
            "GET /a HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nRange: bytes=0-0\r\n\r\n",
            "GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
            get + get,
            "GET /a HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "y", count: 3000))\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n\r\n\r\n",
        ]
    )
    func unkept(request: String) throws {
        let scene = try HotScene()
        let connection = try EmbeddedConnection(hot: scene.source)
        connection.receive(request)
        #expect(scene.source.repeats.find(ByteBuffer(string: request)) == nil)
    }

    @Test("What does not hold any more is not given")
    func forgotten() throws {
        let scene = try HotScene()
        let connection = try EmbeddedConnection(hot: scene.source)
        for _ in 1...3 { connection.receive(Self.get) }
        #expect(connection.seen().isEmpty)
        try scene.forget()
        connection.receive(Self.get)
        #expect(connection.seen() == ["GET /a", "."])
        connection.reply(404)
        #expect(try connection.sentStatuses() == [200, 200, 200, 404])
    }

    @Test("Bytes within a request are no request, whatever they say")
    func within() throws {
        let scene = try HotScene()
        let connection = try EmbeddedConnection(hot: scene.source)
        for _ in 1...2 { connection.receive(Self.get) }
        #expect(try connection.sentStatuses() == [200, 200])
        connection.receive("PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: \(2 * Self.get.utf8.count)\r\n\r\n")
        for _ in 1...2 { connection.receive(Self.get) }
        #expect(connection.seen() == ["PUT /b", "+\(Self.get.utf8.count)", "+\(Self.get.utf8.count)", "."])
        #expect(try connection.sent().isEmpty)
        // Behind a request that is owed a reply they have to wait.
        connection.receive(Self.get)
        #expect(try connection.sent().isEmpty)
        connection.reply(201)
        #expect(connection.seen() == ["GET /a", "."])
        connection.reply(200, "later")
        #expect(try connection.sent().hasSuffix("later"))
        // And in the middle of a head they are fields, and bad ones.
        connection.receive("GET /b HTTP/1.1\r\nHost: x\r\nX: ")
        connection.receive(Self.get)
        #expect(connection.seen().first == "GET /b")
    }

    @Test("Where nobody reads, replies pile up no further than the channel says")
    func unread() throws {
        let scene = try HotScene()
        let connection = try EmbeddedConnection(hot: scene.source)
        for _ in 1...2 { connection.receive(Self.get) }
        connection.channel.isWritable = false
        connection.receive(Self.get)
        #expect(connection.seen() == ["GET /a", "."], "it goes where somebody waits for room")
    }

    @Test("A connection that is about to end gives none")
    func ending() throws {
        let scene = try HotScene()
        let connection = try EmbeddedConnection(hot: scene.source)
        for _ in 1...2 { connection.receive(Self.get) }
        _ = try connection.sent()
        connection.isBlocked = true
        connection.receive(Self.get)
        connection.quiesce()
        #expect(!connection.isOutputClosed, "a reply is still on its way")
        connection.receive(Self.get)
        connection.isBlocked = false
        #expect(try connection.sentStatuses() == [200])
        #expect(connection.isOutputClosed)
    }

    // MARK: Beside the same without it

    /// Requests of all kinds, most of them of the same few.
    private static func request(_ random: inout SplitMix) -> String {
        let common = [
            get, "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n", "GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /a HTTP/1.1\r\nhost: y\r\nAccept: a, b\r\n\r\n", "GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        ]
        let rare = [
            "GET /a HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nRange: bytes=0-0\r\n\r\n",
            "PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nGET \r\n\r\n",
            "PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: \(get.utf8.count)\r\n\r\n\(get)",
            "PUT /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nGET \r\n\r\n\r\n0\r\n\r\n",
            "PUT /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n",
            "\r\n\r\n\(get)", "\(get)\r\n\r\n", "GET /a HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        ]
        let last = [
            "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /a HTTP/1.0\r\n\r\n",
            "GET  /a\r\n\r\n", "GET /a HTTP/1.1\nHost: x\n\r\n\r\n", "GET /a HTTP/2.0\r\nHost: x\r\n\r\n",
        ]
        let kind = Int.random(in: 0..<40, using: &random)
        let list = kind == 0 ? last : kind < 10 ? rare : common
        return list[Int.random(in: 0..<list.count, using: &random)]
    }

    /// What a run of requests arrives as: cut between two of them, or anywhere.
    private static func pieces(_ random: inout SplitMix) -> [[UInt8]] {
        var pieces: [[UInt8]] = [[]]
        for _ in 0..<Int.random(in: 1...20, using: &random) {
            let bytes = Array(request(&random).utf8)
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                let cut = Int.random(in: 0...bytes.count, using: &random)
                pieces[pieces.count - 1] += bytes[..<cut]
                pieces.append(Array(bytes[cut...]))
            case 1: pieces[pieces.count - 1] += bytes
            default: pieces.append(bytes)
            }
        }
        return pieces.filter { !$0.isEmpty }
    }

    @Test(
        "In any run of requests, cut anywhere, everything is as without it",
        arguments: 1...4 as ClosedRange<UInt64>
    )
    func equivalence(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let scenes = [try HotScene(), try HotScene()]
        for round in 0..<400 {
            let connections = try scenes.enumerated().map {
                try EmbeddedConnection(hot: $1.source, repeats: $0 == 0)
            }
            for piece in Self.pieces(&random) {
                let waits = Int.random(in: 0..<8, using: &random) == 0
                var outcomes: [[String]] = []
                for connection in connections {
                    connection.receive(piece)
                    let seen = connection.seen()
                    var outcome = [Self.undated(try connection.sent())] + seen
                    // Sometimes the next piece comes before the application has replied.
                    for _ in seen.filter({ $0 == "." }) where !waits { connection.reply(200, "new") }
                    outcome += [Self.undated(try connection.sent()), "\(connection.isOutputClosed)"]
                    outcomes.append(outcome)
                }
                #expect(
                    outcomes[0] == outcomes[1],
                    "round \(round): \(String(decoding: piece, as: UTF8.self).debugDescription)"
                )
            }
        }
        let records = scenes.map { $0.records.map { "\($0.method) \($0.path) \($0.bytes)" } }
        #expect(records[0] == records[1] && records[0].count > 1000)
    }
}
