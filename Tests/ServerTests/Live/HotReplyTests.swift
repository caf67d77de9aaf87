import NIOCore
import OCI
import Registry
import Server
import Storage
import TestSupport
import Testing

/// Replies that are given without asking anybody, and when they are not.
@Suite("Hot replies")
struct HotReplyTests {
    /// An image, by everything that leads to it.
    struct Scene {
        let server: TestServer
        let image: ImageFixture
        let blob = BlobFixture("a small blob")
        let connection: RawConnection

        init(_ server: TestServer, lifetimes: [String] = []) async throws {
            self.server = server
            image = try ImageFixture("app")
            try await server.direct.push(image, to: "a", as: "latest")
            try await server.direct.push(blob, to: "a")
            connection = try server.connect()
        }

        var targets: [String] {
            [
                "/v2/a/manifests/latest", "/v2/a/manifests/\(image.manifest.digest)",
                "/v2/a/manifests/latest?ns=docker.io", "/v2/a/blobs/\(blob.digest)",
                "/v2/a/blobs/\(image.layers[0].digest)",
            ]
        }

        func ask(_ target: String, _ method: String = "GET", _ fields: String = "") async throws -> TestReply
        {
            try await connection.send("\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n")
            return try await connection.readReply(to: method)
        }

        /// Has everything asked for once, so that it is known.
        func warmUp() async throws {
            for target in targets {
                for method in ["GET", "HEAD"] { #expect(try await ask(target, method).status == 200) }
            }
        }
    }

    private func lines(_ reply: TestReply) -> [String] {
        reply.fields.all.filter { $0.name.lowercased() != "date" }.map {
            "\($0.name.lowercased()): \($0.value)"
        }.sorted()
    }

    /// Asks for the same three times; returns the one reply that all of them were.
    private func askThrice(_ target: String, _ method: String, _ scene: Scene) async throws -> TestReply {
        let first = try await scene.ask(target, method)
        for reply in [first, try await scene.ask(target, method), try await scene.ask(target, method)] {
            #expect(reply.status == 200)
            #expect(lines(reply) == lines(first), "\(method) \(target)")
            #expect(reply.content == first.content)
            #expect(reply["Date"]?.hasSuffix(" GMT") == true && reply.fields.values(of: "Date").count == 1)
        }
        return first
    }

    @Test("A reply is the same the first time and every other, with all its fields and its line in the log")
    func same() async throws {
        try await withServer { server in
            let scene = try await Scene(server)
            var expected: [String] = []
            for target in scene.targets {
                for method in ["GET", "HEAD"] {
                    let reply = try await askThrice(target, method, scene)
                    let line =
                        "\(method) \(target.split(separator: "?")[0]) 200 \(reply.content.count) 127.0.0.1"
                    expected += [line, line, line]
                }
            }
            let logged = try await requests(in: server.log, count: expected.count)
            #expect(logged == expected)
        }
    }

    /// What was logged of requests, when it is as much as expected: of replies that go out together the lines are
    /// written behind them.
    private func requests(in log: RecordingLog, count: Int) async throws -> [String] {
        let lines = try await eventually("a line for each") { log.all.count >= count ? log.all : nil }
        return lines.map { line in
            ["method", "path", "status", "bytes", "remote"].map { line.metadata[$0] ?? "" }
                .joined(separator: " ")
        }
    }

    @Test("What is known is read from nowhere")
    func inMemory() async throws {
        try await withServer { server in
            let scene = try await Scene(server)
            try await scene.warmUp()
            let calls = server.test.files.calls.count
            // Who is told of a blob that waits to be collected puts that off each time.
            let known = scene.targets.filter { !$0.contains(scene.blob.digest.encoded) }
            for target in known + known {
                for method in ["GET", "HEAD"] { #expect(try await scene.ask(target, method).status == 200) }
            }
            #expect(server.test.files.calls.count == calls, "no file was opened")
        }
    }

    @Test("A request that asks for more than its first line says is answered as ever")
    func conditions() async throws {
        try await withServer { server in
            let scene = try await Scene(server)
            try await scene.warmUp()
            let target = "/v2/a/blobs/\(scene.blob.digest)"
            #expect(try await scene.ask(target, "GET", "Range: bytes=2-6\r\n").text == "small")
            #expect(try await scene.ask(target, "GET", "RANGE: bytes=0-0\r\n").status == 206)
            for tag in ["\"\(scene.blob.digest)\"", "*"] {
                #expect(try await scene.ask(target, "GET", "if-none-match: \(tag)\r\n").status == 304)
                #expect(try await scene.ask(target, "HEAD", "If-None-Match: \(tag)\r\n").status == 304)
            }
            #expect(try await scene.ask(target, "GET", "Host: localhost\r\n").status == 400)
            #expect(try await scene.ask(target, "DELETE").status == 202)
            let foreign = try server.connect()
            try await foreign.send("GET /v2/a/manifests/latest HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            #expect(try await foreign.readReply().status == 421)
            try await foreign.send("GET /v2/a/manifests/latest HTTP/1.1\r\n\r\n")
            #expect(try await foreign.readReply().status == 400)
            // The content of a request that should have none is no request.
            try await scene.connection.send(
                "GET /v2/a/manifests/latest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nGET /"
            )
            #expect(try await scene.connection.readReply().status == 200)
            #expect(try await scene.ask("/v2/").status == 200)
        }
    }

    // MARK: When it is forgotten

    @Test("A tag that moves, is deleted or expires is answered as it is, at once")
    func tags() async throws {
        let clock = ManualClock()
        let policy = RegistryPolicy(tagLifetimes: [try TagLifetime("short-*=10s")])
        try await withServer(policy: policy, clock: clock) { server in
            let scene = try await Scene(server)
            try await scene.warmUp()
            let other = try ImageFixture("other")
            try await server.direct.push(other, to: "a", as: "latest")
            for method in ["GET", "HEAD"] {
                let moved = try await scene.ask("/v2/a/manifests/latest", method)
                #expect(moved["Docker-Content-Digest"] == "\(other.manifest.digest)")
            }
            #expect(try await server.direct.send("DELETE", "/v2/a/manifests/latest").status == 202)
            for method in ["GET", "HEAD"] {
                #expect(try await scene.ask("/v2/a/manifests/latest", method).status == 404)
            }
            try await server.direct.push(other, to: "a", as: "short-1")
            for _ in 1...3 { #expect(try await scene.ask("/v2/a/manifests/short-1").status == 200) }
            clock.advance(by: .seconds(10))
            #expect(try await scene.ask("/v2/a/manifests/short-1").status == 404)
        }
    }

    @Test("Content that is deleted or found to be damaged is not there any more, at once")
    func content() async throws {
        try await withServer { server in
            let scene = try await Scene(server)
            try await scene.warmUp()
            let blob = "/v2/a/blobs/\(scene.blob.digest)"
            #expect(try await server.direct.send("DELETE", blob).status == 202)
            for method in ["GET", "HEAD"] { #expect(try await scene.ask(blob, method).status == 404) }
            let layer = scene.image.layers[0]
            let catalog = server.test.storage.catalog
            let record = try #require(try await catalog.blob(layer.digest, in: RepositoryName("a")))
            #expect(try await catalog.quarantine(record.id))
            #expect(try await scene.ask("/v2/a/blobs/\(layer.digest)").status == 500)
            #expect(try await scene.ask("/v2/a/blobs/\(layer.digest)", "HEAD").status == 404)
            let manifest = "/v2/a/manifests/\(scene.image.manifest.digest)"
            #expect(try await server.direct.send("DELETE", manifest).status == 202)
            for method in ["GET", "HEAD"] { #expect(try await scene.ask(manifest, method).status == 404) }
        }
    }

    @Test("A pull that is answered from memory counts as one")
    func pulls() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { server in
            let scene = try await Scene(server)
            try await scene.warmUp()
            let moment = clock.advance(by: .seconds(100))
            #expect(try await scene.ask("/v2/a/manifests/latest").status == 200)
            try await server.test.registry.flushPulls()
            let uses = try await server.test.storage.catalog.tagUsePage(
                of: RepositoryName("a"),
                after: nil,
                limit: 10,
                now: clock.now
            )
            #expect(uses.elements.map(\.pulled) == [moment])
        }
    }

    @Test("Whoever was told that a tag has moved never sees it back", .timeLimit(.minutes(2)))
    func order() async throws {
        try await withServer { server in
            let images = try (0..<40).map { try ImageFixture("app \($0)") }
            for image in images {
                for blob in image.blobs { try await server.direct.push(blob, to: "a") }
            }
            let places = Dictionary(
                uniqueKeysWithValues: images.enumerated().map { ("\($1.manifest.digest)", $0) }
            )
            let (begun, done) = (Shared(0), Shared(0))
            func point(_ place: Int) async throws {
                begun.update { $0 = place }
                let reply = try await server.direct.send(
                    "PUT",
                    "/v2/a/manifests/moving",
                    content: images[place].manifest.bytes
                )
                #expect(reply.status == 201)
                done.update { $0 = place }
            }
            try await point(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        let connection = try server.connect()
                        var last = 0
                        while last < images.count - 1 {
                            let first = done.value
                            try await connection.send(
                                "GET /v2/a/manifests/moving HTTP/1.1\r\nHost: localhost\r\n\r\n"
                            )
                            let reply = try await connection.readReply()
                            let latest = begun.value
                            let place = try #require(reply["Docker-Content-Digest"].flatMap { places[$0] })
                            #expect(Digest(of: reply.content) == images[place].manifest.digest)
                            #expect(
                                place >= first && place >= last && place <= latest,
                                "\(first) \(place) \(latest)"
                            )
                            last = place
                        }
                    }
                }
                for place in 1..<images.count { try await point(place) }
                try await group.waitForAll()
            }
        }
    }

    // MARK: Connections

    @Test("Known and unknown requests in a row are answered in their order", arguments: [1, 2, 3])
    func pipelining(seed: UInt64) async throws {
        try await withServer { server in
            let scene = try await Scene(server)
            try await scene.warmUp()
            var random = SplitMix(seed: seed)
            let known = scene.targets.map { ($0, 200) }
            let others = [
                ("/v2/", 200), ("/v2/a/tags/list", 200), ("/v2/a/manifests/none", 404),
                ("/v2/a/blobs/\(BlobFixture("none").digest)", 404), ("/_/health", 200),
            ]
            var expected: [(method: String, target: String, status: Int)] = []
            var bytes: [UInt8] = []
            for _ in 0..<300 {
                let (target, status) = try #require(
                    (Bool.random(using: &random) ? known : others).randomElement(using: &random)
                )
                let method = Bool.random(using: &random) ? "GET" : "HEAD"
                expected.append((method, target, status))
                bytes += Array("\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
            }
            let connection = try server.connect()
            async let sending: Void = connection.send(bytes)
            for (method, target, status) in expected {
                let reply = try await connection.readReply(to: method)
                #expect(reply.status == status, "\(method) \(target)")
                if target.contains(scene.blob.digest.encoded), method == "GET" {
                    #expect(reply.content == scene.blob.bytes)
                }
            }
            try await sending
        }
    }

    @Test("A server that stops gives no further reply, and loses none that it has begun")
    func shutDown() async throws {
        try await withServer { server in
            let scene = try await Scene(server)
            try await scene.warmUp()
            await server.shutDown()
            #expect(try await scene.connection.readToEnd().isEmpty)
        }
    }
}
