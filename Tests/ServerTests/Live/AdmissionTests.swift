import NIOCore
import OCI
import Registry
import Server
import Storage
import TestSupport
import Testing

/// What becomes of requests beyond what is done at once.
@Suite("Admission")
struct AdmissionTests {
    private static let one = AdmissionLimits(
        uploads: 1,
        packagings: 1,
        expansions: 1,
        patience: .seconds(300)
    )
    private static let impatient = AdmissionLimits(
        uploads: 1,
        packagings: 1,
        expansions: 1,
        documents: 4 << 20,
        patience: .milliseconds(300)
    )

    private static let blob = BlobFixture("hello")

    private static func head(_ method: String, _ target: String, length: Int, waits: Bool = true) -> String {
        let expectation = waits ? "Expect: 100-continue\r\n" : ""
        return
            "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(length)\r\n\(expectation)\r\n"
    }

    /// Begins a request, and returns when the server reads its content.
    private func begin(
        _ method: String,
        _ target: String,
        length: Int,
        _ server: TestServer
    ) async throws
        -> RawConnection
    {
        let connection = try server.connect(sending: Self.head(method, target, length: length))
        let reply = try await connection.readReply()
        #expect(reply.status == 100, "\(reply.text)")
        return connection
    }

    private static let push = "/v2/a/blobs/uploads/?digest=\(blob.digest)"

    // MARK: The line

    @Test(
        "What is beyond the limit waits in line without being read, and gets through",
        arguments: ["POST", "PATCH", "PUT"]
    )
    func waits(method: String) async throws {
        try await withServer(admission: Self.one) { server in
            let session = try await server.client.openUpload(in: "a")
            let target =
                switch method {
                case "PATCH": session
                case "PUT": "\(session)?digest=\(Self.blob.digest)"
                default: Self.push
                }
            let first = try await begin("POST", Self.push, length: 5, server)
            let second = try server.connect(sending: Self.head(method, target, length: 5))
            #expect(try await second.isSilent(for: .milliseconds(300)))
            try await first.send("hello")
            #expect(try await first.readReply(to: "POST").status == 201)
            #expect(try await second.readReply().status == 100)
            try await second.send("hello")
            #expect(try await second.readReply(to: method).status == (method == "PATCH" ? 202 : 201))
        }
    }

    @Test("Requests that receive nothing wait for no upload")
    func others() async throws {
        try await withServer(admission: Self.one) { server in
            try await server.direct.push(Self.blob, to: "b")
            let first = try await begin("POST", Self.push, length: 5, server)
            let session = try await server.client.openUpload(in: "a")
            let mount = "/v2/a/blobs/uploads/?mount=\(Self.blob.digest)&from=b"
            for (method, target, status) in [
                ("GET", "/v2/", 200), ("HEAD", "/v2/b/blobs/\(Self.blob.digest)", 200),
                ("GET", "/v2/b/blobs/\(Self.blob.digest)", 200), ("GET", session, 204),
                ("DELETE", session, 204),
                ("POST", mount, 201), ("GET", "/v2/_catalog", 200),
            ] {
                let content: [UInt8]? = method == "POST" ? [] : nil
                let reply = try await server.client.send(TestRequest(method, target, content: content))
                #expect(reply.status == status, "\(method) \(target)")
            }
            first.close()
        }
    }

    @Test("A client that hangs up in the middle makes room", arguments: [true, false])
    func hangsUp(resets: Bool) async throws {
        try await withServer(admission: Self.one) { server in
            let first = try await begin("POST", Self.push, length: 5, server)
            let second = try server.connect(sending: Self.head("POST", Self.push, length: 5))
            if resets { first.reset() } else { first.close() }
            #expect(try await second.readReply().status == 100)
            try await second.send("hello")
            #expect(try await second.readReply(to: "POST").status == 201)
        }
    }

    // MARK: Refusals

    @Test("Who has waited too long is told to come back, and gets through later")
    func refused() async throws {
        try await withServer(admission: Self.impatient) { server in
            let first = try await begin("POST", Self.push, length: 5, server)
            let refused = try await server.client.send(
                TestRequest("POST", Self.push, content: Self.blob.bytes)
            )
            #expect(refused.status == 503)
            #expect(refused.errorCode == "TOOMANYREQUESTS")
            #expect(refused["Retry-After"].flatMap { Int($0) }.map { $0 > 0 } == true)
            #expect(refused.text.contains("limits.uploads"))
            try await first.send("hello")
            #expect(try await first.readReply(to: "POST").status == 201)
            let again = try await server.client.send(TestRequest("POST", Self.push, content: Self.blob.bytes))
            #expect(again.status == 201)
        }
    }

    @Test("A program that is uploaded beyond the limit is refused in plain words")
    func packagings() async throws {
        try await withServer(admission: Self.impatient) { server in
            let first = try await begin("PUT", "/one", length: 100_000, server)
            let refused = try await server.client.send(TestRequest("PUT", "/two", content: [1, 2, 3]))
            #expect(refused.status == 503 && refused["Retry-After"] != nil)
            #expect(refused.text.hasPrefix("berth: ") && refused.text.contains("limits.packagings"))
            first.close()
            try await eventually("room") {
                let reply = try await server.client.send(TestRequest("PUT", "/two", content: [1, 2, 3]))
                return reply.status == 503 ? nil : #expect(reply.status == 415)
            }
        }
    }

    @Test("Manifests that nobody takes are held up to a bound, and then others wait")
    func stalledReaders() async throws {
        try await withServer(admission: Self.impatient) { server in
            let padding = String(repeating: "x", count: Manifest.maximumSize - 1000)
            let image = try ImageFixture("app")
            for blob in image.blobs { try await server.direct.push(blob, to: "a") }
            let text = String(decoding: image.manifest.bytes, as: UTF8.self)
            let large = text.dropLast() + #","annotations":{"padding":"\#(padding)"}}"#
            let pushed = try await server.client.send(
                TestRequest(
                    "PUT",
                    "/v2/a/manifests/large",
                    ["Content-Type": MediaType.ociManifest.rawValue],
                    content: Array(large.utf8)
                )
            )
            #expect(pushed.status == 201, "\(pushed.text)")
            let request = "GET /v2/a/manifests/large HTTP/1.1\r\nHost: localhost\r\n\r\n"
            // One after the other: the kernel may take a first reply whole.
            let reader = try server.connect(receiveBuffer: 4096, sending: request + request + request)
            try await eventually("a manifest that nobody takes") {
                let reply = try await server.client.send("GET", "/v2/a/manifests/large")
                return reply.status == 503 ? () : nil
            }
            reader.close()
            try await eventually("room") {
                let reply = try await server.client.send("GET", "/v2/a/manifests/large")
                return reply.status == 503 ? nil : #expect(reply.content == Array(large.utf8))
            }
        }
    }

    // MARK: Connections

    @Test("A client with more connections than its share is told so, and has its share")
    func connectionShare() async throws {
        // Three quarters are eight, and one is left over.
        try await withServer(maximumConnections: 10) { server in
            let request = "GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let connections = try (0..<9).map { _ in try server.connect() }
            var refused = 0
            for connection in connections {
                try await connection.send(request)
                let reply = try await connection.readReply()
                guard reply.status == 503 else {
                    #expect(reply.status == 200)
                    continue
                }
                refused += 1
                #expect(reply["Retry-After"] != nil && reply["Connection"] == "close")
                #expect(reply.errorCode == "TOOMANYREQUESTS")
                _ = try await connection.readToEnd()
            }
            #expect(refused >= 1)
            for connection in connections { connection.close() }
            try await eventually("room") {
                try await server.client.send("GET", "/v2/").status == 200 ? () : nil
            }
        }
    }

    @Test("Where all connections are taken, those that do nothing make room for others")
    func crowded() async throws {
        let limits = ConnectionLimits(header: .seconds(60), idle: .seconds(60), stall: .milliseconds(400))
        try await withServer(limits: limits, maximumConnections: 2) { server in
            let request = "GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let idle = try (0..<2).map { _ in try server.connect(sending: request) }
            for connection in idle { #expect(try await connection.readReply().status == 200) }
            let start = ContinuousClock.now
            let next = try server.connect(sending: request)
            #expect(try await next.readReply(within: .seconds(30)).status == 200)
            #expect(ContinuousClock.now - start >= .milliseconds(500))
        }
    }

    // MARK: Sessions

    @Test("As many sessions are open as may be, and each that ends makes room")
    func sessions() async throws {
        let policy = RegistryPolicy(maximumSessions: 3)
        try await withServer(policy: policy, clock: ManualClock(.now)) { server in
            let client = server.client
            func open() async throws -> TestReply {
                try await client.send(TestRequest("POST", "/v2/a/blobs/uploads/", content: []))
            }
            let sessions = try await [
                client.openUpload(in: "a"), client.openUpload(in: "a"), client.openUpload(in: "b"),
            ]
            let refused = try await open()
            #expect(refused.status == 429)
            #expect(refused.errorCode == "TOOMANYREQUESTS" && refused["Retry-After"] != nil)
            #expect(refused.text.contains("limits.sessions"))
            // A blob in one request needs no session.
            #expect(try await client.send("POST", Self.push, content: Self.blob.bytes).status == 201)

            #expect(try await client.send("DELETE", sessions[0]).status == 204)
            #expect(try await open().status == 202)
            #expect(try await open().status == 429)
            let finished = "\(sessions[1])?digest=\(Self.blob.digest)"
            #expect(try await client.send("PUT", finished, content: Self.blob.bytes).status == 201)
            #expect(try await open().status == 202)
            let wrong = "\(sessions[2])?digest=\(Self.blob.digest)"
            #expect(try await client.send("PUT", wrong, content: [1]).status == 400)
            #expect(try await open().status == 202)
            #expect(try await open().status == 429)
        }
    }

    @Test("Sessions that nothing was sent to for an hour make room where there is none, and no others")
    func idleSessions() async throws {
        let policy = RegistryPolicy(maximumSessions: 2)
        try await withServer(policy: policy, clock: ManualClock(.now)) { server in
            let client = server.client
            func open() async throws -> Int {
                try await client.send(TestRequest("POST", "/v2/a/blobs/uploads/", content: [])).status
            }
            let sessions = try await [client.openUpload(in: "a"), client.openUpload(in: "a")]
            #expect(try await open() == 429)
            server.test.clock.advance(by: .seconds(3500))
            #expect(try await open() == 429)
            for session in sessions { #expect(try await client.send("GET", session).status == 204) }
            server.test.clock.advance(by: .seconds(200))
            #expect(try await open() == 202)
            for session in sessions { #expect(try await client.send("GET", session).status == 404) }
        }
    }

    @Test("Sessions of the process before count too")
    func sessionsBeforeRestart() async throws {
        let policy = RegistryPolicy(maximumSessions: 2)
        try await withTemporaryFolder { folder in
            try await withRegistry(in: folder, policy: policy, clock: ManualClock(.now)) { test in
                for _ in 1...2 { _ = try await InProcessClient(test.registry).openUpload(in: "a") }
            }
            try await withRegistry(in: folder, policy: policy, clock: ManualClock(.now)) { test in
                let request = TestRequest("POST", "/v2/a/blobs/uploads/", content: [])
                let reply = try await InProcessClient(test.registry).send(request)
                #expect(reply.status == 429)
            }
        }
    }
}
