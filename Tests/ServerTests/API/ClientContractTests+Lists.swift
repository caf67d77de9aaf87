import OCI
import TestSupport
import Testing

extension ClientContractTests {
    @Test(
        "tags/list: in byte order, with n and last, a Link only where there is more, and [] for nothing",
        arguments: Transport.allCases
    )
    func tagsList(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            for tag in ["b", "B", "a-1", "_", "a.1", "a", "10", "9"] {
                try await client.push(image, to: "a", as: tag)
            }
            let link = "</v2/a/tags/list?n=3&last=B>; rel=\"next\""
            for (query, tags, expected) in [
                ("", ["10", "9", "B", "_", "a", "a-1", "a.1", "b"], nil),
                ("?n=3", ["10", "9", "B"], link),
                ("?n=3&last=B", ["_", "a", "a-1"], "</v2/a/tags/list?n=3&last=a-1>; rel=\"next\""),
                ("?n=2&last=a-1", ["a.1", "b"], nil),
                ("?last=a0", ["b"], nil), ("?last=zz", [], nil),
                ("?n=0", [], nil), ("?n=0&last=a", [], nil),
                ("?n=1000000", ["10", "9", "B", "_", "a", "a-1", "a.1", "b"], nil),
            ] as [(String, [String], String?)] {
                let reply = try await client.send("GET", "/v2/a/tags/list\(query)")
                let list = tags.map { "\"\($0)\"" }.joined(separator: ",")
                #expect(
                    reply.status == 200 && reply.text == "{\"name\":\"a\",\"tags\":[\(list)]}",
                    "\(query)"
                )
                #expect(reply["Link"] == expected, "\(query)")
            }
            for number in ["-1", "x", ""] {
                #expect(
                    try await client.send("GET", "/v2/a/tags/list?n=\(number)").status == 400,
                    "\(number)"
                )
            }
            try await client.push(image, to: "untagged")
            let untagged = try await client.send("GET", "/v2/untagged/tags/list")
            #expect(untagged.text == #"{"name":"untagged","tags":[]}"#)
            #expect(try await client.send("GET", "/v2/nowhere/tags/list").errorCode == "NAME_UNKNOWN")
        }
    }

    @Test(
        "_catalog: the same paging, and a name that begins another's stands before it",
        arguments: Transport.allCases
    )
    func catalog(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            let sorted = ["a", "a-b", "a.b", "a/b", "a/b/c", "a0", "ab"]
            for name in sorted.reversed() { try await client.push(image, to: name, as: "x") }
            for size in 1...8 {
                var path: String? = "/v2/_catalog?n=\(size)"
                var names: [String] = []
                var pages = 0
                while let current = path {
                    let reply = try await client.send("GET", current)
                    #expect(reply.text.hasPrefix(#"{"repositories":["#))
                    names += reply.text.split(separator: "\"").map(String.init).filter(sorted.contains)
                    pages += 1
                    path = next(reply)
                }
                #expect(names == sorted && pages == (sorted.count + size - 1) / size, "\(size)")
            }
            let none = try await client.send("GET", "/v2/_catalog?n=0")
            #expect(none.text == #"{"repositories":[]}"# && none["Link"] == nil)
            #expect(try await client.send("GET", "/v2/_catalog?n=-1").status == 400)
        }
    }

    // MARK: Referrers

    @Test(
        "Referrers: 200 and an index, whatever the subject; filtered, paged, with types and annotations",
        arguments: Transport.allCases
    )
    func referrersList(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            let path = "/v2/a/referrers/\(image.manifest.digest)"
            for unknown in [path, "/v2/nowhere/referrers/md5:0123"] {
                #expect(try await referrers(client, unknown).isEmpty)
            }
            #expect(try await client.send("GET", "/v2/a/referrers/sha256:x").status == 400)
            try await client.push(ReferrerTests.configuration, to: "a")
            var artifacts: [ManifestFixture] = []
            for (number, type) in ["application/spdx+json", "application/x.test"].enumerated() {
                artifacts.append(
                    try .artifact(
                        MediaType(type),
                        about: image.manifest.descriptor,
                        configuration: ReferrerTests.configuration,
                        annotations: ["number": "\(number)"]
                    )
                )
                try await client.push(artifacts[number], to: "a")
            }
            // Without a type of its own: its configuration's.
            let chart = try ManifestFixture(
                .object([
                    .init("schemaVersion", .integer(2)),
                    .init("mediaType", .string(MediaType.ociManifest.rawValue)),
                    .init("config", ReferrerTests.configuration.descriptor(.ociConfiguration).json),
                    .init("layers", .array([])), .init("subject", image.manifest.descriptor.json),
                ])
            )
            try await client.push(chart, to: "a")
            let all = try await referrers(client, path)
            #expect(all.map(\.digest) == (artifacts + [chart]).map(\.digest))
            #expect(
                all.map(\.artifactType?.rawValue) == [
                    "application/spdx+json", "application/x.test", MediaType.ociConfiguration.rawValue,
                ]
            )
            #expect(all.map { $0.annotations["number"] } == ["0", "1", nil])
            let filter = "artifactType=application%2Fspdx%2Bjson"
            let filtered = try await client.send("GET", "\(path)?\(filter)")
            #expect(filtered["OCI-Filters-Applied"] == "artifactType")
            #expect(try await referrers(client, "\(path)?\(filter)").map(\.digest) == [artifacts[0].digest])
            let first = try await client.send("GET", "\(path)?n=2")
            #expect(first["OCI-Filters-Applied"] == nil && first["Link"]?.hasSuffix("; rel=\"next\"") == true)
            let second = try #require(next(first))
            #expect(try await referrers(client, second).map(\.digest) == [chart.digest])
            #expect(try await client.send("GET", second)["Link"] == nil)
        }
    }

    @Test(
        "Manifest with subject: OCI-Subject on the 201, and the subject may come later",
        arguments: Transport.allCases
    )
    func subject(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(ReferrerTests.configuration, to: "a")
            let artifact = try ManifestFixture.artifact(
                MediaType("application/x.test"),
                about: image.manifest.descriptor,
                configuration: ReferrerTests.configuration
            )
            let reply = try await client.put(artifact, at: "/v2/a/manifests/\(artifact.digest)")
            #expect(reply.status == 201 && reply["OCI-Subject"] == "\(image.manifest.digest)")
            let path = "/v2/a/referrers/\(image.manifest.digest)"
            #expect(try await referrers(client, path).map(\.digest) == [artifact.digest])
            for blob in image.blobs { try await client.push(blob, to: "a") }
            let late = try await client.put(image.manifest, at: "/v2/a/manifests/latest")
            #expect(late.status == 201 && late["OCI-Subject"] == nil)
            #expect(try await referrers(client, path).map(\.digest) == [artifact.digest])
        }
    }

    @Test(
        "Referrers tag fallback: a tag like any other, and its list is folded into the reply",
        arguments: Transport.allCases
    )
    func fallbackTag(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("signature")
            try await client.push(image, to: "a")
            let index = try ManifestFixture.index([image.manifest.descriptor])
            let encoded = String(repeating: "Ab=_", count: 20)
            let subjects = [
                ("\(Digest(of: [1]))", "sha256-\(Digest(of: [1]).encoded)"),
                (
                    "\(Digest(of: [1], algorithm: .sha512))",
                    "sha512-\(Digest(of: [1], algorithm: .sha512).encoded.prefix(64))"
                ),
                // At most 32 and 64 characters, and a dash for what no tag holds.
                (
                    "multihash+base58.with+many+separators:\(encoded)",
                    "multihash-base58.with-many-separ-\(encoded.replacing("=", with: "-").prefix(64))"
                ),
            ]
            for (subject, tag) in subjects {
                let path = "/v2/a/referrers/\(subject)"
                #expect(try await referrers(client, path).isEmpty)
                try await client.push(index, to: "a", as: tag)
                #expect(try await client.send("GET", "/v2/a/manifests/\(tag)").content == index.bytes)
                #expect(try await client.send("GET", "/v2/a/tags/list").text.contains("\"\(tag)\""))
                #expect(try await referrers(client, path).map(\.digest) == [image.manifest.digest], "\(tag)")
                #expect(try await client.send("DELETE", "/v2/a/manifests/\(tag)").status == 202)
                #expect(try await referrers(client, path).isEmpty)
            }
        }
    }
}
