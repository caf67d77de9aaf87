import OCI
import TestSupport
import Testing

/// `?tag=` on a push by digest, and `?ns=` on whatever is read.
@Suite("Parameters of the query")
struct TagParameterTests {
    @Test(
        "A push by digest gives as many tags as it names, and says which",
        arguments: Transport.allCases,
        SupportedAlgorithm.allCases
    )
    func tags(_ transport: Transport, _ algorithm: SupportedAlgorithm) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            let manifest = try ManifestFixture(image.manifest.bytes, algorithm: algorithm)
            for blob in image.blobs { try await client.push(blob, to: "a") }
            let path = "/v2/a/manifests/\(manifest.digest)"
            let reply = try await client.put(
                manifest,
                at: path + "?tag=v1.2&tag=latest&tag=v1.2&other=x&tag=v1"
            )
            #expect(reply.status == 201, "\(reply.text)")
            #expect(reply.fields.values(of: "OCI-Tag") == ["v1.2", "latest", "v1"])
            #expect(reply["Location"] == path && reply["Docker-Content-Digest"] == "\(manifest.digest)")
            for tag in ["v1.2", "latest", "v1"] {
                let head = try await client.send("HEAD", "/v2/a/manifests/\(tag)")
                #expect(head["Docker-Content-Digest"] == "\(manifest.digest)")
            }
            #expect(try await client.send("GET", "/v2/a/tags/list").text.contains(#"["latest","v1","v1.2"]"#))
        }
    }

    @Test(
        "A wrong tag, too many, and tags beside a tag are refused, and nothing is pushed",
        arguments: Transport.allCases
    )
    func refused(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            for blob in image.blobs { try await client.push(blob, to: "a") }
            let path = "/v2/a/manifests/\(image.manifest.digest)"
            let many = (0..<65).map { "tag=t\($0)" }.joined(separator: "&")
            for (path, status) in [
                (path + "?tag=v1&tag=-x", 400), (path + "?tag=", 400), (path + "?tag=a%2Fb", 400),
                (path + "?" + many, 414), ("/v2/a/manifests/latest?tag=v1", 400),
            ] {
                let reply = try await client.put(image.manifest, at: path)
                #expect(reply.status == status && reply.errorCode == "MANIFEST_INVALID", "\(reply.text)")
            }
            #expect(try await client.send("GET", "/v2/a/tags/list").text.contains(#""tags":[]"#))
            let enough = (0..<64).map { "tag=t\($0)" }.joined(separator: "&")
            #expect(try await client.put(image.manifest, at: path + "?" + enough).status == 201)
        }
    }

    @Test(
        "Who asks for another registry's content is told that the name was read",
        arguments: Transport.allCases
    )
    func namespace(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(image, to: "library/app", as: "latest")
            for path in [
                "/v2/library/app/manifests/latest", "/v2/library/app/blobs/\(image.layers[0].digest)",
                "/v2/library/app/tags/list", "/v2/library/app/manifests/missing",
            ] {
                for method in ["GET", "HEAD"] {
                    for host in ["docker.io", "registry.example:5000", "[::1]:5000"] {
                        let reply = try await client.send(method, "\(path)?ns=\(host)")
                        #expect(reply.status == (path.hasSuffix("missing") ? 404 : 200))
                        #expect(reply["OCI-Namespace"] == host)
                    }
                    for other in [
                        "", "?ns=", "?ns=a%0Ab", "?ns=a%20b", "?ns=\(String(repeating: "a", count: 300))",
                    ] {
                        #expect(try await client.send(method, path + other)["OCI-Namespace"] == nil)
                    }
                }
            }
        }
    }
}
