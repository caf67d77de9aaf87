import Dispatch
import NIOCore
import OCI
import Server
import TestSupport
import Testing

/// Who is given up on a real connection, and who is not.
///
/// To the millisecond it is held without a network, in a time of its own.
@Suite("Time limits")
struct TimeLimitTests {
    /// So short that a test has not to wait for long.
    static let short = limits(.milliseconds(400))
    static let soonest: Duration = .milliseconds(400)
    /// So long that a client on a busy machine keeps it.
    static let ample = limits(.seconds(2))

    private static func limits(_ time: TimeAmount, rate: Int = 0) -> ConnectionLimits {
        ConnectionLimits(header: time, idle: time, stall: time, minimumRate: rate)
    }

    /// Short, and with a rate that a client of a test keeps only if it wants to.
    static let paced = limits(.seconds(2), rate: 64 << 10)

    /// Waits for the server to close, and holds that it did not do so too early.
    private func expectCut(
        _ connection: RawConnection,
        since start: ContinuousClock.Instant
    ) async throws -> [UInt8] {
        let rest = try await connection.readToEnd()
        #expect(ContinuousClock.now - start >= Self.soonest)
        return rest
    }

    // MARK: Who is given up

    @Test("A connection on which nothing comes", arguments: ["", "GET /v2/ HTTP/1.1\r\nHost: local"])
    func silence(text: String) async throws {
        try await withServer(limits: Self.short) { server in
            let start = ContinuousClock.now
            let connection = try server.connect(sending: text)
            #expect(try await expectCut(connection, since: start).isEmpty)
        }
    }

    @Test("A head that drips")
    func drip() async throws {
        try await withServer(limits: Self.short) { server in
            let start = ContinuousClock.now
            let connection = try server.connect(sending: "GET /v2/ HTTP/1.1\r\n")
            let pieces = [[UInt8]](repeating: Array("X-Y: z\r\n".utf8), count: 10_000)
            #expect(try await connection.trickle(pieces, every: .milliseconds(20)) < pieces.count)
            _ = try await expectCut(connection, since: start)
        }
    }

    @Test("A connection on which nothing follows")
    func idle() async throws {
        try await withServer(limits: Self.short) { server in
            let start = ContinuousClock.now
            let connection = try server.connect(sending: "GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try await connection.readReply().status == 200)
            #expect(try await expectCut(connection, since: start).isEmpty)
        }
    }

    @Test("Content that stops coming", arguments: ["Content-Length: 100", "Transfer-Encoding: chunked"])
    func stalledContent(framing: String) async throws {
        try await withServer(limits: Self.short) { server in
            let upload = try await server.direct.openUpload(in: "a")
            let start = ContinuousClock.now
            let content = framing.hasPrefix("C") ? "hello" : "5\r\nhello\r\n"
            let connection = try server.connect(
                sending: "PATCH \(upload) HTTP/1.1\r\nHost: localhost\r\n\(framing)\r\n\r\n\(content)"
            )
            _ = try await expectCut(connection, since: start)
            // What came is kept.
            try await eventually("the offset") {
                try await server.direct.send("GET", upload)["Range"] == "0-4" ? () : nil
            }
        }
    }

    static let large = {
        var random = SplitMix(seed: 4)
        return BlobFixture(random.bytes(12 << 20))
    }()

    @Test(
        "Content that comes byte by byte, without ever stopping",
        arguments: ["Content-Length: 100000", "Transfer-Encoding: chunked"]
    )
    func trickledContent(framing: String) async throws {
        try await withServer(limits: Self.paced) { server in
            let upload = try await server.direct.openUpload(in: "a")
            let start = ContinuousClock.now
            let connection = try server.connect(
                sending: "PATCH \(upload) HTTP/1.1\r\nHost: localhost\r\n\(framing)\r\n\r\n"
            )
            let piece: [UInt8] = framing.hasPrefix("C") ? [1] : Array("1\r\nx\r\n".utf8)
            let pieces = [[UInt8]](repeating: piece, count: 10_000)
            #expect(try await connection.trickle(pieces, every: .milliseconds(20)) < pieces.count)
            _ = try await expectCut(connection, since: start)
            // What came is kept, though each byte came by itself.
            try await eventually("the offset") {
                let range = try #require(try await server.direct.send("GET", upload)["Range"])
                return range == "0-0" ? nil : ()
            }
        }
    }

    @Test("A reader that takes next to nothing, without ever stopping")
    func trickledReply() async throws {
        try await withServer(limits: Self.paced) { server in
            try await server.direct.push(Self.large, to: "a")
            let start = ContinuousClock.now
            let connection = try server.connect(
                receiveBuffer: 4096,
                sending: "GET /v2/a/blobs/\(Self.large.digest) HTTP/1.1\r\nHost: localhost\r\n\r\n"
            )
            let reading = Task {
                _ = try await connection.readSlowly(
                    Self.large.bytes.count,
                    piece: 128,
                    every: .milliseconds(20)
                )
                Issue.record("the reply came to its end")
            }
            let line = try await server.log.line { $0.metadata["outcome"] == "interrupted" }
            #expect(ContinuousClock.now - start >= Self.soonest)
            #expect(line.metadata["path"] == "/v2/a/blobs/\(Self.large.digest)")
            // Not until all has come that the kernel holds: that can be minutes.
            connection.close()
            _ = await reading.result
        }
    }

    @Test("A reader that stops reading")
    func stalledReader() async throws {
        try await withServer(limits: Self.short) { server in
            try await server.direct.push(Self.large, to: "a")
            let start = ContinuousClock.now
            let connection = try server.connect(
                receiveBuffer: 4096,
                sending: "GET /v2/a/blobs/\(Self.large.digest) HTTP/1.1\r\nHost: localhost\r\n\r\n"
            )
            let line = try await server.log.line { $0.metadata["outcome"] == "interrupted" }
            #expect(ContinuousClock.now - start >= Self.soonest)
            #expect(line.metadata["path"] == "/v2/a/blobs/\(Self.large.digest)")
            #expect(try await connection.readToEnd().count < Self.large.bytes.count)
        }
    }

    // MARK: Who is not

    @Test("A client that sends slowly")
    func slowContent() async throws {
        try await withServer(limits: Self.ample) { server in
            var random = SplitMix(seed: 6)
            let blob = BlobFixture(random.bytes(25))
            let target = "/v2/a/blobs/uploads/?digest=\(blob.digest)"
            let connection = try server.connect(
                sending: "POST \(target) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 25\r\n\r\n"
            )
            #expect(try await connection.trickle(blob.bytes.map { [$0] }, every: .milliseconds(100)) == 25)
            #expect(try await connection.readReply(to: "POST").status == 201)
        }
    }

    @Test("A client that reads slowly, though the kernel takes nothing more meanwhile")
    func slowReader() async throws {
        try await withServer(limits: Self.ample) { server in
            try await server.direct.push(Self.large, to: "a")
            let connection = try server.connect(
                receiveBuffer: 64 << 10,
                sending: "GET /v2/a/blobs/\(Self.large.digest) HTTP/1.1\r\n"
                    + "Host: localhost\r\nConnection: close\r\n\r\n"
            )
            #expect(try await connection.readHead().status == 200)
            var bytes = try await connection.readSlowly(2 << 20, piece: 32 << 10, every: .milliseconds(80))
            bytes += try await connection.readToEnd()
            #expect(Digest(of: bytes) == Self.large.digest)
        }
    }

    @Test("A client that waits for a handler")
    func slowHandler() async throws {
        try await withServer(limits: Self.ample) { server in
            let image = try ImageFixture("app")
            for blob in image.blobs { try await server.direct.push(blob, to: "a") }
            let gate = DispatchSemaphore(value: 0)
            server.test.files.observe { call in
                if call.operation == .sync { _ = gate.wait(timeout: .now() + 30) }
            }
            let request = TestRequest("PUT", "/v2/a/manifests/x", content: image.manifest.bytes)
            let connection = try server.connect(
                sending: String(decoding: request.bytes(host: "localhost"), as: UTF8.self)
            )
            #expect(try await connection.isSilent(for: .seconds(4)))
            server.test.files.observe(nil)
            for _ in 1...10 { gate.signal() }
            #expect(try await connection.readReply(to: "PUT").status == 201)
        }
    }
}
