import Archive
import Foundation
import OCI
import TestSupport
import Testing

/// The executable that an image was made of, again.
@Suite("GET of an image's executable")
struct ExecutableTests {
    /// Ten bytes, so that parts can be written down.
    private static let digits = Array("0123456789".utf8)

    @Test(
        "The program comes back as it went in, with what clients need to know",
        arguments: Transport.allCases
    )
    func whole(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let program = ProgramFixture.bytes(.amd64, String(repeating: "x", count: 300_000))
            let digest = Digest(of: program)
            let made = try await client.send("PUT", "/team/app:1.0", content: program)
            #expect(made.status == 201)
            let image = try #require(made["Docker-Content-Digest"])
            for target in [
                "/team/app:1.0?file", "/team/app@\(image)?file", "/team/app:1.0/?file&platform=linux/amd64",
            ] {
                for method in ["GET", "HEAD"] {
                    let reply = try await client.send(method, target)
                    #expect(reply.status == 200, "\(reply.text)")
                    #expect(reply.content == (method == "GET" ? program : []))
                    #expect(reply["Content-Length"] == "\(program.count)")
                    #expect(reply["Content-Type"] == "application/octet-stream")
                    #expect(reply["Content-Disposition"] == "attachment; filename=\"app\"")
                    #expect(reply["ETag"] == "\"\(digest)\"")
                    #expect(reply["Accept-Ranges"] == "bytes")
                    #expect(reply["Content-Encoding"] == nil)
                    let isFixed = target.contains("@")
                    #expect(reply["Cache-Control"] == (isFixed ? "max-age=31536000, immutable" : "no-cache"))
                    let hash = try #require(Self.bytes(digest.encoded))
                    #expect(reply["Repr-Digest"] == "sha-256=:\(Data(hash).base64EncodedString()):")
                }
            }
        }
    }

    private static func bytes(_ digits: String) -> [UInt8]? {
        let digits = Array(digits)
        let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16)
        }
        return bytes.count == 32 ? bytes : nil
    }

    @Test(
        "Part of the program, in whatever form its layer is",
        arguments: [StreamCompression.gzip, .zstd, .none],
        [
            ("bytes=0-0", 206, 0..<1), ("bytes=0-9", 206, 0..<10), ("bytes=3-5", 206, 3..<6),
            ("bytes=5-", 206, 5..<10), ("bytes=-3", 206, 7..<10), ("bytes=-30", 206, 0..<10),
            ("bytes=8-30", 206, 8..<10), ("bytes=10-", 416, 0..<0), ("bytes=-0", 416, 0..<0),
            ("bytes=0-1,3-4", 200, 0..<10), ("bytes=x", 200, 0..<10), ("lines=1-2", 200, 0..<10),
        ] as [(String, Int, Range<Int>)]
    )
    func parts(
        _ compression: StreamCompression,
        _ expected: (range: String, status: Int, bytes: Range<Int>)
    ) async throws {
        for transport in Transport.allCases {
            try await withClient(transport) { client, _ in
                try await client.push(ExecutableImageFixture(Self.digits, compression), to: "app", as: "x")
                let reply = try await client.send("GET", "/app:x?file", ["Range": expected.range])
                #expect(reply.status == expected.status)
                switch expected.status {
                case 206:
                    let (first, last) = (expected.bytes.lowerBound, expected.bytes.upperBound - 1)
                    #expect(reply["Content-Range"] == "bytes \(first)-\(last)/10")
                    #expect(reply["Content-Length"] == "\(expected.bytes.count)")
                    #expect(reply.content == Array(Self.digits[expected.bytes]))
                case 416: #expect(reply["Content-Range"] == "bytes */10")
                default: #expect(reply.content == Self.digits && reply["Content-Range"] == nil)
                }
                let head = try await client.send("HEAD", "/app:x?file", ["Range": expected.range])
                #expect(head.status == 200 && head["Content-Length"] == "10")
            }
        }
    }

    @Test(
        "A client that resumes or asks again is told whether the program is the same",
        arguments: Transport.allCases
    )
    func conditions(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            try await client.push(ExecutableImageFixture(Self.digits, .gzip), to: "app", as: "x")
            let tag = "\"\(Digest(of: Self.digits))\""
            for (match, status) in [(tag, 304), ("W/\(tag)", 304), ("*", 304), ("\"other\"", 200)] {
                for method in ["GET", "HEAD"] {
                    let reply = try await client.send(method, "/app:x?file", ["If-None-Match": match])
                    #expect(reply.status == status && reply["ETag"] == tag, "\(method) \(match)")
                }
            }
            for (condition, status) in [(tag, 206), ("W/\(tag)", 200), ("\"other\"", 200)] {
                let reply = try await client.send(
                    "GET",
                    "/app:x?file",
                    ["Range": "bytes=4-", "If-Range": condition]
                )
                #expect(reply.status == status, "\(condition)")
                #expect(reply.content == (status == 206 ? Array(Self.digits[4...]) : Self.digits))
            }
        }
    }

    @Test("Any part of any program is what was sent, in whatever form its layer is")
    func random() async throws {
        let seed = TestSeed.current
        var random = seed.random(11)
        try await withClient(.inProcess) { client, _ in
            for number in 0..<16 {
                // Around the sizes of blocks, portions and chunks, and anywhere.
                let edge = random.pick([0, 512, 131_072, 262_144])
                let size = max(
                    1,
                    edge + Int.random(in: -3...3, using: &random) + (random.once(in: 3) ? 40_001 : 0)
                )
                let program = random.once(in: 2) ? random.bytes(size) : [UInt8](repeating: 7, count: size)
                let compression = random.pick([StreamCompression.gzip, .zstd, .none])
                try await client.push(
                    ExecutableImageFixture(program, compression),
                    to: "app",
                    as: "n\(number)"
                )
                let whole = try await client.send("GET", "/app:n\(number)?file")
                #expect(whole.content == program, "\(seed): \(number) \(size) \(compression)")
                for _ in 1...4 {
                    let first = Int.random(in: 0..<size, using: &random)
                    let last = Int.random(in: first..<size, using: &random)
                    let reply = try await client.send(
                        "GET",
                        "/app:n\(number)?file",
                        ["Range": "bytes=\(first)-\(last)"]
                    )
                    #expect(
                        reply.status == 206 && reply.content == Array(program[first...last]),
                        "\(seed): \(number) \(size) \(compression) \(first)-\(last)"
                    )
                }
            }
        }
    }

    @Test(
        "Of an index one platform has to be picked, unless there is one alone",
        arguments: Transport.allCases
    )
    func platforms(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let programs = [("linux/amd64", Self.digits), ("linux/arm/v6", [6]), ("linux/arm/v7", [7, 7])]
            var descriptors: [OCI.Descriptor] = []
            for (name, program) in programs {
                let platform = try #require(Platform(name))
                let image = try ExecutableImageFixture(program, .gzip, platform: platform)
                try await client.push(image, to: "app")
                descriptors.append(image.descriptor(platform))
            }
            // What builders list beside the images is none.
            let empty = BlobFixture("{}")
            try await client.push(empty, to: "app")
            let attestation = try ManifestFixture.artifact(
                MediaType("application/x.y"),
                about: descriptors[0],
                configuration: empty
            )
            try await client.push(attestation, to: "app")
            var listed = attestation.descriptor
            listed.platform = Platform(os: "unknown", architecture: "unknown")
            try await client.push(ManifestFixture.index(descriptors + [listed]), to: "app", as: "all")
            try await client.push(ManifestFixture.index([descriptors[0], listed]), to: "app", as: "one")
            for (query, status, content) in [
                ("platform=linux/amd64", 200, Self.digits), ("platform=linux/arm/v6", 200, [6]),
                ("platform=linux/arm/v7", 200, [7, 7]), ("platform=linux/amd64/v1", 200, Self.digits),
                ("platform=linux/arm", 400, []), ("platform=linux/arm64", 404, []), ("", 400, []),
                ("platform=unknown/unknown", 404, []),
            ] as [(String, Int, [UInt8])] {
                let reply = try await client.send("GET", "/app:all?file&\(query)")
                #expect(reply.status == status, "\(query): \(reply.text)")
                if status == 200 { #expect(reply.content == content, "\(query)") }
                if status == 400 {
                    #expect(reply.text.contains("linux/arm/v6, linux/arm/v7"), "\(reply.text)")
                }
                if query.isEmpty { #expect(reply.text.contains("linux/amd64, linux/arm/v6, linux/arm/v7\n")) }
            }
            #expect(try await client.send("GET", "/app:one?file").content == Self.digits)
        }
    }

    @Test("HEAD does not look into the layer")
    func head() async throws {
        try await withRegistry { test in
            let client = InProcessClient(test.registry)
            let image = try ExecutableImageFixture(Self.digits, .gzip)
            try await client.push(image, to: "app", as: "x")
            let path = test.folder.file("blobs/sha256/\(image.layer.digest.encoded)")
            let before = test.files.calls.count { $0.path == path }
            #expect(try await client.send("HEAD", "/app:x?file").status == 200)
            #expect(test.files.calls.count { $0.path == path } == before)
        }
    }

    @Test("An image that was made otherwise has no such file, and the reply says what there is instead")
    func notPackaged() async throws {
        try await withClient(.inProcess) { client, _ in
            try await client.push(ImageFixture("other"), to: "app", as: "other")
            var claims = ExecutableImageFixture.Claims()
            claims.layers = 2
            try await client.push(
                ExecutableImageFixture(Self.digits, .gzip, claims: claims),
                to: "app",
                as: "two"
            )
            for tag in ["other", "two"] {
                for method in ["GET", "HEAD"] {
                    let reply = try await client.send(method, "/app:\(tag)?file")
                    #expect(reply.status == 404)
                    if method == "GET" { #expect(reply.text.contains("docker cp"), "\(reply.text)") }
                }
            }
        }
    }

    @Test(
        "A manifest that lies about its layer is found out before anything is sent",
        arguments: ["path", "size", "no archive", "damaged", "empty", "zeros", "bomb"]
    )
    func lies(kind: String) async throws {
        try await withClient(.inProcess) { client, _ in
            var claims = ExecutableImageFixture.Claims()
            let archive = try ExecutableImageFixture.archive([("app", Self.digits)])
            var layer = ExecutableImageFixture.compress(archive, .gzip)
            switch kind {
            case "path": claims.path = "/other"
            case "size": claims.size = 11
            case "no archive": layer = Array("hello, world, this is no archive".utf8)
            case "damaged": layer[12] ^= 0xFF
            case "empty": layer = []
            case "zeros": layer = [UInt8](repeating: 0, count: 4096)
            default:
                layer = ExecutableImageFixture.compress(
                    [UInt8](repeating: 0, count: 8 << 20),
                    .gzip
                )
            }
            try await client.push(
                ExecutableImageFixture(layer: layer, program: Self.digits, claims: claims),
                to: "app",
                as: "x"
            )
            for range in ["bytes=0-", "bytes=5-5"] {
                let reply = try await client.send("GET", "/app:x?file", ["Range": range])
                #expect(reply.status == 404, "\(reply.text)")
                #expect(reply.text.contains("does not hold"), "\(reply.text)")
            }
        }
    }

    @Test(
        "Annotations that mean nothing make no executable",
        arguments: [
            ("berth.executable-size", "-1"), ("berth.executable-size", "99999999999999999999"),
            ("berth.executable-size", "+5"),
            ("berth.executable-size", ""), ("berth.executable", "sha256:x"),
            ("berth.executable", "blake3:abc"),
            ("berth.executable-path", "app"), ("berth.executable-path", ""),
        ]
    )
    func annotations(key: String, value: String) async throws {
        try await withClient(.inProcess) { client, _ in
            let image = try ExecutableImageFixture(Self.digits, .gzip)
            var annotations = image.manifest.manifest.annotations
            annotations[key] = value
            for blob in [image.configuration, image.layer] { try await client.push(blob, to: "app") }
            let manifest = try ManifestFixture(
                Manifest.imageManifestBytes(
                    configuration: image.configuration.descriptor(.ociConfiguration),
                    layers: [image.layer.descriptor(.ociLayer)],
                    annotations: annotations
                )
            )
            try await client.push(manifest, to: "app", as: "x")
            #expect(try await client.send("GET", "/app:x?file").status == 404)
            #expect(try await client.send("GET", "/app:x").status == 200)
        }
    }

    @Test(
        "A name that no header may hold is proposed in another spelling",
        arguments: [
            ("/a\"b", #"attachment; filename="a_b"; filename*=UTF-8''a%22b"#),
            ("/dir/x", #"attachment; filename="x""#),
            ("/ä\r\nX: y", #"attachment; filename="___X: y"; filename*=UTF-8''%C3%A4%0D%0AX%3A%20y"#),
        ]
    )
    func disposition(path: String, expected: String) async throws {
        try await withClient(.inProcess) { client, _ in
            var claims = ExecutableImageFixture.Claims()
            claims.path = path
            try await client.push(
                ExecutableImageFixture(Self.digits, .gzip, claims: claims),
                to: "app",
                as: "x"
            )
            #expect(try await client.send("HEAD", "/app:x?file")["Content-Disposition"] == expected)
        }
    }
}
