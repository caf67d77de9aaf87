import NIOCore
import Testing

@testable import Server

/// Content that is waited for, and content that nobody wants.
@Suite("Connection handler: content")
struct ConnectionHandlerContentTests {
    static let expecting = "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"

    // MARK: Expect: 100-continue

    @Test("A client that waits is told to go on when its content is wanted, and once")
    func `continue`() throws {
        let connection = try EmbeddedConnection()
        connection.receive(Self.expecting)
        #expect(try connection.sent() == "")
        connection.want()
        #expect(try connection.sent() == "HTTP/1.1 100 Continue\r\n\r\n")
        connection.want()
        #expect(try connection.sent() == "")
        connection.receive("abcd")
        connection.reply(201)
        #expect(try !connection.sent().contains("Connection"))
        #expect(!connection.isOutputClosed)
    }

    @Test("A client that waits and is refused is not told to go on, and the connection ends")
    func refused() throws {
        let connection = try EmbeddedConnection()
        connection.receive(Self.expecting)
        connection.reply(404)
        let sent = try connection.sent()
        #expect(sent.hasPrefix("HTTP/1.1 404") && sent.contains("Connection: close"))
        connection.want()
        #expect(try connection.sent() == "")
        connection.pass(.milliseconds(1900))
        #expect(!connection.isOutputClosed)
        connection.pass(.milliseconds(200))
        #expect(connection.isOutputClosed)
    }

    @Test("A client that was refused and sends all the same ends the connection with its content's end")
    func refusedButSending() throws {
        let connection = try EmbeddedConnection()
        connection.receive(Self.expecting)
        connection.reply(404)
        connection.receive("abcd")
        #expect(connection.isOutputClosed)
    }

    @Test("A client that does not wait is told nothing")
    func notWaiting() throws {
        let connection = try EmbeddedConnection()
        connection.receive(Self.expecting + "ab")
        connection.want()
        #expect(try connection.sent() == "")
        connection.receive("cd")
        connection.reply()
        #expect(try !connection.sent().contains("Connection"))
    }

    @Test("HTTP/1.0 knows no expectation, and no content needs none")
    func withoutExpectation() throws {
        let old = try EmbeddedConnection()
        old.receive("PUT /a HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        old.want()
        #expect(try old.sent() == "")
        let empty = try EmbeddedConnection()
        empty.receive("GET /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n")
        empty.reply()
        #expect(try !empty.sent().contains("Connection"))
        #expect(!empty.isOutputClosed)
    }

    @Test("The expectation of a pipelined request is its own")
    func pipelinedExpectation() throws {
        let connection = try EmbeddedConnection()
        connection.receive("GET /b HTTP/1.1\r\nHost: x\r\n\r\n" + Self.expecting)
        connection.want()
        #expect(try connection.sent() == "")
        connection.reply(200)
        #expect(try !connection.sent().contains("Connection"))
        connection.want()
        #expect(try connection.sent() == "HTTP/1.1 100 Continue\r\n\r\n")
        connection.receive("abcd")
        connection.reply(201)
        #expect(!connection.isOutputClosed)
    }

    // MARK: Refusals

    @Test("What is left of a refused request is passed over, and the next one taken")
    func drains() throws {
        let connection = try EmbeddedConnection()
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
        connection.reply(404)
        connection.receive("abcd" + ConnectionHandlerTests.get)
        #expect(connection.seen().suffix(3) == [".", "GET /a", "."])
        connection.reply(200, "2")
        #expect(try connection.sent().hasSuffix("2"))
        connection.pass(.seconds(3))
        #expect(!connection.isOutputClosed)
    }

    @Test("Of a refused request a mebibyte is read, and no more")
    func drainLimit() throws {
        for excess in [0, 1] {
            let size = ConnectionLimits.maximumDrain + excess
            let connection = try EmbeddedConnection()
            connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: \(size)\r\n\r\n")
            connection.reply(404)
            connection.receive([UInt8](repeating: 0, count: size))
            #expect(connection.isOutputClosed == (excess > 0))
            #expect(connection.seen().contains(".") == (excess == 0))
        }
    }

    @Test("A refused client that sends on gets its answer, for twenty seconds and no longer")
    func drainTime() throws {
        let connection = try EmbeddedConnection()
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        connection.reply(404)
        for _ in 1...199 {
            connection.pass(.milliseconds(100))
            connection.receive("x")
            #expect(!connection.isOutputClosed)
        }
        connection.pass(.milliseconds(100))
        #expect(connection.isOutputClosed && !connection.isClosed)
        connection.pass(.seconds(2))
        #expect(connection.isClosed)
    }

    @Test(
        "While others wait, or where it is not wanted, a refused client has two seconds",
        arguments: [true, false]
    )
    func shortDrain(isUnwanted: Bool) throws {
        let connection = try EmbeddedConnection()
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        if isUnwanted {
            connection.channel.triggerUserOutboundEvent(ConnectionUnwanted(), promise: nil)
        } else {
            connection.isCrowded = true
        }
        connection.reply(503)
        for _ in 1...19 {
            connection.pass(.milliseconds(100))
            connection.receive("x")
            #expect(!connection.isOutputClosed)
        }
        connection.pass(.milliseconds(100))
        #expect(connection.isOutputClosed)
    }

    @Test("A refused client that sends nothing more is hung up on after two seconds")
    func drainSilence() throws {
        let connection = try EmbeddedConnection()
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        connection.reply(404)
        connection.pass(.milliseconds(1900))
        connection.receive("x")
        connection.pass(.milliseconds(1900))
        #expect(!connection.isOutputClosed)
        connection.pass(.milliseconds(100))
        #expect(connection.isOutputClosed && !connection.isClosed)
    }

    @Test("With Connection: close too, a refused client may send for a while before our side closes")
    func drainsBeforeClosing() throws {
        let connection = try EmbeddedConnection()
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\n")
        connection.reply(404)
        #expect(!connection.isOutputClosed)
        connection.receive("abcd")
        #expect(connection.isOutputClosed)
        #expect(try connection.sent().contains("Connection: close"))
    }

    @Test("A refused client that closes its side is let go at once")
    func drainEndsWithClient() throws {
        let connection = try EmbeddedConnection()
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
        connection.reply(404)
        connection.receiveEnd()
        #expect(connection.isClosed)
    }

    @Test("Shutting down waits for the content that is passed over, and for no request behind it")
    func quiesceWhileDraining() throws {
        let connection = try EmbeddedConnection()
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
        connection.reply(404)
        connection.quiesce()
        #expect(!connection.isOutputClosed)
        _ = connection.seen()
        connection.receive("abcd" + ConnectionHandlerTests.get)
        #expect(connection.isOutputClosed)
        #expect(!connection.seen().contains("GET /a"))
    }
}
