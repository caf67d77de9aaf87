import NIOCore
import OCI
import Server
import TestSupport
import Testing

/// What is no HTTP, or not quite.
@Suite("Malformed requests")
struct MalformedTests {
    static let limits = ConnectionLimits(header: .seconds(8), idle: .seconds(8), stall: .seconds(8))

    /// A request that would push a blob, if it were well framed.
    static func request(_ fields: String, _ content: String = "") -> String {
        "POST /v2/a/blobs/uploads/?digest=\(Digest(of: Array("hello".utf8))) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n\(content)"
    }

    static let malformed: [(String, String)] = [
        ("both framings", request("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
        (
            "both framings, other order",
            request("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")
        ),
        ("two lengths", request("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!")),
        ("a list of lengths", request("Content-Length: 5, 6\r\n", "hello!")),
        ("negative length", request("Content-Length: -1\r\n")),
        ("length with sign", request("Content-Length: +5\r\n", "hello")),
        ("hexadecimal length", request("Content-Length: 0x5\r\n", "hello")),
        ("length beyond 64 bits", request("Content-Length: 99999999999999999999\r\n")),
        ("length of letters", request("Content-Length: five\r\n")),
        ("chunk size of letters", request("Transfer-Encoding: chunked\r\n", "xyz\r\nhello\r\n0\r\n\r\n")),
        ("negative chunk size", request("Transfer-Encoding: chunked\r\n", "-5\r\nhello\r\n0\r\n\r\n")),
        (
            "chunk size beyond 64 bits",
            request("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFFFF\r\nhello\r\n")
        ),
        ("chunk longer than said", request("Transfer-Encoding: chunked\r\n", "3\r\nhello\r\n0\r\n\r\n")),
        ("NUL in a value", "GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX: a\u{0}b\r\n\r\n"),
        ("NUL in a name", "GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX\u{0}Y: a\r\n\r\n"),
        ("NUL in the path", "GET /v2/\u{0} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("blank before the colon", "GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX : a\r\n\r\n"),
        ("no colon", "GET /v2/ HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n"),
        ("bare CR", "GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n"),
        (
            "long value",
            "GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "a", count: 100_000))\r\n\r\n"
        ),
        (
            "long name",
            "GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\(String(repeating: "a", count: 100_000)): x\r\n\r\n"
        ),
        (
            "many fields",
            "GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\(String(repeating: "X: a\r\n", count: 1000))\r\n"
        ),
        (
            "long path",
            "GET /v2/\(String(repeating: "a", count: 100_000)) HTTP/1.1\r\nHost: localhost\r\n\r\n"
        ),
        ("unknown method", "FOO /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("lower-case method", "get /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("unknown version", "GET /v2/ HTTP/9.9\r\nHost: localhost\r\n\r\n"),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{FC}\u{3}\u{3}"),
        ("nonsense", "hello\r\n\r\n"),
        ("no target", "GET\r\n\r\n"),
        ("blank in the target", "GET /v2/ x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("asterisk", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("authority", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ]

    @Test("It is refused or cut, does nothing, and the server lives on", arguments: malformed.indices)
    func refused(index: Int) async throws {
        let (name, text) = Self.malformed[index]
        try await withServer(limits: Self.limits) { server in
            let connection = try server.connect()
            // A second request stands behind, for whoever reads the first one differently.
            try? await connection.send(text + "DELETE /v2/a/manifests/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
            let answer = String(decoding: try await connection.readToEnd(), as: UTF8.self)
            for status in EmbeddedConnection.statuses(in: answer) {
                #expect((400...505).contains(status) && status != 500, "\(name): \(answer)")
            }
            let health = try server.connect(sending: "GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try await health.readReply().status == 200)
            #expect(try server.test.contents(of: "uploads").isEmpty, "\(name)")
            #expect(try server.test.contents(of: "blobs/sha256").isEmpty, "\(name)")
        }
    }

    @Test("Random bytes, and requests with random damage, leave the server well")
    func random() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        let limits = ConnectionLimits(
            header: .milliseconds(200),
            idle: .milliseconds(200),
            stall: .milliseconds(200)
        )
        try await withServer(limits: limits) { server in
            let image = try ImageFixture("app")
            try await server.direct.push(image, to: "a", as: "x")
            for _ in 1...40 {
                var bytes = TestRequest(
                    "PUT",
                    "/v2/a/manifests/y",
                    content: image.manifest.bytes,
                    isChunked: true
                )
                .bytes(host: "localhost")
                if random.once(in: 5) {
                    bytes = random.bytes(300)
                } else {
                    for _ in 1...Int.random(in: 1...4, using: &random) {
                        let place = Int.random(in: bytes.indices, using: &random)
                        bytes[place] = UInt8.random(in: 0...255, using: &random)
                    }
                }
                let connection = try server.connect()
                try? await connection.send(bytes)
                if random.once(in: 2) { connection.closeOutput() }
                _ = try await connection.readToEnd()
            }
            let connection = try server.connect(
                sending: "GET /v2/a/manifests/x HTTP/1.1\r\nHost: localhost\r\n\r\n"
            )
            let reply = try await connection.readReply()
            #expect(reply.content == image.manifest.bytes, "seed \(seed)")
            #expect(server.log.errors.isEmpty, "seed \(seed)")
        }
    }

    @Test("Whoever asks for another protocol is answered in this one, and hung up on")
    func upgrade() async throws {
        try await withServer { server in
            let fields =
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
            let blob = BlobFixture("hello")
            for (text, status) in [
                ("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n", 200),
                (
                    "GET /v2/ HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                    200
                ),
                (
                    "POST /v2/a/blobs/uploads/?digest=\(blob.digest) HTTP/1.1\r\nHost: localhost\r\n\(fields)"
                        + "Content-Length: 5\r\n\r\nhello",
                    201
                ),
                ("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
            ] {
                let connection = try server.connect(sending: text)
                let reply = try await connection.readReply()
                #expect(reply.status == status, "\(text)")
                #expect(reply["Connection"] == "close", "\(text)")
                #expect(try await connection.readToEnd().isEmpty)
            }
        }
    }

    @Test("What is unusual and legal is answered")
    func tolerated() async throws {
        try await withServer { server in
            for text in [
                "\r\nGET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "GET /v2/ HTTP/1.1\r\nhOST:localhost\r\n\r\n",
                "GET /v2/ HTTP/1.1\r\nHost: \t localhost \t\r\nX:\r\n\r\n",
                "GET http://localhost/v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "GET /v2/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n",
            ] {
                let connection = try server.connect(sending: text)
                #expect(try await connection.readReply().status == 200, "\(text)")
                try await connection.send("GET /_/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(try await connection.readReply().text == "ok\n", "\(text)")
                connection.close()
            }
        }
    }
}
