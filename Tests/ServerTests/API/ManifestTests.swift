import OCI
import TestSupport
import Testing

/// Manifests, byte for byte.
@Suite("Manifests")
struct ManifestTests {
    static let ociManifest = "application/vnd.oci.image.manifest.v1+json"
    static let ociIndex = "application/vnd.oci.image.index.v1+json"
    static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"

    static let configuration = BlobFixture("{}")
    static let layer = BlobFixture("layer")

    /// A document of one of the four types, in a spelling that no program here would choose.
    static func document(_ mediaType: String?, of blobs: [BlobFixture] = [configuration, layer]) -> [UInt8] {
        let descriptors = blobs.map { blob in
            "{ \"size\":\(blob.size),\n\t\"x-unknown\" : [1e2],\"digest\":\"\(blob.digest)\","
                + " \"mediaType\":\"application/octet-stream\" }"
        }
        let type = mediaType.map { "\"mediaType\":\"\($0)\" , " } ?? ""
        let isIndex = mediaType == ociIndex || mediaType == dockerList
        let body =
            isIndex
            ? "\"manifests\":[\(descriptors.joined(separator: ","))]"
            : "\"layers\":[\(descriptors.dropFirst().joined(separator: ","))],\"config\":\(descriptors[0])"
        return Array("{\n\(type)\"schemaVersion\":2,\"unknown\":{\"é\":\"\\u00e9\"},\(body)}\n\n".utf8)
    }

    private func put(
        _ client: some TestClient,
        _ bytes: [UInt8],
        _ contentType: String?,
        as reference: String = "x",
        isChunked: Bool = false
    ) async throws -> TestReply {
        let fields: KeyValuePairs<String, String> = contentType.map { ["Content-Type": $0] } ?? [:]
        return try await client.send(
            "PUT",
            "/v2/a/manifests/\(reference)",
            fields,
            content: bytes,
            isChunked: isChunked
        )
    }

    @Test(
        "A manifest of each type comes back byte for byte, by tag and by digest",
        arguments: Transport.allCases,
        [ociManifest, ociIndex, dockerManifest, dockerList]
    )
    func roundTrip(_ transport: Transport, type: String) async throws {
        try await withClient(transport) { client, _ in
            try await client.push(Self.configuration, to: "a")
            try await client.push(Self.layer, to: "a")
            let bytes = Self.document(type)
            let digest = Digest(of: bytes)
            for reference in ["v1", "\(digest)"] {
                let reply = try await put(client, bytes, type, as: reference)
                #expect(reply.status == 201, "\(reply.text)")
                #expect(reply["Location"] == "/v2/a/manifests/\(digest)")
                #expect(reply["Docker-Content-Digest"] == "\(digest)")
                #expect(reply["OCI-Subject"] == nil)
            }
            for accept in [nil, "*/*", "text/html", "\(Self.ociIndex);q=0.5, */*;q=0.1", type] as [String?] {
                for (method, reference) in [
                    ("GET", "v1"), ("HEAD", "v1"), ("GET", "\(digest)"), ("HEAD", "\(digest)"),
                ] {
                    let fields: KeyValuePairs<String, String> = accept.map { ["Accept": $0] } ?? [:]
                    let reply = try await client.send(method, "/v2/a/manifests/\(reference)", fields)
                    #expect(reply.status == 200)
                    #expect(reply["Content-Type"] == type)
                    #expect(reply["Content-Length"] == "\(bytes.count)")
                    #expect(reply["Docker-Content-Digest"] == "\(digest)")
                    #expect(reply["ETag"] == "\"\(digest)\"")
                    #expect(reply.content == (method == "GET" ? bytes : []))
                }
            }
        }
    }

    @Test("What a client has already is not sent again", arguments: Transport.allCases, ["GET", "HEAD"])
    func notModified(_ transport: Transport, method: String) async throws {
        try await withClient(transport) { client, _ in
            let (first, second) = (try ImageFixture("one"), try ImageFixture("two"))
            try await client.push(first, to: "a", as: "x")
            let known: KeyValuePairs = ["If-None-Match": "\"\(first.manifest.digest)\""]
            let same = try await client.send(method, "/v2/a/manifests/x", known)
            #expect(same.status == 304)
            #expect(same.content.isEmpty)
            try await client.push(second, to: "a", as: "x")
            let moved = try await client.send(method, "/v2/a/manifests/x", known)
            #expect(moved.status == 200)
            #expect(moved["Docker-Content-Digest"] == "\(second.manifest.digest)")
        }
    }

    @Test("A manifest under its digest in sha512", arguments: Transport.allCases)
    func sha512(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            try await client.push(Self.configuration, to: "a")
            try await client.push(Self.layer, to: "a")
            let bytes = Self.document(Self.ociManifest)
            let digest = Digest(of: bytes, algorithm: .sha512)
            let reply = try await put(client, bytes, Self.ociManifest, as: "\(digest)")
            #expect(reply.status == 201)
            #expect(reply["Docker-Content-Digest"] == "\(digest)")
            let back = try await client.send("GET", "/v2/a/manifests/\(digest)")
            #expect(back.content == bytes)
            #expect(back["Docker-Content-Digest"] == "\(digest)")
        }
    }

    @Test("A subject is named in the reply, whether it is there or not", arguments: Transport.allCases)
    func subject(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(Self.configuration, to: "a")
            let artifact = try ManifestFixture.artifact(
                MediaType("application/x.test"),
                about: image.manifest.descriptor,
                configuration: Self.configuration,
                layers: []
            )
            let reply = try await put(client, artifact.bytes, Self.ociManifest, as: "\(artifact.digest)")
            #expect(reply.status == 201)
            #expect(reply["OCI-Subject"] == "\(image.manifest.digest)")
        }
    }

    // MARK: Types

    @Test("The type is the header's or the document's, and they agree", arguments: Transport.allCases)
    func types(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            try await client.push(Self.configuration, to: "a")
            try await client.push(Self.layer, to: "a")
            let accepted: [(header: String?, document: String?, stored: String)] = [
                (Self.ociManifest, nil, Self.ociManifest),
                (Self.dockerManifest, nil, Self.dockerManifest),
                (nil, Self.dockerManifest, Self.dockerManifest),
                (nil, nil, Self.ociManifest),
                ("\(Self.ociManifest); charset=utf-8", Self.ociManifest, Self.ociManifest),
                ("\(Self.ociManifest) ;x=y", nil, Self.ociManifest),
            ]
            for (header, document, stored) in accepted {
                let reply = try await put(client, Self.document(document), header)
                #expect(reply.status == 201, "\(header ?? "-") \(document ?? "-"): \(reply.text)")
                let type = try await client.send("HEAD", "/v2/a/manifests/x")["Content-Type"]
                #expect(type == stored, "\(header ?? "-") \(document ?? "-")")
            }
        }
    }

    @Test("Contradictory and outdated types are refused", arguments: Transport.allCases)
    func contradictions(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            try await client.push(Self.configuration, to: "a")
            try await client.push(Self.layer, to: "a")
            let refused: [(header: String?, document: String?)] = [
                (Self.dockerManifest, Self.ociManifest), (Self.ociIndex, Self.ociManifest),
                (Self.ociManifest, Self.ociIndex), (Self.ociIndex, nil), (Self.dockerList, nil),
                ("application/json", Self.ociManifest), ("x", Self.ociManifest), ("", Self.ociManifest),
                ("application/vnd.docker.distribution.manifest.v1+json", nil),
                ("application/vnd.docker.distribution.manifest.v1+prettyjws", nil),
            ]
            for (header, document) in refused {
                let reply = try await put(client, Self.document(document), header)
                #expect(reply.status == 400, "\(header ?? "-") \(document ?? "-")")
                #expect(reply.errorCode == "MANIFEST_INVALID", "\(header ?? "-") \(document ?? "-")")
            }
            #expect(try await client.send("GET", "/v2/a/manifests/x").status == 404)
        }
    }

    // MARK: What is no manifest

    static let notManifests: [(String, [UInt8])] = [
        ("nothing", []), ("white space", Array("  \n".utf8)), ("null", Array("null".utf8)),
        ("text", Array("hello".utf8)),
        ("array", Array("[]".utf8)), ("number", Array("1".utf8)), ("string", Array("\"x\"".utf8)),
        ("cut", Array("{\"schemaVersion\":2,\"config\":".utf8)), ("two documents", Array("{}{}".utf8)),
        ("NULs", [UInt8](repeating: 0, count: 100)),
        ("no UTF-8", [0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D]),
        ("deep arrays", [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)),
        ("deep objects", Array(String(repeating: "{\"a\":", count: 500_000).utf8)),
        (
            "deep and closed",
            Array((String(repeating: "[", count: 200_000) + String(repeating: "]", count: 200_000)).utf8)
        ),
        (
            "deep inside",
            Array("{\"schemaVersion\":2,\"x\":\(String(repeating: "[", count: 100_000))".utf8)
        ),
        ("schema 1", Array("{\"schemaVersion\":1,\"name\":\"a\",\"tag\":\"x\"}".utf8)),
        ("both", Array("{\"schemaVersion\":2,\"manifests\":[],\"layers\":[],\"config\":{}}".utf8)),
        ("layers alone", Array("{\"schemaVersion\":2,\"layers\":[]}".utf8)),
        ("wrong types", Array("{\"schemaVersion\":2,\"layers\":{},\"config\":[]}".utf8)),
        (
            "negative size",
            Array(
                "{\"config\":{\"mediaType\":\"a/b\",\"size\":-1,\"digest\":\"\(Digest(of: []))\"},\"layers\":[]}"
                    .utf8
            )
        ),
        (
            "huge size",
            Array(
                "{\"config\":{\"mediaType\":\"a/b\",\"size\":1e400,\"digest\":\"\(Digest(of: []))\"},\"layers\":[]}"
                    .utf8
            )
        ),
        (
            "no digest",
            Array(
                "{\"config\":{\"mediaType\":\"a/b\",\"size\":1,\"digest\":\"sha256:..\"},\"layers\":[]}".utf8
            )
        ),
    ]

    @Test(
        "What is no manifest is refused, and nothing of it kept",
        arguments: Transport.allCases,
        notManifests.indices
    )
    func garbage(_ transport: Transport, index: Int) async throws {
        let (name, bytes) = Self.notManifests[index]
        try await withClient(transport) { client, _ in
            let reply = try await put(client, bytes, Self.ociManifest)
            #expect(reply.status == 400, "\(name): \(reply.text)")
            #expect(reply.errorCode == "MANIFEST_INVALID", "\(name)")
            #expect(reply.content.count < 1000, "\(name)")
            #expect(try await client.send("GET", "/v2/a/tags/list").status == 404)
            #expect(try await client.send("GET", "/v2/").status == 200)
        }
    }

    @Test("Random damage to a manifest is refused or stored as it came", arguments: Transport.allCases)
    func damage(_ transport: Transport) async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        try await withClient(transport) { client, _ in
            try await client.push(Self.configuration, to: "a")
            try await client.push(Self.layer, to: "a")
            for _ in 1...60 {
                var bytes = Self.document(Self.ociManifest)
                for _ in 1...Int.random(in: 1...3, using: &random) {
                    let place = Int.random(in: bytes.indices, using: &random)
                    switch Int.random(in: 0...2, using: &random) {
                    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: bytes.remove(at: place)
                    default: bytes.removeLast(min(bytes.count - 1, Int.random(in: 1...40, using: &random)))
                    }
                }
                let reply = try await put(client, bytes, nil)
                switch reply.status {
                case 201:
                    #expect(
                        try await client.send("GET", "/v2/a/manifests/x").content == bytes,
                        "seed \(seed)"
                    )
                case 400: #expect(reply.errorCode == "MANIFEST_INVALID", "seed \(seed)")
                case 404: #expect(reply.errorCode == "MANIFEST_BLOB_UNKNOWN", "seed \(seed)")
                default: Issue.record("seed \(seed): \(reply.status) \(reply.text)")
                }
            }
        }
    }

    @Test("Artifacts of every kind come back byte for byte", arguments: Transport.allCases)
    func artifacts(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            try await client.push(Self.configuration, to: "a")
            try await client.push(Self.layer, to: "a")
            func descriptor(_ type: String, _ blob: BlobFixture) -> String {
                #"{"mediaType":"\#(type)","digest":"\#(blob.digest)","size":\#(blob.size)}"#
            }
            let documents = [
                // A Helm chart.
                #""mediaType":"\#(Self.ociManifest)","config":"#
                    + descriptor("application/vnd.cncf.helm.config.v1+json", Self.configuration)
                    + #","layers":["#
                    + descriptor("application/vnd.cncf.helm.chart.content.v1.tar+gzip", Self.layer) + "]",
                // A WebAssembly component, in the form of an artifact.
                #""mediaType":"\#(Self.ociManifest)","artifactType":"application/vnd.wasm.component.v1+wasm","config":"#
                    + descriptor("application/vnd.wasm.config.v0+json", Self.configuration) + #","layers":["#
                    + descriptor("application/wasm", Self.layer) + "]",
                // A Flatpak, whose labels are annotations of their own.
                #""mediaType":"\#(Self.ociManifest)","annotations":{"org.flatpak.ref":"app/x/y/z"},"config":"#
                    + descriptor("application/vnd.oci.image.config.v1+json", Self.configuration)
                    + #","layers":["#
                    + descriptor("application/vnd.oci.image.layer.v1.tar+gzip", Self.layer) + "]",
                // The artifact manifest that the specification had for a while.
                #""mediaType":"application/vnd.oci.artifact.manifest.v1+json","artifactType":"a/b","blobs":["#
                    + descriptor("application/x", Self.layer) + "]",
                // Something of somebody's own.
                #""mediaType":"application/vnd.example.thing+json","things":[1,{"x":null}]"#,
            ]
            for (number, document) in documents.enumerated() {
                let bytes = Array("{\"schemaVersion\":2,\(document)  }\n".utf8)
                let type = try #require(document.split(separator: "\"").dropFirst(2).first.map(String.init))
                let reply = try await put(client, bytes, type, as: "t\(number)")
                #expect(reply.status == 201, "\(reply.text)")
                let back = try await client.send("GET", "/v2/a/manifests/t\(number)")
                #expect(back.content == bytes && back["Content-Type"] == type)
                #expect(back["Docker-Content-Digest"] == "\(Digest(of: bytes))")
            }
        }
    }

    @Test(
        "Four mebibytes are a manifest, and a byte more is not",
        arguments: Transport.allCases,
        [false, true]
    )
    func size(_ transport: Transport, isChunked: Bool) async throws {
        try await withClient(transport) { client, _ in
            try await client.push(Self.configuration, to: "a")
            try await client.push(Self.layer, to: "a")
            for (size, status) in [(4 << 20, 201), (4 << 20 + 1, 413), (5 << 20, 413)] {
                var bytes = Self.document(Self.ociManifest)
                bytes += [UInt8](repeating: UInt8(ascii: " "), count: size - bytes.count)
                let reply = try await put(
                    client,
                    bytes,
                    Self.ociManifest,
                    as: "s\(size)",
                    isChunked: isChunked
                )
                #expect(reply.status == status, "\(size)")
                let back = try await client.send("GET", "/v2/a/manifests/s\(size)")
                if status == 201 {
                    #expect(back.content == bytes)
                } else {
                    #expect(reply.errorCode == "SIZE_INVALID")
                    #expect(back.status == 404)
                }
            }
        }
    }

    // MARK: References

    @Test("What a manifest refers to has to be there first", arguments: Transport.allCases)
    func missingReferences(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app", layers: [BlobFixture("one"), BlobFixture("two")])
            try await client.push(image.layers[0], to: "a")
            // In another repository it is not in this one.
            try await client.push(image.configuration, to: "b")
            let reply = try await put(client, image.manifest.bytes, Self.ociManifest)
            #expect(reply.status == 404)
            #expect(reply.errorCode == "MANIFEST_BLOB_UNKNOWN")
            let message = reply.errorMessage ?? ""
            #expect(
                message.contains("\(image.configuration.digest)")
                    && message.contains("\(image.layers[1].digest)")
            )
            #expect(!message.contains("\(image.layers[0].digest)"))
            #expect(try await client.send("GET", "/v2/a/manifests/x").status == 404)
            let index = try ManifestFixture.index([image.manifest.descriptor])
            let refused = try await put(client, index.bytes, Self.ociIndex)
            #expect(refused.status == 404)
            #expect(refused.errorCode == "MANIFEST_BLOB_UNKNOWN")
            try await client.push(image, to: "a")
            try await client.push(index, to: "a", as: "x")
        }
    }

    @Test("A layer that may not be distributed need not be there", arguments: Transport.allCases)
    func nonDistributable(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            try await client.push(Self.configuration, to: "a")
            let layer = BlobFixture("elsewhere")
            let bytes = Manifest.imageManifestBytes(
                configuration: Self.configuration.descriptor(.ociConfiguration),
                layers: [
                    layer.descriptor(
                        try MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")
                    )
                ],
                annotations: [:]
            )
            #expect(try await put(client, bytes, Self.ociManifest).status == 201)
        }
    }

    @Test("A manifest under a digest that is not its own is refused", arguments: Transport.allCases)
    func wrongDigest(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            try await client.push(Self.configuration, to: "a")
            try await client.push(Self.layer, to: "a")
            let bytes = Self.document(Self.ociManifest)
            for digest in ["\(Digest(of: []))", "md5:0123", "\(Digest(of: [], algorithm: .sha512))"] {
                let reply = try await put(client, bytes, Self.ociManifest, as: digest)
                #expect(reply.status == 400, "\(digest)")
                #expect(reply.errorCode == "DIGEST_INVALID", "\(digest)")
                #expect(try await client.send("GET", "/v2/a/manifests/\(digest)").status == 404)
            }
        }
    }

    // MARK: Deleting

    @Test("A tag can be moved and taken away, and the manifest stays", arguments: Transport.allCases)
    func deleteTag(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let (first, second) = (try ImageFixture("one"), try ImageFixture("two"))
            try await client.push(first, to: "a", as: "x")
            try await client.push(second, to: "a", as: "x")
            #expect(try await client.send("GET", "/v2/a/manifests/x").content == second.manifest.bytes)
            #expect(try await client.send("DELETE", "/v2/a/manifests/x").status == 202)
            let again = try await client.send("DELETE", "/v2/a/manifests/x")
            #expect(again.status == 404)
            #expect(again.errorCode == "MANIFEST_UNKNOWN")
            #expect(try await client.send("GET", "/v2/a/manifests/x").errorCode == "MANIFEST_UNKNOWN")
            for image in [first, second] {
                let reply = try await client.send("GET", "/v2/a/manifests/\(image.manifest.digest)")
                #expect(reply.content == image.manifest.bytes)
            }
        }
    }

    @Test("A manifest takes its tags with it", arguments: Transport.allCases)
    func deleteManifest(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let (image, other) = (try ImageFixture("one"), try ImageFixture("two"))
            for tag in ["x", "y"] { try await client.push(image, to: "a", as: tag) }
            try await client.push(other, to: "a", as: "z")
            let path = "/v2/a/manifests/\(image.manifest.digest)"
            #expect(try await client.send("DELETE", path).status == 202)
            #expect(try await client.send("DELETE", path).status == 404)
            #expect(try await client.send("GET", path).status == 404)
            #expect(try await client.send("GET", "/v2/a/tags/list").text == #"{"name":"a","tags":["z"]}"#)
            #expect(try await client.send("HEAD", "/v2/a/manifests/x").status == 404)
        }
    }

    @Test("A manifest that an index lists stays as long as the index", arguments: Transport.allCases)
    func deleteInUse(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("one")
            try await client.push(image, to: "a")
            let index = try ManifestFixture.index([image.manifest.descriptor])
            try await client.push(index, to: "a", as: "x")
            let path = "/v2/a/manifests/\(image.manifest.digest)"
            let refused = try await client.send("DELETE", path)
            #expect(refused.status == 409)
            #expect(refused.errorCode == "DENIED")
            #expect(refused.errorMessage?.contains("\(index.digest)") == true)
            #expect(try await client.send("DELETE", "/v2/a/manifests/\(index.digest)").status == 202)
            #expect(try await client.send("DELETE", path).status == 202)
        }
    }
}
