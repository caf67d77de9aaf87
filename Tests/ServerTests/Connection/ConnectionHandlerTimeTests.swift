import NIOCore
import NIOHTTP1
import Testing

@testable import Server

/// Who is given up, and when: not before the limit, and no more than a quarter behind it.
@Suite("Connection handler: time")
struct ConnectionHandlerTimeTests {
    static let limits = ConnectionLimits(
        header: .seconds(10),
        idle: .seconds(20),
        stall: .seconds(40),
        minimumRate: 0
    )
    /// A quarter of the shortest limit.
    static let lateness: TimeAmount = .milliseconds(2500)

    /// Passes a limit, and says whether the connection is closed exactly then.
    private func closes(_ connection: EmbeddedConnection, after limit: TimeAmount) -> Bool {
        connection.pass(limit - .milliseconds(10))
        guard !connection.isClosed else { return false }
        connection.pass(.milliseconds(10) + Self.lateness)
        return connection.isClosed
    }

    @Test("A connection on which no request begins, or none ends, is given up", arguments: [false, true])
    func header(isDripping: Bool) throws {
        let connection = try EmbeddedConnection(Self.limits)
        if isDripping {
            connection.receive("GET /a HTTP/1.1\r\n")
            for _ in 1...9 {
                connection.pass(.seconds(1))
                connection.receive("X: y\r\n")
            }
            #expect(!connection.isClosed)
            #expect(closes(connection, after: .seconds(1)))
        } else {
            #expect(closes(connection, after: .seconds(10)))
        }
    }

    @Test("A connection on which nothing follows is given up later than one on which nothing begins")
    func idle() throws {
        let connection = try EmbeddedConnection(Self.limits)
        connection.pass(.seconds(9))
        connection.receive(ConnectionHandlerTests.get)
        connection.pass(.seconds(9))
        connection.reply()
        #expect(closes(connection, after: .seconds(20)))
    }

    @Test("Who is answered without anybody being asked is idle when nothing follows, and not before")
    func hotReplies() throws {
        let scene = try HotScene()
        let connection = try EmbeddedConnection(Self.limits, hot: scene.source)
        for _ in 1...10 {
            connection.pass(.seconds(9))
            connection.receive(ConnectionHandlerTests.get)
            #expect(try connection.sent().hasSuffix("\r\n\r\nhello"))
        }
        #expect(connection.seen().isEmpty)
        #expect(scene.records.count == 10)
        #expect(closes(connection, after: .seconds(20)))
    }

    @Test("Nobody is idle who waits for a reply, however long that takes")
    func longHandler() throws {
        let connection = try EmbeddedConnection(Self.limits)
        connection.receive(ConnectionHandlerTests.get)
        connection.pass(.hours(1))
        #expect(!connection.isClosed)
        connection.reply(200, "late")
        #expect(try connection.sent().hasSuffix("late"))
        connection.receive(ConnectionHandlerTests.get)
        connection.reply(200, "again")
        #expect(try connection.sent().hasSuffix("again"))
    }

    @Test("Nobody is idle who is still being sent a reply, slowly")
    func slowReader() throws {
        let connection = try EmbeddedConnection(Self.limits)
        connection.receive(ConnectionHandlerTests.get)
        connection.isBlocked = true
        connection.reply(200, "hello")
        connection.pass(.seconds(35))
        #expect(!connection.isClosed)
        connection.isBlocked = false
        #expect(closes(connection, after: .seconds(20)))
    }

    @Test("Who takes nothing of a reply is given up")
    func stalledReader() throws {
        let connection = try EmbeddedConnection(Self.limits)
        connection.receive(ConnectionHandlerTests.get)
        connection.isBlocked = true
        connection.beginReply(length: 100)
        #expect(closes(connection, after: .seconds(40)))
    }

    @Test("Who sends nothing of the content that is waited for is given up, and each byte counts")
    func stalledContent() throws {
        let connection = try EmbeddedConnection(Self.limits)
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        for _ in 1...5 {
            connection.pass(.seconds(39))
            connection.receive("x")
        }
        #expect(!connection.isClosed)
        #expect(closes(connection, after: .seconds(40)))
    }

    // MARK: Who does next to nothing

    static let paced = ConnectionLimits(
        header: .seconds(10),
        idle: .seconds(20),
        stall: .seconds(40),
        minimumRate: 10
    )

    @Test(
        "Who sends a byte now and then is given up, and who sends enough on average is not",
        arguments: [(1, false), (5, false), (11, true), (1000, true)]
    )
    func trickledContent(bytesPerSecond: Int, isEnough: Bool) throws {
        let connection = try EmbeddedConnection(Self.paced)
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        for second in 1...200 {
            connection.pass(.seconds(1))
            connection.receive([UInt8](repeating: 0, count: bytesPerSecond))
            if !isEnough, second <= 39 { #expect(!connection.isClosed, "after \(second) s") }
        }
        #expect(connection.isClosed != isEnough)
    }

    @Test("A pause is made up for by what comes before and behind it")
    func pausedContent() throws {
        let connection = try EmbeddedConnection(Self.paced)
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        for _ in 1...10 {
            connection.pass(.seconds(39))
            connection.receive([UInt8](repeating: 0, count: 800))
        }
        #expect(!connection.isClosed)
    }

    @Test("Time in which nobody reads is not the sender's")
    func pacedByServer() throws {
        let connection = try EmbeddedConnection(Self.paced)
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        for _ in 1...20 {
            connection.readsOn = false
            connection.receive([UInt8](repeating: 0, count: 20))
            connection.pass(.seconds(30))
            connection.readsOn = true
            connection.pass(.seconds(1))
        }
        #expect(!connection.isClosed)
    }

    @Test("Each request's content has its own measure")
    func pacePerRequest() throws {
        let connection = try EmbeddedConnection(Self.paced)
        for _ in 1...20 {
            connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
            connection.pass(.seconds(19))
            connection.receive("b")
            connection.reply(201)
        }
        #expect(!connection.isClosed)
    }

    @Test(
        "Who takes a byte of a reply now and then is given up, and who takes enough on average is not",
        arguments: [(5, false), (11, true)]
    )
    func trickledReply(bytesPerSecond: Int, isEnough: Bool) throws {
        var watch = StallWatch(now: .uptimeNanoseconds(0))
        let size = 1_000_000
        watch.hasWritten(size)
        for second in 0...200 {
            let now = NIODeadline.uptimeNanoseconds(0) + .seconds(Int64(second))
            watch.hasUnsent(size - second * bytesPerSecond, now)
            let isStalled = watch.isWriteStalled(now, Self.paced)
            if isEnough || second <= 40 {
                #expect(!isStalled, "after \(second) s")
            } else if isStalled {
                return
            }
        }
        #expect(isEnough)
    }

    @Test("What is written meanwhile is not taken for what was taken, nor the other way")
    func repliesInPieces() throws {
        var watch = StallWatch(now: .uptimeNanoseconds(0))
        var unsent = 0
        var stalledAt: Int?
        for second in 0...200 {
            let now = NIODeadline.uptimeNanoseconds(0) + .seconds(Int64(second))
            // Five bytes are taken, and a hundred more are written.
            unsent += 95
            watch.hasWritten(100)
            watch.hasUnsent(unsent, now)
            if watch.isWriteStalled(now, Self.paced), stalledAt == nil { stalledAt = second }
        }
        #expect(stalledAt.map { 40...50 ~= $0 } == true)
    }

    // MARK: Where others wait

    @Test("While others wait, a connection without a request ends soon, and one with a request stays")
    func crowded() throws {
        let idle = try EmbeddedConnection(Self.limits)
        let busy = try EmbeddedConnection(Self.limits)
        let silent = try EmbeddedConnection(Self.limits)
        for connection in [idle, busy] { connection.receive(ConnectionHandlerTests.get) }
        idle.reply()
        for connection in [idle, busy, silent] { connection.isCrowded = true }
        for connection in [idle, busy] { connection.pass(.milliseconds(900)) }
        #expect(!idle.isClosed)
        for connection in [idle, busy] { connection.pass(.seconds(60)) }
        #expect(idle.isClosed && !busy.isClosed)
        silent.pass(.milliseconds(4900))
        #expect(!silent.isClosed)
        silent.pass(.milliseconds(100) + Self.lateness)
        #expect(silent.isClosed)
    }

    @Test("A connection that is not wanted any more ends behind the reply")
    func unwanted() throws {
        let connection = try EmbeddedConnection(Self.limits)
        connection.receive(ConnectionHandlerTests.get)
        connection.giveUp()
        #expect(!connection.isOutputClosed)
        connection.reply(503)
        #expect(try connection.sent().contains("Connection: close"))
        #expect(connection.isOutputClosed)
    }

    // MARK: Who is not to blame

    @Test("Nobody is blamed for content that nobody reads")
    func unreadContent() throws {
        let connection = try EmbeddedConnection(Self.limits)
        connection.readsOn = false
        connection.receive("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        connection.pass(.hours(1))
        #expect(!connection.isClosed)
        connection.readsOn = true
        #expect(closes(connection, after: .seconds(40)))
    }

    @Test("Nobody is blamed for waiting to be told to go on")
    func waitingForContinue() throws {
        let connection = try EmbeddedConnection(Self.limits)
        connection.receive(ConnectionHandlerContentTests.expecting)
        connection.pass(.hours(1))
        #expect(!connection.isClosed)
        connection.want()
        #expect(closes(connection, after: .seconds(40)))
    }

    @Test("A refusal that nobody writes ends the connection all the same")
    func missingRefusal() throws {
        let connection = try EmbeddedConnection(Self.limits)
        connection.receive("garbage\r\n\r\n")
        #expect(connection.seen() == ["HTTPParserError"])
        #expect(closes(connection, after: .seconds(20)))
    }

    @Test("A client that does not close its side is left in the end")
    func linger() throws {
        let connection = try EmbeddedConnection(Self.limits)
        connection.receive("GET /a HTTP/1.0\r\n\r\n")
        connection.reply()
        #expect(connection.isOutputClosed && !connection.isClosed)
        connection.pass(.milliseconds(1900))
        #expect(!connection.isClosed)
        connection.pass(.milliseconds(200))
        #expect(connection.isClosed)
    }

    @Test("Nothing happens behind the end")
    func afterClose() throws {
        for request in [ConnectionHandlerTests.get, ConnectionHandlerContentTests.expecting, "GET "] {
            let connection = try EmbeddedConnection(Self.limits)
            connection.receive(request)
            connection.vanish()
            connection.reply()
            connection.pass(.hours(1))
            #expect(connection.isClosed)
        }
    }
}
