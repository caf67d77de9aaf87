import NIOCore
import Testing

@testable import Server

/// The order of things on one connection, without a network.
@Suite("Connection handler")
struct ConnectionHandlerTests {
    static let get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test("A connection stays open behind a reply")
    func keepsAlive() throws {
        let connection = try EmbeddedConnection()
        for _ in 1...3 {
            connection.receive(Self.get)
            #expect(connection.seen() == ["GET /a", "."])
            connection.reply(200, "hello")
            let sent = try connection.sent()
            #expect(sent.hasPrefix("HTTP/1.1 200 OK\r\n") && sent.hasSuffix("\r\n\r\nhello"))
            #expect(!sent.contains("Connection"))
        }
        #expect(!connection.isOutputClosed)
    }

    @Test(
        "What becomes of the connection follows from version and header",
        arguments: [
            ("HTTP/1.1", "", nil, false),
            ("HTTP/1.1", "Connection: keep-alive\r\n", nil, false),
            ("HTTP/1.1", "Connection: close\r\n", "close", true),
            ("HTTP/1.1", "connection: CLOSE\r\n", "close", true),
            ("HTTP/1.1", "Connection: foo, close\r\n", "close", true),
            ("HTTP/1.0", "", "close", true),
            ("HTTP/1.0", "Connection: keep-alive\r\n", "keep-alive", false),
            ("HTTP/1.0", "Connection: Keep-Alive\r\n", "keep-alive", false),
            ("HTTP/1.0", "Connection: close\r\n", "close", true),
        ] as [(String, String, String?, Bool)]
    )
    func persistence(version: String, field: String, said: String?, closes: Bool) throws {
        let connection = try EmbeddedConnection()
        connection.receive("GET /a \(version)\r\nHost: x\r\n\(field)\r\n")
        connection.reply()
        let sent = try connection.sent()
        #expect(sent.contains("Connection: ") == (said != nil))
        if let said { #expect(sent.contains("Connection: \(said)\r\n")) }
        #expect(connection.isOutputClosed == closes)
    }

    @Test("Our side closes behind the last byte, not before it")
    func closesBehindReply() throws {
        let connection = try EmbeddedConnection()
        connection.receive("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        connection.isBlocked = true
        connection.reply(200, "hello")
        connection.finish()
        #expect(!connection.isOutputClosed)
        connection.isBlocked = false
        #expect(connection.isOutputClosed && !connection.isClosed)
        #expect(try connection.sent().hasSuffix("hello"))
        connection.pass(.seconds(3))
        #expect(connection.isClosed)
    }

    @Test("Behind Connection: close no further request is taken")
    func ignoresRequestsBehindClose() throws {
        let connection = try EmbeddedConnection()
        connection.receive(
            "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nDELETE /b HTTP/1.1\r\n\r\n"
        )
        let seen = connection.seen()
        #expect(Array(seen.prefix(2)) == ["GET /a", "."])
        #expect(!seen.contains("DELETE /b"))
        connection.reply()
        // Hummingbird's own refusal of what stands behind.
        connection.reply(400)
        #expect(try connection.sentStatuses() == [200])
        #expect(connection.isOutputClosed)
    }

    // MARK: Pipelining

    @Test("Pipelined requests come up in order, and a reply does not drain the next one's content")
    func pipelining() throws {
        let connection = try EmbeddedConnection()
        connection.receive(Self.get + "PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
        #expect(connection.seen() == ["GET /a", ".", "PUT /b", "+2"])
        connection.reply(200, "1")
        connection.pass(.seconds(5))
        #expect(!connection.isOutputClosed)
        connection.receive("cd" + Self.get)
        #expect(connection.seen() == ["+2", ".", "GET /a", "."])
        connection.reply(201)
        connection.reply(200, "3")
        #expect(try connection.sentStatuses() == [200, 201, 200])
        #expect(!connection.isOutputClosed)
    }

    @Test("The last of several open requests is the one that closes")
    func closesAfterLast() throws {
        let connection = try EmbeddedConnection()
        connection.receive(Self.get + "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        connection.reply(200, "1")
        #expect(try !connection.sent().contains("Connection"))
        #expect(!connection.isOutputClosed)
        connection.reply(200, "2")
        #expect(try connection.sent().contains("Connection: close"))
        #expect(connection.isOutputClosed)
    }

    // MARK: Shutting down

    @Test("A connection without a request closes when the server shuts down")
    func quiesceIdle() throws {
        let connection = try EmbeddedConnection()
        connection.receive(Self.get)
        connection.reply()
        #expect(!connection.isOutputClosed)
        connection.quiesce()
        #expect(connection.isOutputClosed)
    }

    @Test("When the server shuts down every open request is answered, and no other taken")
    func quiesceBusy() throws {
        let connection = try EmbeddedConnection()
        connection.receive(Self.get + "PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
        connection.quiesce()
        connection.receive("cd" + Self.get)
        #expect(connection.seen() == ["GET /a", ".", "PUT /b", "+2", "+2", "."])
        connection.reply(200, "1")
        #expect(!connection.isOutputClosed)
        connection.isBlocked = true
        connection.reply(201)
        #expect(!connection.isOutputClosed)
        connection.isBlocked = false
        let sent = try connection.sent()
        #expect(sent.ranges(of: "Connection: close").count == 1)
        #expect(EmbeddedConnection.statuses(in: sent) == [200, 201])
        #expect(connection.isOutputClosed)
    }

    @Test("A reply that is still on its way survives the shutting down")
    func quiesceUnsent() throws {
        let connection = try EmbeddedConnection()
        connection.receive(Self.get)
        connection.isBlocked = true
        connection.reply(200, "hello")
        connection.quiesce()
        #expect(!connection.isOutputClosed)
        connection.isBlocked = false
        #expect(connection.isOutputClosed)
        #expect(try connection.sent().hasSuffix("hello"))
    }

    // MARK: The client's end

    @Test("A client that has said all it will still gets its answer, whole")
    func halfClosedClient() throws {
        let connection = try EmbeddedConnection()
        connection.receive(Self.get)
        connection.receiveEnd()
        #expect(!connection.isOutputClosed)
        connection.isBlocked = true
        connection.reply(200, "hello")
        // Hummingbird sees the end of its input, and ends its output.
        connection.finish()
        connection.pass(.seconds(5))
        #expect(!connection.isOutputClosed)
        connection.isBlocked = false
        #expect(try connection.sent().hasSuffix("hello"))
        #expect(connection.isClosed)
    }

    @Test("A client that closes between requests is let go, once it has its reply")
    func clientCloses() throws {
        let connection = try EmbeddedConnection()
        connection.receive(Self.get)
        connection.isBlocked = true
        connection.reply()
        connection.receiveEnd()
        #expect(!connection.isClosed)
        connection.isBlocked = false
        #expect(connection.isClosed)
    }

    @Test(
        "A connection that ends in the middle of content is no end of the content",
        arguments: ["Content-Length: 4", "Transfer-Encoding: chunked"],
        [true, false]
    )
    func interrupted(framing: String, isHalf: Bool) throws {
        let connection = try EmbeddedConnection()
        let content = framing.hasPrefix("C") ? "ab" : "2\r\nab\r\n"
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\n\(framing)\r\n\r\n\(content)")
        #expect(connection.seen() == ["PUT /a", "+2"])
        if isHalf { connection.receiveEnd() } else { connection.vanish() }
        let seen = connection.seen()
        #expect(!seen.isEmpty && !seen.contains("."))
    }

    // MARK: What is no HTTP

    @Test("What is no HTTP is refused once, behind the replies that are owed")
    func garbage() throws {
        let connection = try EmbeddedConnection()
        connection.receive(Self.get + "\u{1}\u{2}garbage\r\n\r\n")
        #expect(connection.seen() == ["GET /a", ".", "HTTPParserError"])
        connection.reply(200, "1")
        #expect(!connection.isOutputClosed)
        connection.reply(400)
        #expect(connection.isOutputClosed)
        #expect(try connection.sentStatuses() == [200, 400])
    }

    @Test("Broken content is refused once, by whoever replies first")
    func brokenContent() throws {
        let connection = try EmbeddedConnection()
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        #expect(connection.seen() == ["PUT /a", "HTTPParserError"])
        connection.reply(404)
        connection.reply(400)
        #expect(try connection.sentStatuses() == [404])
        #expect(connection.isOutputClosed)
    }

    @Test("Broken content behind the reply only ends the connection")
    func brokenDrain() throws {
        let connection = try EmbeddedConnection()
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.reply(404)
        #expect(!connection.isOutputClosed)
        connection.receive("zz\r\n")
        #expect(connection.seen() == ["PUT /a"])
        #expect(connection.isOutputClosed)
    }
}
