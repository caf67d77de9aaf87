import Foundation
import OCI
import Registry
import TestSupport
import Testing

/// What registry clients depend on, much of it beyond the specification's text: a test for each promise.
///
/// Each holds its promise as a client meets it. What is odd, hostile or large is tested where the endpoints are. The
/// promises are listed in docs/api.md.
@Suite("What registry clients depend on")
struct ClientContractTests {
    /// The manifests that a list of referrers holds.
    func referrers(_ client: some TestClient, _ path: String) async throws -> [OCI.Descriptor] {
        let reply = try await client.send("GET", path)
        #expect(reply.status == 200 && reply["Content-Type"] == MediaType.ociIndex.rawValue, "\(path)")
        return try JSONDecoder().decode(ReferrerTests.Index.self, from: Data(reply.content)).manifests
    }

    /// Where a list goes on; nil at its end.
    func next(_ reply: TestReply) -> String? {
        reply["Link"].map { String($0.dropFirst().prefix { $0 != ">" }) }
    }

    @Test(
        "Docker-Content-Digest: on GET and HEAD, and on every 201, in the algorithm that the client used",
        arguments: Transport.allCases,
        SupportedAlgorithm.allCases
    )
    func contentDigest(_ transport: Transport, _ algorithm: SupportedAlgorithm) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            let manifest = try ManifestFixture(image.manifest.bytes, algorithm: algorithm)
            let blob = BlobFixture("blob", algorithm: algorithm)
            for blob in image.blobs { try await client.push(blob, to: "a") }
            let session = try await client.openUpload(in: "b")
            let replies = [
                (
                    201, blob.digest,
                    try await client.send(
                        "POST",
                        "/v2/a/blobs/uploads/?digest=\(blob.digest)",
                        content: blob.bytes
                    )
                ),
                (
                    201, blob.digest,
                    try await client.send(
                        "PUT",
                        "\(session)?digest=\(blob.digest)",
                        content: blob.bytes
                    )
                ),
                (
                    201, blob.digest,
                    try await client.send(
                        "POST",
                        "/v2/c/blobs/uploads/?mount=\(blob.digest)&from=a",
                        content: []
                    )
                ),
                (
                    201, manifest.digest,
                    try await client.put(
                        manifest,
                        at: "/v2/a/manifests/\(manifest.digest)?tag=x"
                    )
                ),
                (200, blob.digest, try await client.send("GET", "/v2/a/blobs/\(blob.digest)")),
                (200, blob.digest, try await client.send("HEAD", "/v2/a/blobs/\(blob.digest)")),
                (200, manifest.digest, try await client.send("GET", "/v2/a/manifests/\(manifest.digest)")),
                (200, manifest.digest, try await client.send("HEAD", "/v2/a/manifests/\(manifest.digest)")),
                (200, manifest.digest, try await client.send("GET", "/v2/a/manifests/x")),
                (200, manifest.digest, try await client.send("HEAD", "/v2/a/manifests/x")),
            ]
            for (index, (status, digest, reply)) in replies.enumerated() {
                #expect(reply.status == status, "\(index): \(reply.text)")
                #expect(reply.fields.values(of: "Docker-Content-Digest") == ["\(digest)"], "\(index)")
            }
        }
    }

    @Test(
        "Location: a path without a query, that clients append to, and that leads to what was made",
        arguments: Transport.allCases
    )
    func location(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            for blob in image.blobs { try await client.push(blob, to: "a/b") }
            let blob = BlobFixture("blob")
            let session = try await client.send("POST", "/v2/a/b/blobs/uploads/", content: []).location()
            let chunk = try await client.send("PATCH", session, content: blob.bytes).location()
            let status = try await client.send("GET", chunk).location()
            let pushed = try await client.send("PUT", "\(status)?digest=\(blob.digest)", content: [])
            #expect(try await client.send("GET", pushed.location()).content == blob.bytes)
            let mounted = try await client.send(
                "POST",
                "/v2/c/blobs/uploads/?mount=\(blob.digest)&from=a/b",
                content: []
            )
            #expect(try mounted.location().hasPrefix("/v2/c/"))
            #expect(try await client.send("GET", mounted.location()).content == blob.bytes)
            let manifest = try await client.put(image.manifest, at: "/v2/a/b/manifests/latest")
            #expect(try await client.send("GET", manifest.location()).content == image.manifest.bytes)
        }
    }

    @Test(
        "/v2 and /v2/: both 200, and every reply says which version of the API it speaks",
        arguments: Transport.allCases
    )
    func support(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            for path in ["/v2", "/v2/"] {
                let reply = try await client.send("GET", path)
                #expect(
                    reply.status == 200 && reply.text == "{}" && reply["Content-Type"] == "application/json"
                )
            }
            for path in [
                "/v2", "/v2/", "/v2/_catalog", "/v2/a/manifests/x", "/v2/A/manifests/x", "/v2/a/b/c",
            ] {
                for method in ["GET", "HEAD", "POST"] {
                    let reply = try await client.send(method, path)
                    #expect(reply.fields.values(of: "Docker-Distribution-Api-Version") == ["registry/2.0"])
                }
            }
        }
    }

    @Test(
        "401: nobody is asked who they are, and credentials that come all the same are passed over",
        arguments: Transport.allCases
    )
    func unauthorized(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("blob")
            let path = "/v2/a/blobs/uploads/?digest=\(blob.digest)"
            for credentials in [nil, "Basic dXNlcjpwYXNzd29yZA==", "Bearer x", "x"] as [String?] {
                let fields: KeyValuePairs<String, String> = credentials.map { ["Authorization": $0] } ?? [:]
                let support = try await client.send("GET", "/v2/", fields)
                let push = try await client.send("POST", path, fields, content: blob.bytes)
                #expect(support.status == 200 && push.status == 201, "\(credentials ?? "-")")
                #expect(support["WWW-Authenticate"] == nil && push["WWW-Authenticate"] == nil)
            }
        }
    }

    @Test("Expect: 100-continue: answered before any content comes, also by a refusal that needs none of it")
    func expectContinue() async throws {
        try await withServer(policy: RegistryPolicy(maximumUploadSize: 1000)) { server in
            let blob = BlobFixture("hello")
            let post = "POST /v2/a/blobs/uploads/?digest=\(blob.digest)"
            for (request, length, status) in [
                (post, 5, 100), (post, 1001, 413), ("PUT /v2/a/manifests/x", 5 << 20, 413),
                ("PUT /v2/A/manifests/x", 5, 400), ("PATCH /v2/a/blobs/uploads/\(UUID())", 5, 404),
                ("POST /v2/a/blobs/\(blob.digest)", 5, 405),
            ] {
                let connection = try server.connect()
                defer { connection.close() }
                try await connection.send(
                    "\(request) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(length)\r\n"
                        + "Expect: 100-continue\r\n\r\n"
                )
                // Nothing of the content is ever sent before the answer.
                #expect(try await connection.readReply(to: "POST").status == status, "\(request)")
                guard status == 100 else { continue }
                try await connection.send(blob.bytes)
                #expect(try await connection.readReply(to: "POST").status == 201)
            }
        }
    }

    @Test(
        "Methods: 405 with Allow where the path is known, 404 where it is not, and HEAD wherever GET is",
        arguments: Transport.allCases
    )
    func methods(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(image, to: "a", as: "x")
            let session = try await client.openUpload(in: "a")
            for (path, allowed) in [
                ("/v2/", "GET, HEAD"), ("/v2/_catalog", "GET, HEAD"), ("/v2/a/tags/list", "GET, HEAD"),
                ("/v2/a/referrers/\(image.manifest.digest)", "GET, HEAD"),
                ("/v2/a/manifests/x", "GET, HEAD, PUT, DELETE"),
                ("/v2/a/blobs/\(image.layers[0].digest)", "GET, HEAD, DELETE"),
                ("/v2/a/blobs/uploads/", "POST"), (session, "GET, HEAD, PATCH, PUT, DELETE"),
            ] {
                let names = allowed.split(separator: ", ").map(String.init)
                for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT"]
                where !names.contains(method) {
                    let reply = try await client.send(method, path)
                    #expect(reply.status == 405 && reply["Allow"] == allowed, "\(method) \(path)")
                }
                guard names.contains("GET") else { continue }
                let (get, head) = (try await client.send("GET", path), try await client.send("HEAD", path))
                #expect(head.status == get.status && get.status < 300 && head.content.isEmpty, "\(path)")
                #expect(head["Content-Type"] == get["Content-Type"], "\(path)")
                if get.status == 200 { #expect(head["Content-Length"] == "\(get.content.count)", "\(path)") }
            }
            for path in ["/v2/a", "/v2/a/x", "/v2/a/tags", "/v2/a/tags/x", "/v2/a/things/x", "/v3/"] {
                for method in ["GET", "HEAD"] {
                    #expect(try await client.send(method, path).status == 404, "\(method) \(path)")
                }
            }
        }
    }

    @Test(
        "Names: the specification's grammar exactly, escapes decoded once, and no way out of it",
        arguments: Transport.allCases
    )
    func names(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("blob")
            let longest = String(repeating: "a", count: 255)
            for name in ["a", "0", "a.b_c__d---e/f", "blobs/uploads", "manifests", longest] {
                try await client.push(blob, to: name)
                #expect(try await client.send("HEAD", "/v2/\(name)/blobs/\(blob.digest)").status == 200)
            }
            // An escaped letter is that letter; an escape of an escape stays one, and no name holds it.
            let escaped = "/v2/%61/blobs/\(blob.digest)".replacing("sha256:", with: "sha256%3A")
            #expect(try await client.send("HEAD", escaped).status == 200)
            for name in [
                "A", "a..b", "a___b", "-a", "a-", "a._b", "%C3%A9", "a//b", "..", "a/../b", "a%2Fb", "a%00",
                "%2561",
                "a%2e%2e", "a%", longest + "a",
            ] {
                let reply = try await client.send("GET", "/v2/\(name)/blobs/\(blob.digest)")
                #expect(reply.status == 400 && reply.errorCode == "NAME_INVALID", "\(name)")
            }
        }
    }

    @Test(
        "?ns=: the upstream registry that a mirror's client means is answered",
        arguments: Transport.allCases
    )
    func upstreamNamespace(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(image, to: "library/app", as: "latest")
            for path in ["manifests/latest", "blobs/\(image.layers[0].digest)", "manifests/missing"] {
                for method in ["GET", "HEAD"] {
                    let plain = try await client.send(method, "/v2/library/app/\(path)")
                    let named = try await client.send(method, "/v2/library/app/\(path)?ns=docker.io")
                    #expect(plain["OCI-Namespace"] == nil && named["OCI-Namespace"] == "docker.io")
                    #expect(named.status == plain.status && named.content == plain.content)
                }
            }
        }
    }
}
