import OCI
import TestSupport
import Testing

/// Several requests before the first reply.
@Suite("Pipelining")
struct PipeliningTests {
    private struct Step {
        let request: TestRequest
        let status: Int
        var content: [UInt8]?
    }

    /// Requests of every kind, each of which depends on the one before.
    private func steps(_ server: TestServer) async throws -> [Step] {
        var random = SplitMix(seed: 3)
        let blob = BlobFixture(random.bytes(300_000))
        let image = try ImageFixture("app")
        let upload = try await server.client.openUpload(in: "a")
        for blob in image.blobs { try await server.client.push(blob, to: "a") }
        let path = "/v2/a/blobs/\(blob.digest)"
        let half = blob.bytes.count / 2
        return [
            Step(request: TestRequest("GET", "/v2/"), status: 200, content: Array("{}".utf8)),
            Step(request: TestRequest("PATCH", upload, content: Array(blob.bytes[..<half])), status: 202),
            Step(request: TestRequest("GET", path), status: 404),
            Step(request: TestRequest("HEAD", upload), status: 204),
            Step(
                request: TestRequest(
                    "PUT",
                    "\(upload)?digest=\(blob.digest)",
                    content: Array(blob.bytes[half...]),
                    isChunked: true
                ),
                status: 201
            ),
            Step(request: TestRequest("GET", path), status: 200, content: blob.bytes),
            Step(request: TestRequest("HEAD", path), status: 200, content: []),
            Step(
                request: TestRequest("GET", path, ["Range": "bytes=-2"]),
                status: 206,
                content: blob.bytes.suffix(2)
            ),
            // Refused without a look at its content, which has to come soon.
            Step(
                request: TestRequest("POST", "/v2/", content: [UInt8](repeating: 65, count: 1000)),
                status: 405
            ),
            Step(
                request: TestRequest("PUT", "/v2/a/manifests/x", content: image.manifest.bytes),
                status: 201
            ),
            Step(
                request: TestRequest("GET", "/v2/a/manifests/x"),
                status: 200,
                content: image.manifest.bytes
            ),
            Step(request: TestRequest("DELETE", path), status: 202),
            Step(request: TestRequest("GET", "/_/health", ["Connection": "close"]), status: 200),
            Step(request: TestRequest("DELETE", "/v2/a/manifests/x"), status: 0),
        ]
    }

    private func expectReplies(_ steps: [Step], on connection: RawConnection, _ comment: Comment) async throws
    {
        for step in steps where step.status != 0 {
            let reply = try await connection.readReply(to: step.request.method)
            #expect(reply.status == step.status, "\(step.request.method) \(step.request.target) \(comment)")
            if let content = step.content { #expect(reply.content == content) }
            let isLast = step.request.target == "/_/health"
            #expect((reply["Connection"] == "close") == isLast)
        }
        #expect(try await connection.readToEnd().isEmpty)
    }

    @Test("All at once, and answered in order")
    func atOnce() async throws {
        try await withServer { server in
            let steps = try await steps(server)
            let connection = try server.connect()
            let bytes = steps.flatMap { $0.request.bytes(host: "localhost") }
            async let sending = try? connection.send(bytes)
            try await expectReplies(steps, on: connection, "")
            connection.close()
            _ = await sending
            // What stands behind Connection: close is not done.
            #expect(try await server.client.send("HEAD", "/v2/a/manifests/x").status == 200)
        }
    }

    @Test("Cut into pieces anywhere", arguments: 1...4)
    func inPieces(round: Int) async throws {
        let seed = UInt64.random(in: .min ... .max)
        try await withServer { server in
            let steps = try await steps(server)
            let connection = try server.connect()
            let bytes = steps.flatMap { $0.request.bytes(host: "localhost") }
            async let sending: Void = {
                var random = SplitMix(seed: seed)
                var rest = bytes[...]
                while !rest.isEmpty {
                    let limit = random.once(in: 10) ? 100_000 : 50
                    let piece = rest.prefix(Int.random(in: 1...limit, using: &random))
                    rest = rest.dropFirst(piece.count)
                    do { try await connection.send(Array(piece)) } catch { return }
                }
            }()
            try await expectReplies(steps, on: connection, "seed \(seed)")
            connection.close()
            await sending
        }
    }
}
