import OCI
import Registry
import TestSupport
import Testing

/// What becomes of content that nobody wants, and of the connection that brings it.
@Suite("Refusals")
struct RefusalTests {
    @Test(
        "A client that sends on and on gets its answer, and cannot send for ever",
        arguments: ["", "Connection: close\r\n"]
    )
    func largeUpload(field: String) async throws {
        try await withServer { server in
            let connection = try server.connect()
            let start = ContinuousClock.now
            let head =
                "PATCH /v2/a/blobs/uploads/x HTTP/1.1\r\nHost: localhost\r\n\(field)Content-Length: 999999999999\r\n\r\n"
            try await connection.send(head)
            let part = [UInt8](repeating: 0, count: 1 << 20)
            async let sent: Int = {
                for count in 0..<1000 {
                    do { try await connection.send(part) } catch { return count }
                }
                return 1000
            }()
            let reply = try await connection.readReply(to: "PATCH")
            #expect(reply.status == 404)
            #expect(reply.errorCode == "BLOB_UPLOAD_UNKNOWN")
            _ = try await connection.readToEnd()
            #expect(await sent < 100, "a hundred mebibytes were taken of a refused request")
            #expect(ContinuousClock.now - start < .seconds(20))
            #expect(try await server.client.send("GET", "/v2/").status == 200)
        }
    }

    @Test(
        "A client that sends everything before it listens gets its answer too",
        arguments: ["", "Connection: close\r\n"]
    )
    func sendsFirst(field: String) async throws {
        try await withServer { server in
            let connection = try server.connect()
            let size = 900 << 10
            let head = "POST /v2/ HTTP/1.1\r\nHost: localhost\r\n\(field)Content-Length: \(size)\r\n\r\n"
            try await connection.send(Array(head.utf8) + [UInt8](repeating: 0, count: size))
            #expect(try await connection.readReply(to: "POST").status == 405)
            if field.isEmpty {
                try await connection.send("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(try await connection.readReply().status == 200)
            } else {
                #expect(try await connection.readToEnd().isEmpty)
            }
        }
    }

    @Test("A client that sends nothing more is hung up on after a while")
    func silentClient() async throws {
        try await withServer { server in
            let connection = try server.connect()
            try await connection.send("POST /v2/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
            let start = ContinuousClock.now
            #expect(try await connection.readReply(to: "POST").status == 405)
            #expect(try await connection.readToEnd().isEmpty)
            let elapsed = ContinuousClock.now - start
            #expect(elapsed >= .milliseconds(1900) && elapsed < .seconds(20))
        }
    }

    @Test("A large manifest is refused before it has come")
    func largeManifest() async throws {
        try await withServer { server in
            let connection = try server.connect()
            try await connection.send(
                "PUT /v2/a/manifests/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5242880\r\n\r\n"
            )
            #expect(try await connection.readReply(to: "PUT").status == 413)
        }
    }

    // MARK: How connections end

    @Test(
        "HTTP/1.0 and Connection: close end a connection, and keep-alive does not",
        arguments: [
            ("HTTP/1.0", "", true), ("HTTP/1.0", "Connection: keep-alive\r\n", false),
            ("HTTP/1.1", "Connection: close\r\n", true), ("HTTP/1.1", "", false),
        ]
    )
    func persistence(version: String, field: String, closes: Bool) async throws {
        try await withServer { server in
            let blob = BlobFixture("hello")
            try await server.client.push(blob, to: "a")
            let connection = try server.connect()
            let targets = ["/v2/", "/v2/a/blobs/\(blob.digest)", "/v2/unknown"]
            for target in closes ? [targets[0]] : targets {
                try await connection.send("GET \(target) \(version)\r\nHost: localhost\r\n\(field)\r\n")
                let reply = try await connection.readReply()
                #expect(reply.status == (target == "/v2/unknown" ? 404 : 200))
                #expect(reply["Content-Length"] == "\(reply.content.count)")
            }
            if closes {
                #expect(try await connection.readToEnd().isEmpty)
            } else {
                #expect(try await connection.isSilent(for: .milliseconds(50)))
            }
        }
    }

    @Test("A client that has said all it will gets a large reply whole, even if it is in no hurry")
    func halfClosed() async throws {
        try await withServer { server in
            let configuration = BlobFixture("{}")
            try await server.client.push(configuration, to: "a")
            var manifest = ManifestTests.document(nil, of: [configuration])
            manifest += [UInt8](repeating: UInt8(ascii: " "), count: (4 << 20) - manifest.count)
            let push = try await server.client.send("PUT", "/v2/a/manifests/x", content: manifest)
            try #require(push.status == 201)
            let blob = TimeLimitTests.large
            try await server.client.push(blob, to: "a")
            for (target, bytes) in [("manifests/x", manifest), ("blobs/\(blob.digest)", blob.bytes)] {
                let connection = try server.connect(receiveBuffer: 64 << 10)
                try await connection.send("GET /v2/a/\(target) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                connection.closeOutput()
                // Long enough for the server to have written all that it can.
                try await Task.sleep(for: .milliseconds(300))
                let reply = try await connection.readReply()
                #expect(reply.status == 200)
                #expect(reply.content == bytes)
                #expect(try await connection.readToEnd().isEmpty)
            }
        }
    }

    @Test("A client that ends its side in the middle of content is told so")
    func halfClosedContent() async throws {
        try await withServer { server in
            for framing in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
                let blob = BlobFixture("hello")
                let content = framing.hasPrefix("C") ? "hello" : "5\r\nhello\r\n"
                let connection = try server.connect()
                try await connection.send(
                    "POST /v2/a/blobs/uploads/?digest=\(blob.digest) HTTP/1.1\r\nHost: localhost\r\n\(framing)\r\n\r\n\(content)"
                )
                connection.closeOutput()
                #expect(try await connection.readReply(to: "POST").status == 400)
                #expect(try await connection.readToEnd().isEmpty)
                #expect(try await server.client.send("HEAD", "/v2/a/blobs/\(blob.digest)").status == 404)
            }
            #expect(try server.test.contents(of: "uploads").isEmpty)
        }
    }
}
