import OCI
import TestSupport
import Testing

/// Clients that vanish, and come back.
@Suite("Interruptions")
struct InterruptionTests {
    static let blob = {
        var random = SplitMix(seed: 5)
        return BlobFixture(random.bytes(1_500_000))
    }()

    /// How many bytes of a session have come.
    private func offset(_ reply: TestReply) throws -> Int {
        let range = try #require(reply["Range"])
        let last = try #require(Int(range.dropFirst(2)))
        return last == 0 ? 0 : last + 1
    }

    /// Waits until the server has written some of what it was sent, which is more than it holds back.
    private func part(of upload: String, _ client: some TestClient) async throws -> Int {
        try await eventually("part of the upload") {
            let offset = try offset(try await client.send("GET", upload))
            return offset > 0 ? offset : nil
        }
    }

    /// Pushes the rest of a blob as a client does that only knows where it thinks it stands.
    private func finish(_ client: some TestClient, _ upload: String, from start: Int) async throws {
        var start = start
        for _ in 1...5 {
            let rest = Array(Self.blob.bytes[start...])
            let reply = try await client.send(
                "PATCH",
                upload,
                ["Content-Range": "\(start)-\(Self.blob.bytes.count - 1)"],
                content: rest
            )
            if reply.status == 202 { break }
            try #require(reply.status == 416, "\(reply.text)")
            start = try offset(reply)
        }
        let reply = try await client.send("PUT", "\(upload)?digest=\(Self.blob.digest)", content: [])
        #expect(reply.status == 201, "\(reply.text)")
        #expect(try await client.send("GET", "/v2/a/blobs/\(Self.blob.digest)").content == Self.blob.bytes)
    }

    private func begin(
        _ connection: RawConnection,
        _ upload: String,
        sending count: Int,
        isChunked: Bool
    ) async throws {
        if isChunked {
            try await connection.send(
                "PATCH \(upload) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "\(String(Self.blob.bytes.count, radix: 16))\r\n"
            )
        } else {
            try await connection.send(
                "PATCH \(upload) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(Self.blob.bytes.count)\r\n\r\n"
            )
        }
        try await connection.send(Array(Self.blob.bytes[..<count]))
    }

    @Test("What came of a chunk before the client vanished is kept", arguments: [false, true])
    func vanishes(isChunked: Bool) async throws {
        try await withServer { server in
            let upload = try await server.client.openUpload(in: "a")
            let connection = try server.connect()
            try await begin(connection, upload, sending: 700_000, isChunked: isChunked)
            connection.close()
            let offset = try await eventually("all that was sent") {
                let offset = try self.offset(try await server.client.send("GET", upload))
                return offset == 700_000 ? offset : nil
            }
            try await finish(server.client, upload, from: offset)
        }
    }

    @Test("A client whose machine went down goes on where it stood", arguments: [false, true])
    func isReset(isChunked: Bool) async throws {
        try await withServer { server in
            let upload = try await server.client.openUpload(in: "a")
            let connection = try server.connect()
            try await begin(connection, upload, sending: 700_000, isChunked: isChunked)
            _ = try await part(of: upload, server.client)
            connection.reset()
            try await finish(server.client, upload, from: 0)
        }
    }

    @Test(
        "A newer request cuts off the one that still waits, and goes on where that stood",
        arguments: [false, true]
    )
    func takesOver(isChunked: Bool) async throws {
        try await withServer { server in
            let upload = try await server.client.openUpload(in: "a")
            let older = try server.connect()
            try await begin(older, upload, sending: 700_000, isChunked: isChunked)
            let known = try await part(of: upload, server.client)
            #expect(known <= 700_000)
            try await finish(server.client, upload, from: known)
            _ = try await older.readToEnd()
        }
    }

    @Test("Cancelling a session cuts off whoever writes to it")
    func cancel() async throws {
        try await withServer { server in
            let upload = try await server.client.openUpload(in: "a")
            let older = try server.connect()
            try await begin(older, upload, sending: 700_000, isChunked: false)
            _ = try await part(of: upload, server.client)
            #expect(try await server.client.send("DELETE", upload).status == 204)
            older.closeOutput()
            _ = try await older.readToEnd()
            #expect(try await server.client.send("GET", upload).status == 404)
            try await eventually("an empty folder") {
                try server.test.contents(of: "uploads").isEmpty ? () : nil
            }
        }
    }

    @Test(
        "Of a blob in one request that broke off nothing is kept",
        arguments: [false, true],
        [false, true]
    )
    func monolithic(isChunked: Bool, isReset: Bool) async throws {
        try await withServer { server in
            let connection = try server.connect()
            let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 1500000"
            try await connection.send(
                "POST /v2/a/blobs/uploads/?digest=\(Self.blob.digest) HTTP/1.1\r\nHost: localhost\r\n\(framing)\r\n\r\n"
                    + (isChunked ? "\(String(1_500_000, radix: 16))\r\n" : "")
            )
            try await connection.send(Array(Self.blob.bytes[..<700_000]))
            try await eventually("an upload") { try server.test.contents(of: "uploads").isEmpty ? nil : () }
            if isReset { connection.reset() } else { connection.close() }
            try await eventually("an empty folder") {
                try server.test.contents(of: "uploads").isEmpty ? () : nil
            }
            #expect(try await server.client.send("HEAD", "/v2/a/blobs/\(Self.blob.digest)").status == 404)
        }
    }

    @Test("A reader that vanishes takes nobody with it")
    func readerVanishes() async throws {
        try await withServer { server in
            try await server.client.push(TimeLimitTests.large, to: "a")
            for _ in 1...5 {
                let connection = try server.connect(receiveBuffer: 4096)
                try await connection.send(
                    "GET /v2/a/blobs/\(TimeLimitTests.large.digest) HTTP/1.1\r\nHost: localhost\r\n\r\n"
                )
                _ = try await connection.read(1000)
                connection.reset()
            }
            let reply = try await server.client.send("GET", "/v2/a/blobs/\(TimeLimitTests.large.digest)")
            #expect(reply.content == TimeLimitTests.large.bytes)
            #expect(server.log.errors.isEmpty)
        }
    }
}
