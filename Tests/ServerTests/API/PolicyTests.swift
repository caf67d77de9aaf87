import OCI
import Registry
import TestSupport
import Testing

/// What the owner of a registry may forbid and allow.
@Suite("Policy")
struct PolicyTests {
    @Test("deletes: deny refuses every deletion with 405, and changes nothing", arguments: Transport.allCases)
    func deletes(_ transport: Transport) async throws {
        try await withClient(transport, policy: RegistryPolicy(allowsDeletes: false)) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(image, to: "a", as: "v1")
            for (path, allow) in [
                ("/v2/a/manifests/v1", "GET, HEAD, PUT"),
                ("/v2/a/manifests/\(image.manifest.digest)", "GET, HEAD, PUT"),
                ("/v2/a/blobs/\(image.layers[0].digest)", "GET, HEAD"),
                ("/v2/b/blobs/\(image.layers[0].digest)", "GET, HEAD"),
            ] {
                let reply = try await client.send("DELETE", path)
                #expect(reply.status == 405 && reply.errorCode == "UNSUPPORTED", "\(path) \(reply.text)")
                #expect(reply["Allow"] == allow)
                #expect(reply.text.contains("deletes: allow"))
            }
            #expect(try await client.send("GET", "/v2/a/manifests/v1").status == 200)
            // An upload can be given up all the same.
            let upload = try await client.openUpload(in: "a")
            #expect(try await client.send("DELETE", upload).status == 204)
        }
    }

    @Test("An immutable tag keeps its manifest, whoever pushes", arguments: Transport.allCases)
    func immutable(_ transport: Transport) async throws {
        let policy = RegistryPolicy(immutableTags: [try TagPattern("v*"), try TagPattern("release/*:*")])
        try await withClient(transport, policy: policy) { client, _ in
            let (first, second) = (try ImageFixture("first"), try ImageFixture("second"))
            for repository in ["a", "release/a"] {
                for blob in first.blobs + second.blobs { try await client.push(blob, to: repository) }
            }
            for (repository, tag, isImmutable) in [
                ("a", "v1", true), ("a", "latest", false), ("release/a", "latest", true),
            ] {
                try await client.push(first.manifest, to: repository, as: tag)
                try await client.push(first.manifest, to: repository, as: tag)
                for path in [
                    "/v2/\(repository)/manifests/\(tag)",
                    "/v2/\(repository)/manifests/\(second.manifest.digest)?tag=\(tag)",
                ] {
                    let reply = try await client.put(second.manifest, at: path)
                    #expect(reply.status == (isImmutable ? 409 : 201), "\(reply.text)")
                    guard isImmutable else { continue }
                    #expect(reply.errorCode == "DENIED")
                    let message = try #require(reply.errorMessage)
                    #expect(message.contains(tag) && message.contains("\(first.manifest.digest)"))
                }
                let head = try await client.send("HEAD", "/v2/\(repository)/manifests/\(tag)")
                let expected = isImmutable ? first.manifest.digest : second.manifest.digest
                #expect(head["Docker-Content-Digest"] == "\(expected)")
            }
        }
    }

    @Test("A manifest may refer to what is missing only where that is allowed", arguments: Transport.allCases)
    func sparse(_ transport: Transport) async throws {
        let policy = RegistryPolicy(sparseRepositories: [try NamePattern("mirror/*")])
        try await withClient(transport, policy: policy) { client, _ in
            let images = try (0..<2).map { try ImageFixture("app \($0)") }
            let index = try ManifestFixture.index(images.map(\.manifest.descriptor))
            for (repository, status) in [("mirror/a", 201), ("a", 404), ("mirrors/a", 404)] {
                try await client.push(images[0], to: repository)
                let reply = try await client.send(
                    "PUT",
                    "/v2/\(repository)/manifests/latest",
                    ["Content-Type": MediaType.ociIndex.rawValue],
                    content: index.bytes
                )
                #expect(reply.status == status, "\(repository): \(reply.text)")
                guard status == 404 else { continue }
                #expect(reply.errorCode == "MANIFEST_BLOB_UNKNOWN")
                #expect(reply.errorMessage?.contains("\(images[1].manifest.digest)") == true)
            }
            let reply = try await client.send("GET", "/v2/mirror/a/manifests/latest")
            #expect(reply.content == index.bytes)
            #expect(
                try await client.send("GET", "/v2/mirror/a/manifests/\(images[1].manifest.digest)").status
                    == 404
            )
        }
    }
}
