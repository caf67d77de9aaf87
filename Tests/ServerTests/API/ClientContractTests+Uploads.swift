import OCI
import Registry
import Server
import TestSupport
import Testing

extension ClientContractTests {
    @Test(
        "Range on 202 and 204 of an upload: 0-N, all that has come, and 0-0 for nothing",
        arguments: Transport.allCases
    )
    func uploadRange(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let start = try await client.send("POST", "/v2/a/blobs/uploads/", content: [])
            let session = try start.location()
            #expect(start["Range"] == "0-0" && start["OCI-Chunk-Min-Length"] == nil)
            #expect(try await client.send("GET", session)["Range"] == "0-0")
            for (size, range) in [(0, "0-0"), (1, "0-0"), (1, "0-1"), (998, "0-999"), (0, "0-999")] {
                let chunk = try await client.send(
                    "PATCH",
                    session,
                    content: [UInt8](repeating: 7, count: size)
                )
                #expect(chunk.status == 202 && chunk["Range"] == range)
                let status = try await client.send("GET", session)
                #expect(status.status == 204 && status["Range"] == range)
            }
        }
    }

    @Test(
        "Docker-Upload-UUID: on every reply about an upload, always the same",
        arguments: Transport.allCases
    )
    func uploadUUID(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let start = try await client.send("POST", "/v2/a/blobs/uploads/", content: [])
            let session = try start.location()
            let id = try #require(start["Docker-Upload-UUID"])
            #expect(session == "/v2/a/blobs/uploads/\(id)")
            let fallback = try await client.send(
                "POST",
                "/v2/a/blobs/uploads/?mount=\(Digest(of: [1]))&from=b",
                content: []
            )
            #expect(try fallback.location().hasSuffix("/\(fallback["Docker-Upload-UUID"] ?? "-")"))
            for (method, range, status) in [
                ("PATCH", "0-0", 202), ("GET", "-", 204), ("PATCH", "7-7", 416), ("PATCH", "1-1", 202),
            ] {
                let reply =
                    method == "GET"
                    ? try await client.send(method, session)
                    : try await client.send(method, session, ["Content-Range": range], content: [7])
                #expect(reply.status == status && reply["Docker-Upload-UUID"] == id, "\(method) \(range)")
            }
        }
    }

    @Test(
        "PATCH without Content-Range: appended, whether its length was announced or not",
        arguments: Transport.allCases,
        [false, true]
    )
    func plainPatch(_ transport: Transport, isChunked: Bool) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("hello world")
            var session = try await client.openUpload(in: "a")
            for part in ["hello", " ", "world"] {
                let reply = try await client.send(
                    "PATCH",
                    session,
                    content: Array(part.utf8),
                    isChunked: isChunked
                )
                #expect(reply.status == 202)
                session = try reply.location()
            }
            let end = try await client.send("PUT", "\(session)?digest=\(blob.digest)", content: [])
            #expect(end.status == 201)
            #expect(try await client.send("GET", end.location()).content == blob.bytes)
        }
    }

    @Test(
        "PATCH and PUT with Content-Range: it starts where the session stands, else 416 tells where that is",
        arguments: Transport.allCases,
        ["PATCH", "PUT"]
    )
    func rangedChunk(_ transport: Transport, method: String) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("hello world")
            let session = try await client.openUpload(in: "a")
            let first = try await client.send(
                "PATCH",
                session,
                ["Content-Range": "0-5"],
                content: Array("hello ".utf8)
            )
            #expect(first.status == 202 && first["Range"] == "0-5")
            let target = method == "PUT" ? "\(session)?digest=\(blob.digest)" : session
            for range in ["0-4", "7-11", "bytes 6-10/11", "6", "10-6"] {
                let refused = try await client.send(
                    method,
                    target,
                    ["Content-Range": range],
                    content: Array("world".utf8)
                )
                #expect(refused.status == 416, "\(range)")
                #expect(refused["Location"] == session && refused["Range"] == "0-5", "\(range)")
            }
            // One step: what the refusal said is where it goes on.
            let reply = try await client.send(
                method,
                target,
                ["Content-Range": "6-10"],
                content: Array("world".utf8)
            )
            #expect(reply.status == (method == "PUT" ? 201 : 202), "\(reply.text)")
            if method == "PATCH" {
                let end = try await client.send("PUT", "\(session)?digest=\(blob.digest)", content: [])
                #expect(end.status == 201)
            }
            #expect(try await client.send("GET", "/v2/a/blobs/\(blob.digest)").content == blob.bytes)
        }
    }

    @Test(
        "Interrupted PATCH: what came is kept, and the client goes on from there, also after a restart",
        arguments: [false, true]
    )
    func interruptedPatch(isRestarted: Bool) async throws {
        let blob = InterruptionTests.blob
        let loopback = RegistryServer.Address.tcp(host: "127.0.0.1", port: 0, isLoopback: true)
        func interrupt(_ server: TestServer) async throws -> String {
            let session = try await server.client.openUpload(in: "a")
            let connection = try server.connect()
            try await connection.send(
                "PATCH \(session) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(blob.size)\r\n\r\n"
            )
            try await connection.send(Array(blob.bytes[..<700_000]))
            connection.close()
            try await eventually("what was sent") {
                try await server.client.send("GET", session)["Range"] == "0-699999" ? () : nil
            }
            return session
        }
        func goOn(_ server: TestServer, _ session: String) async throws {
            let status = try await server.client.send("GET", session)
            #expect(status.status == 204 && status["Range"] == "0-699999")
            let rest = try await server.client.send(
                "PATCH",
                try status.location(),
                ["Content-Range": "700000-\(blob.size - 1)"],
                content: Array(blob.bytes[700_000...])
            )
            #expect(rest.status == 202)
            let end = try await server.client.send("PUT", "\(session)?digest=\(blob.digest)", content: [])
            #expect(end.status == 201)
            #expect(try await server.client.send("GET", end.location()).content == blob.bytes)
        }
        try await withTemporaryFolder { folder in
            let session = try await withRegistry(in: folder) { test in
                try await withServer(of: test, on: loopback) { server in
                    let session = try await interrupt(server)
                    if !isRestarted { try await goOn(server, session) }
                    return session
                }
            }
            guard isRestarted else { return }
            try await withRegistry(in: folder) { test in
                try await withServer(of: test, on: loopback) { server in try await goOn(server, session) }
            }
        }
    }

    @Test(
        "GET and DELETE of an upload: 204, and giving up is no deletion",
        arguments: Transport.allCases
    )
    func uploadStatus(_ transport: Transport) async throws {
        try await withClient(transport, policy: RegistryPolicy(allowsDeletes: false)) { client, test in
            let session = try await client.openUpload(in: "a")
            _ = try await client.send("PATCH", session, content: [1, 2, 3])
            let status = try await client.send("GET", session)
            #expect(status.status == 204 && status["Range"] == "0-2" && status["Location"] == session)
            #expect(try await client.send("DELETE", session).status == 204)
            for method in ["GET", "DELETE", "PATCH"] {
                let reply = try await client.send(method, session, content: method == "PATCH" ? [4] : nil)
                #expect(reply.status == 404, "\(method)")
                #expect(reply.errorCode == "BLOB_UPLOAD_UNKNOWN", "\(method)")
            }
            #expect(try test.contents(of: "uploads").isEmpty)
        }
    }

    @Test(
        "Mount: 201 with or without from, and a session that can be used where there is nothing to mount",
        arguments: Transport.allCases
    )
    func mount(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("blob")
            try await client.push(blob, to: "a/b")
            for (name, query, status) in [
                ("c", "from=a/b", 201), ("d", "from=a%2Fb", 201), ("e", "", 201), ("f", "from=nowhere", 202),
            ] {
                let start = "/v2/\(name)/blobs/uploads/?mount=\(blob.digest)&\(query)"
                #expect(try await client.send("HEAD", "/v2/\(name)/blobs/\(blob.digest)").status == 404)
                let reply = try await client.send("POST", start, content: [])
                #expect(reply.status == status, "\(query)")
                if status == 202 {
                    let session = try reply.location()
                    let end = try await client.send(
                        "PUT",
                        "\(session)?digest=\(blob.digest)",
                        content: blob.bytes
                    )
                    #expect(end.status == 201)
                }
                #expect(
                    try await client.send("GET", "/v2/\(name)/blobs/\(blob.digest)").content == blob.bytes
                )
            }
        }
    }

    @Test(
        "POST ?digest= with a body: 201 for the whole blob in one request",
        arguments: Transport.allCases,
        [false, true]
    )
    func monolithicPost(_ transport: Transport, isChunked: Bool) async throws {
        try await withClient(transport) { client, _ in
            let blob = InterruptionTests.blob
            let path = "/v2/a/blobs/uploads/?digest=\(blob.digest)"
            let reply = try await client.send("POST", path, content: blob.bytes, isChunked: isChunked)
            #expect(reply.status == 201 && reply["Docker-Content-Digest"] == "\(blob.digest)")
            #expect(try await client.send("GET", reply.location()).content == blob.bytes)
            let wrong = try await client.send("POST", path, content: [1], isChunked: isChunked)
            #expect(wrong.status == 400 && wrong.errorCode == "DIGEST_INVALID")
        }
    }

    @Test(
        "sha512: arrives unannounced on the closing PUT, hinted on POST, or as a manifest's reference with tags",
        arguments: Transport.allCases
    )
    func sha512(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            for query in ["", "?digest-algorithm=sha512"] {
                let blob = BlobFixture("blob \(query)", algorithm: .sha512)
                let start = try await client.send("POST", "/v2/a/blobs/uploads/\(query)", content: [])
                let session = try start.location()
                _ = try await client.send("PATCH", session, content: Array(blob.bytes.prefix(2)))
                let end = try await client.send(
                    "PUT",
                    "\(session)?digest=\(blob.digest)",
                    content: Array(blob.bytes.dropFirst(2))
                )
                #expect(end.status == 201 && end["Docker-Content-Digest"] == "\(blob.digest)")
                #expect(try await client.send("GET", end.location()).content == blob.bytes)
            }
            let image = try ImageFixture("app")
            for blob in image.blobs { try await client.push(blob, to: "a") }
            let manifest = try ManifestFixture(image.manifest.bytes, algorithm: .sha512)
            let reply = try await client.put(manifest, at: "/v2/a/manifests/\(manifest.digest)?tag=x&tag=y")
            #expect(reply.status == 201 && reply["Docker-Content-Digest"] == "\(manifest.digest)")
            #expect(reply.fields.values(of: "OCI-Tag") == ["x", "y"])
            for reference in ["x", "y", "\(manifest.digest)"] {
                let back = try await client.send("GET", "/v2/a/manifests/\(reference)")
                #expect(back.content == manifest.bytes)
                #expect(back["Docker-Content-Digest"] == "\(manifest.digest)")
            }
        }
    }
}
