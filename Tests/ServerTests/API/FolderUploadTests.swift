import Archive
import Foundation
import OCI
import Registry
import TestSupport
import Testing

/// Root folders as archives, in whatever form they come.
@Suite("Uploads of folders")
struct FolderUploadTests {
    private enum Form: String, CaseIterable { case tar, gzip, zstd }

    private struct Reply: Decodable {
        let fileCount: Int?
        let executablePath: String
        let executableSize: Int
    }

    private struct Document: Decodable {
        struct Layer: Decodable {
            let mediaType: String
            let digest: String
            let size: Int
        }
        let layers: [Layer]
        let annotations: [String: String]
    }

    private static let program = ProgramFixture.bytes(.amd64, "in a folder")

    /// An archive of files.
    private static func archive(_ files: [(path: String, contents: [UInt8])]) throws -> [UInt8] {
        var archive: [UInt8] = []
        for (path, contents) in files {
            let entry = try TarEntry(.file(size: UInt64(contents.count)), path: path, mode: 0o644)
            let padding = [UInt8](repeating: 0, count: Tar.paddingSize(afterContentsOfSize: entry.size))
            archive += entry.header + contents + padding
        }
        return archive + Tar.end
    }

    private static func site() throws -> [UInt8] {
        var random = SplitMix(seed: 7)
        return try archive([
            ("bin/app", program), ("assets/page", Array("page".utf8)),
            ("assets/noise", random.bytes(300_000)),
        ])
    }

    private static func compressed(_ bytes: [UInt8], _ form: Form) async throws -> [UInt8] {
        let pool = WorkerPool(workerCount: 1)
        switch form {
        case .tar: return bytes
        case .gzip:
            let prefix = GzipPrefix()
            var stream = GzipStream(after: prefix, pool: pool)
            let chunks = try await stream.append(bytes)
            return prefix.bytes + Array((chunks + (try await stream.finish())).joined())
        case .zstd:
            var stream = ZstdStream(level: .fast, pool: pool)
            let chunks = try await stream.append(bytes)
            return Array((chunks + (try await stream.finish())).joined())
        }
    }

    @Test(
        "tar, gzip and zstd become the same image, with a length and without",
        arguments: Transport.allCases
    )
    func forms(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            var digests: Set<String> = []
            for form in Form.allCases {
                let content = try await Self.compressed(try Self.site(), form)
                for isChunked in [false, true] {
                    let target = "/team/site:\(form)-\(isChunked)?entrypoint=/bin/app"
                    let reply = try await client.send("PUT", target, content: content, isChunked: isChunked)
                    #expect(reply.status == 201, "\(reply.text)")
                    #expect(reply.text.contains("\nfiles     3, of which /bin/app runs\n"), "\(reply.text)")
                    digests.insert(try #require(reply["Docker-Content-Digest"]))
                }
            }
            #expect(digests.count == 1)
            #expect(try test.contents(of: "uploads").isEmpty)
            let manifest = try await client.send("GET", "/v2/team/site/manifests/tar-true")
            let document = try JSONDecoder().decode(Document.self, from: Data(manifest.content))
            #expect(document.annotations["berth.executable-path"] == "/bin/app")
            #expect(document.annotations["berth.executable"] == "\(Digest(of: Self.program))")
            let layer = try #require(document.layers.first)
            #expect(document.layers.count == 1)
            let blob = try await client.send("GET", "/v2/team/site/blobs/\(layer.digest)")
            var stream = InflateStream()
            var reader = TarReader()
            var files: [String: [UInt8]] = [:]
            var last = ""
            stream.append(blob.content)
            while let chunk = try stream.next() {
                for event in try reader.append(chunk) {
                    switch event {
                    case .member(let header): last = header.path
                    case .contents(let bytes): files[last, default: []] += bytes
                    }
                }
            }
            try reader.finish()
            #expect(files["bin/app"] == Self.program)
            #expect(files["assets/page"] == Array("page".utf8))
            #expect(files["assets/noise"]?.count == 300_000)
        }
    }

    @Test("JSON tells how many files there are, and which one runs")
    func json() async throws {
        try await withClient(.inProcess) { client, _ in
            let fields: KeyValuePairs = ["Accept": "application/json"]
            let folder = try await client.send(
                "PUT",
                "/site?entrypoint=/bin/app",
                fields,
                content: try Self.site()
            )
            let reply = try JSONDecoder().decode(Reply.self, from: Data(folder.content))
            #expect(reply.fileCount == 3)
            #expect(reply.executablePath == "/bin/app")
            #expect(reply.executableSize == Self.program.count)
            // A program stays one, whatever its entry point.
            let program = try await client.send(
                "PUT",
                "/app?entrypoint=/app&entrypoint=serve",
                fields,
                content: Self.program
            )
            #expect(program.status == 201, "\(program.text)")
            let alone = try JSONDecoder().decode(Reply.self, from: Data(program.content))
            #expect(alone.fileCount == nil)
            #expect(alone.executablePath == "/app")
        }
    }

    private static let types = [
        ("compress=zstd", MediaType.ociLayerZstd), ("compress=none", .ociLayer),
        ("level=best", .ociLayerGzip),
    ]

    @Test("Layers have the type that was asked for", arguments: types)
    func compression(option: String, type: MediaType) async throws {
        try await withClient(.inProcess) { client, _ in
            for (target, content) in [
                ("/site?entrypoint=/bin/app&", try Self.site()), ("/app?", Self.program),
            ] {
                let reply = try await client.send("PUT", target + option, content: content)
                #expect(reply.status == 201, "\(reply.text)")
                let name = target.dropFirst().prefix { $0 != "?" }
                let manifest = try await client.send("GET", "/v2/\(name)/manifests/latest")
                let document = try JSONDecoder().decode(Document.self, from: Data(manifest.content))
                let layer = try #require(document.layers.first)
                #expect(layer.mediaType == type.rawValue)
                let blob = try await client.send("GET", "/v2/\(name)/blobs/\(layer.digest)")
                #expect(blob.content.count == layer.size)
            }
        }
    }

    @Test(
        "What becomes no image is refused with its status, and nothing of it is kept",
        arguments: [false, true]
    )
    func refusals(isChunked: Bool) async throws {
        let site = try Self.site()
        let gzip = try await Self.compressed(site, .gzip)
        let text = try await Self.compressed(Array("no archive".utf8), .gzip)
        let outside = try Self.archive([("bin/app", Self.program)])
        var damaged = site
        damaged[600 + Self.program.count] ^= 1
        let cases: [(query: String, content: [UInt8], status: Int, reason: String, message: String)] = [
            ("", site, 415, "tar", "?entrypoint=/PATH"), ("", gzip, 415, "gzip", "?entrypoint=/PATH"),
            ("?entrypoint=/bin/app", text, 415, "gzip", "holds no tar archive"),
            ("?entrypoint=/bin/app", Array(gzip.dropLast(9)), 422, "cut-short", "cut off on the way"),
            ("?entrypoint=/bin/app", Array(site.dropLast(2_000)), 422, "cut-short", "cut off on the way"),
            ("?entrypoint=/app", outside, 422, "entrypoint", "there is no /app"),
            ("?entrypoint=/assets/page", site, 415, "text", "/assets/page: "),
            ("?entrypoint=/bin/app", Array("#!/bin/sh\n".utf8), 415, "script", "/bin/sh"),
        ]
        try await withClient(.inProcess) { client, test in
            for (query, content, status, reason, message) in cases {
                let reply = try await client.send(
                    "PUT",
                    "/site\(query)",
                    ["Accept": "application/json"],
                    content: content,
                    isChunked: isChunked
                )
                #expect(reply.status == status, "\(reply.text)")
                #expect(reply.text.contains("\"reason\":\"\(reason)\""), "\(reply.text)")
                #expect(reply.text.contains(message), "\(reply.text)")
            }
            #expect(try await client.send("GET", "/v2/site/tags/list").status == 404)
            #expect(try test.contents(of: "uploads").isEmpty)
        }
    }

    @Test(
        "The limit of an upload holds for what it becomes when it is decompressed",
        arguments: [Form.gzip, .zstd]
    )
    private func bomb(form: Form) async throws {
        let zeros = try Self.archive([("zeros", [UInt8](repeating: 0, count: 3_000_000))])
        let content = try await Self.compressed(zeros, form)
        #expect(content.count < 20_000)
        let policy = RegistryPolicy(maximumUploadSize: 1_000_000)
        try await withClient(.inProcess, policy: policy) { client, test in
            let reply = try await client.send("PUT", "/site?entrypoint=/zeros", content: content)
            #expect(reply.status == 413, "\(reply.text)")
            #expect(try test.contents(of: "uploads").isEmpty)
        }
    }
}
