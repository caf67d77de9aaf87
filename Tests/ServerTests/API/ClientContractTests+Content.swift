import OCI
import Registry
import TestSupport
import Testing

extension ClientContractTests {
    // MARK: Manifests

    @Test(
        "HEAD of a manifest: type, length and digest as with GET, and nothing more",
        arguments: Transport.allCases
    )
    func manifestHead(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(image, to: "a", as: "image")
            let index = try ManifestFixture.index([image.manifest.descriptor])
            try await client.push(index, to: "a", as: "index")
            for (tag, manifest) in [("image", image.manifest), ("index", index)] {
                for reference in [tag, "\(manifest.digest)"] {
                    let reply = try await client.send("HEAD", "/v2/a/manifests/\(reference)")
                    #expect(reply.status == 200 && reply.content.isEmpty)
                    #expect(reply["Content-Type"] == manifest.manifest.mediaType.rawValue)
                    #expect(reply["Content-Length"] == "\(manifest.bytes.count)")
                    #expect(reply["Docker-Content-Digest"] == "\(manifest.digest)")
                }
            }
            #expect(try await client.send("HEAD", "/v2/a/manifests/missing").status == 404)
        }
    }

    @Test(
        "Accept: whatever it says, and in however many lines, the stored bytes come as the stored type",
        arguments: Transport.allCases
    )
    func accept(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(image, to: "a", as: "x")
            let headers: [KeyValuePairs<String, String>] = [
                [:], ["Accept": "*/*"], ["Accept": ""], ["Accept": ";;,"],
                ["Accept": MediaType.dockerManifest.rawValue],
                ["Accept": "application/vnd.docker.distribution.manifest.v1+prettyjws"],
                ["Accept": "\(MediaType.ociManifest);q=0, */*;q=0.1"],
                ["Accept": "text/html;level=1;q=0.5,application/json"],
                [
                    "Accept": MediaType.ociIndex.rawValue,
                    "accept": "\(MediaType.dockerManifestList); charset=utf-8",
                    "ACCEPT": "text/plain",
                ],
            ]
            for fields in headers {
                for method in ["GET", "HEAD"] {
                    let reply = try await client.send(method, "/v2/a/manifests/x", fields)
                    #expect(reply.status == 200, "\(fields)")
                    #expect(reply["Content-Type"] == MediaType.ociManifest.rawValue, "\(fields)")
                    #expect(reply["Docker-Content-Digest"] == "\(image.manifest.digest)", "\(fields)")
                    #expect(reply.content == (method == "GET" ? image.manifest.bytes : []), "\(fields)")
                }
            }
        }
    }

    @Test(
        "Manifest bytes: kept to the last blank, unknown fields too, and the digest is of exactly those",
        arguments: Transport.allCases,
        [
            ManifestTests.ociManifest, ManifestTests.ociIndex, ManifestTests.dockerManifest,
            ManifestTests.dockerList,
        ]
    )
    func manifestBytes(_ transport: Transport, type: String) async throws {
        try await withClient(transport) { client, _ in
            for blob in [ManifestTests.configuration, ManifestTests.layer] {
                try await client.push(blob, to: "a")
            }
            let bytes = ManifestTests.document(type)
            for algorithm in SupportedAlgorithm.allCases {
                let digest = Digest(of: bytes, algorithm: algorithm)
                let path = "/v2/a/manifests/\(digest)"
                let pushed = try await client.send("PUT", path, ["Content-Type": type], content: bytes)
                #expect(pushed.status == 201 && pushed["Docker-Content-Digest"] == "\(digest)")
                let back = try await client.send("GET", path)
                #expect(back.content == bytes && back["Content-Type"] == type)
            }
            let digest = Digest(of: bytes + [UInt8(ascii: "\n")])
            let other = try await client.send(
                "PUT",
                "/v2/a/manifests/\(digest)",
                ["Content-Type": type],
                content: bytes
            )
            #expect(other.status == 400 && other.errorCode == "DIGEST_INVALID")
        }
    }

    @Test(
        "Manifest PUT: types agree, and all but foreign layers and the subject is there",
        arguments: Transport.allCases
    )
    func manifestPut(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(image.layers[0], to: "a")
            let missing = try await client.put(image.manifest, at: "/v2/a/manifests/x")
            #expect(missing.status == 404 && missing.errorCode == "MANIFEST_BLOB_UNKNOWN")
            #expect(missing.errorMessage?.contains("\(image.configuration.digest)") == true)
            try await client.push(image.configuration, to: "a")
            for (type, status) in [
                (MediaType.dockerManifest.rawValue, 400), (MediaType.ociIndex.rawValue, 400),
                ("\(MediaType.ociManifest); charset=utf-8", 201),
            ] {
                let reply = try await client.send(
                    "PUT",
                    "/v2/a/manifests/x",
                    ["Content-Type": type],
                    content: image.manifest.bytes
                )
                #expect(reply.status == status, "\(type)")
                #expect(reply.errorCode == (status == 400 ? "MANIFEST_INVALID" : nil), "\(type)")
            }
            let foreign = BlobFixture("elsewhere").descriptor(
                try MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar")
            )
            let artifact = try ManifestFixture.artifact(
                MediaType("application/x.test"),
                about: try ImageFixture("nowhere").manifest.descriptor,
                configuration: image.configuration,
                layers: [foreign]
            )
            #expect(try await client.put(artifact, at: "/v2/a/manifests/y").status == 201)
        }
    }

    @Test("Manifest over 4 MiB: 413, and anything up to it is taken", arguments: Transport.allCases)
    func manifestSize(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            for blob in [ManifestTests.configuration, ManifestTests.layer] {
                try await client.push(blob, to: "a")
            }
            let document = ManifestTests.document(ManifestTests.ociManifest)
            for (size, status) in [(4 << 20, 201), (4 << 20 + 1, 413)] {
                let bytes = document + [UInt8](repeating: UInt8(ascii: " "), count: size - document.count)
                let reply = try await client.send(
                    "PUT",
                    "/v2/a/manifests/x",
                    ["Content-Type": ManifestTests.ociManifest],
                    content: bytes
                )
                #expect(reply.status == status)
                #expect(reply.errorCode == (status == 413 ? "SIZE_INVALID" : nil))
                #expect(try await client.send("GET", "/v2/a/manifests/x").content.count == 4 << 20)
            }
        }
    }

    // MARK: Blobs

    @Test(
        "Blobs: octets with ETag, 304, one range, 416 beyond the end, and never encoded",
        arguments: Transport.allCases
    )
    func blobs(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("0123456789")
            try await client.push(blob, to: "a")
            let path = "/v2/a/blobs/\(blob.digest)"
            let tag = "\"\(blob.digest)\""
            for (fields, status, content, range) in [
                (["Accept-Encoding": "gzip, br"], 200, "0123456789", nil),
                (["Range": "bytes=2-4"], 206, "234", "bytes 2-4/10"),
                (["Range": "bytes=8-99"], 206, "89", "bytes 8-9/10"),
                (["Range": "bytes=9-"], 206, "9", "bytes 9-9/10"),
                (["Range": "bytes=-4"], 206, "6789", "bytes 6-9/10"),
                (["Range": "bytes=2-4", "If-Range": tag], 206, "234", "bytes 2-4/10"),
                (["Range": "bytes=2-4", "If-Range": "\"x\""], 200, "0123456789", nil),
                (["Range": "bytes=10-"], 416, nil, "bytes */10"),
                (["If-None-Match": tag], 304, "", nil),
            ] as [(KeyValuePairs<String, String>, Int, String?, String?)] {
                let reply = try await client.send("GET", path, fields)
                #expect(reply.status == status && reply["Content-Range"] == range, "\(fields)")
                #expect(reply["Content-Encoding"] == nil, "\(fields)")
                guard let content else { continue }
                #expect(reply.text == content && reply["ETag"] == tag, "\(fields)")
                #expect(reply["Accept-Ranges"] == "bytes", "\(fields)")
                #expect(reply["Content-Type"] == "application/octet-stream", "\(fields)")
                if status != 304 { #expect(reply["Content-Length"] == "\(content.count)", "\(fields)") }
            }
        }
    }

    @Test(
        "Digests of other algorithms: names of nothing here, and only storing them is refused",
        arguments: Transport.allCases
    )
    func otherAlgorithms(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(image, to: "a", as: "x")
            let session = try await client.openUpload(in: "a")
            for digest in ["md5:0123", "sha384:abc", "blake2b+x.y:AbC=_-", "multihash+base58:QmRZx"] {
                for path in ["blobs/\(digest)", "manifests/\(digest)"] {
                    #expect(try await client.send("GET", "/v2/a/\(path)").status == 404, "\(path)")
                    #expect(try await client.send("DELETE", "/v2/a/\(path)").status == 404, "\(path)")
                }
                #expect(try await referrers(client, "/v2/a/referrers/\(digest)").isEmpty)
                let whole = try await client.send(
                    "POST",
                    "/v2/a/blobs/uploads/?digest=\(digest)",
                    content: [1]
                )
                let end = try await client.send("PUT", "\(session)?digest=\(digest)", content: [])
                let manifest = try await client.put(image.manifest, at: "/v2/a/manifests/\(digest)")
                for reply in [whole, end, manifest] {
                    #expect(reply.status == 400 && reply.errorCode == "DIGEST_INVALID", "\(digest)")
                }
            }
            // The session has lost nothing by it.
            let end = try await client.send("PUT", "\(session)?digest=\(Digest(of: [7]))", content: [7])
            #expect(end.status == 201)
        }
    }

    @Test("Empty blob and empty JSON: content like any other", arguments: Transport.allCases)
    func emptyContent(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let known = [
                ("", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                ("{}", "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
            ]
            for (text, digest) in known {
                for repository in ["a", "b"] {
                    let start = "/v2/\(repository)/blobs/uploads/"
                    if repository == "a" {
                        let reply = try await client.send(
                            "POST",
                            "\(start)?digest=\(digest)",
                            content: Array(text.utf8)
                        )
                        #expect(reply.status == 201)
                    } else {
                        let session = try await client.openUpload(in: repository)
                        let reply = try await client.send(
                            "PUT",
                            "\(session)?digest=\(digest)",
                            content: Array(text.utf8)
                        )
                        #expect(reply.status == 201)
                    }
                    for method in ["GET", "HEAD"] {
                        let reply = try await client.send(method, "/v2/\(repository)/blobs/\(digest)")
                        #expect(reply.status == 200 && reply["Content-Length"] == "\(text.utf8.count)")
                        #expect(reply.text == (method == "GET" ? text : ""))
                    }
                }
            }
            let artifact = try ManifestFixture.artifact(
                MediaType("application/x.test"),
                about: try ImageFixture("app").manifest.descriptor,
                configuration: BlobFixture("{}"),
                layers: [BlobFixture("").descriptor(.octetStream), BlobFixture("{}").descriptor(.ociEmpty)]
            )
            #expect(try await client.put(artifact, at: "/v2/a/manifests/x").status == 201)
        }
    }

    @Test(
        "Deletes: 202; a tag leaves its manifest, a manifest takes its tags, and nothing in use can go",
        arguments: Transport.allCases
    )
    func deletes(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            for tag in ["x", "y"] { try await client.push(image, to: "a", as: tag) }
            let manifest = "/v2/a/manifests/\(image.manifest.digest)"
            let blob = "/v2/a/blobs/\(image.layers[0].digest)"
            let steps: [(method: String, path: String, status: Int)] = [
                ("DELETE", "/v2/a/manifests/x", 202), ("GET", "/v2/a/manifests/x", 404),
                ("GET", manifest, 200), ("GET", "/v2/a/manifests/y", 200),
                ("DELETE", blob, 409), ("GET", blob, 200),
                ("DELETE", manifest, 202), ("GET", manifest, 404), ("GET", "/v2/a/manifests/y", 404),
                ("DELETE", manifest, 404), ("DELETE", "/v2/a/manifests/y", 404),
                ("DELETE", blob, 202), ("GET", blob, 404), ("DELETE", blob, 404),
                ("DELETE", "/v2/nowhere/manifests/x", 404),
                ("DELETE", "/v2/nowhere/blobs/\(Digest(of: []))", 404),
                ("GET", "/v2/nowhere/manifests/x", 404),
            ]
            for (method, path, status) in steps {
                let reply = try await client.send(method, path)
                #expect(reply.status == status, "\(method) \(path)")
            }
        }
    }
}
