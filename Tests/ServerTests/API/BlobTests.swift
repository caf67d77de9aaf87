import OCI
import TestSupport
import Testing

/// Blobs as clients see them: whole, in parts, by HEAD, and gone.
@Suite("Blobs")
struct BlobTests {
    /// More than is read or sent at once.
    static let large = {
        var random = SplitMix(seed: 1)
        return BlobFixture(random.bytes(1_300_007))
    }()

    @Test("A blob comes back as it went in, with what clients need to know", arguments: Transport.allCases)
    func whole(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            for blob in [BlobFixture("hello"), BlobFixture([]), BlobFixture("{}"), Self.large] {
                try await client.push(blob, to: "a/b")
                for method in ["GET", "HEAD"] {
                    let reply = try await client.send(method, "/v2/a/b/blobs/\(blob.digest)")
                    #expect(reply.status == 200)
                    #expect(reply.content == (method == "GET" ? blob.bytes : []))
                    #expect(reply["Content-Length"] == "\(blob.size)")
                    #expect(reply["Content-Type"] == "application/octet-stream")
                    #expect(reply["Docker-Content-Digest"] == "\(blob.digest)")
                    #expect(reply["ETag"] == "\"\(blob.digest)\"")
                    #expect(reply["Accept-Ranges"] == "bytes")
                    #expect(reply["Content-Encoding"] == nil)
                    #expect(reply["Docker-Distribution-Api-Version"] == "registry/2.0")
                }
            }
        }
    }

    @Test("What the kernel sends is looked for in memory before, so that no event loop waits for the disk")
    func readAhead() async throws {
        try await withServer { server in
            let blob = TimeLimitTests.large
            try await server.direct.push(blob, to: "a")
            let path = server.test.folder.file("blobs/sha256/\(blob.digest.encoded)")
            for (range, pieces) in [(nil, 3), ("bytes=1-", 3), ("bytes=4194304-8388607", 1)]
                as [(String?, Int)]
            {
                let before = server.test.files.calls.count { $0.operation == .holds && $0.path == path }
                let fields: KeyValuePairs<String, String> = if let range { ["Range": range] } else { [:] }
                let reply = try await server.client.send("GET", "/v2/a/blobs/\(blob.digest)", fields)
                let expected: ArraySlice<UInt8> =
                    switch range {
                    case nil: blob.bytes[...]
                    case "bytes=1-": blob.bytes[1...]
                    default: blob.bytes[4_194_304...8_388_607]
                    }
                #expect(reply.content == Array(expected))
                let after = server.test.files.calls.count { $0.operation == .holds && $0.path == path }
                #expect(after - before == pieces)
            }
        }
    }

    @Test(
        "Part of a blob",
        arguments: Transport.allCases,
        [
            ("bytes=0-0", 206, 0..<1), ("bytes=0-9", 206, 0..<10), ("bytes=3-5", 206, 3..<6),
            ("bytes=5-", 206, 5..<10), ("bytes=-3", 206, 7..<10), ("bytes=-30", 206, 0..<10),
            ("bytes=8-30", 206, 8..<10), ("bytes=10-", 416, 0..<0), ("bytes=-0", 416, 0..<0),
            ("bytes=99999999999999999999-", 416, 0..<0), ("bytes=0-1,3-4", 200, 0..<10),
            ("bytes=x", 200, 0..<10),
            ("bytes=5-3", 416, 0..<0), ("lines=1-2", 200, 0..<10),
        ] as [(String, Int, Range<Int>)]
    )
    func parts(
        _ transport: Transport,
        _ expected: (range: String, status: Int, bytes: Range<Int>)
    ) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("0123456789")
            try await client.push(blob, to: "a")
            let reply = try await client.send("GET", "/v2/a/blobs/\(blob.digest)", ["Range": expected.range])
            #expect(reply.status == expected.status)
            switch expected.status {
            case 206:
                let (first, last) = (expected.bytes.lowerBound, expected.bytes.upperBound - 1)
                #expect(reply["Content-Range"] == "bytes \(first)-\(last)/10")
                #expect(reply.content == Array(blob.bytes[expected.bytes]))
                #expect(reply["Docker-Content-Digest"] == "\(blob.digest)")
            case 416:
                #expect(reply["Content-Range"] == "bytes */10")
                #expect(reply.errorCode == "SIZE_INVALID")
            default:
                #expect(reply["Content-Range"] == nil)
                #expect(reply.content == blob.bytes)
            }
        }
    }

    @Test("Large parts, at any place", arguments: Transport.allCases)
    func largeParts(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            try await client.push(Self.large, to: "a")
            let size = Self.large.bytes.count
            for part in [1..<(size - 1), 512 * 1024..<size, (size - 1)..<size, 0..<(512 * 1024)] {
                let range = "bytes=\(part.lowerBound)-\(part.upperBound - 1)"
                let reply = try await client.send("GET", "/v2/a/blobs/\(Self.large.digest)", ["Range": range])
                #expect(reply.status == 206)
                #expect(reply.content == Array(Self.large.bytes[part]))
            }
        }
    }

    @Test("A part of what the client has is given, and all of anything else", arguments: Transport.allCases)
    func ifRange(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("0123456789")
            try await client.push(blob, to: "a")
            for (tag, status) in [
                ("\"\(blob.digest)\"", 206), ("\"\(Digest(of: [1]))\"", 200), ("W/\"\(blob.digest)\"", 200),
                ("Sat, 29 Oct 1994 19:43:31 GMT", 200),
            ] {
                let reply = try await client.send(
                    "GET",
                    "/v2/a/blobs/\(blob.digest)",
                    ["Range": "bytes=1-2", "If-Range": tag]
                )
                #expect(reply.status == status, "\(tag)")
                #expect(reply.content == (status == 206 ? Array("12".utf8) : blob.bytes))
            }
        }
    }

    @Test("What a client has already is not sent again", arguments: Transport.allCases, ["GET", "HEAD"])
    func notModified(_ transport: Transport, method: String) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("0123456789")
            try await client.push(blob, to: "a")
            for (tag, status) in [
                ("\"\(blob.digest)\"", 304), ("*", 304), ("W/\"\(blob.digest)\", \"x\"", 304), ("\"x\"", 200),
            ] {
                let reply = try await client.send(
                    method,
                    "/v2/a/blobs/\(blob.digest)",
                    ["If-None-Match": tag]
                )
                #expect(reply.status == status, "\(tag)")
                #expect(reply["ETag"] == "\"\(blob.digest)\"")
                #expect(reply["Docker-Content-Digest"] == "\(blob.digest)")
                if status == 304 { #expect(reply.content.isEmpty) }
            }
        }
    }

    @Test("A blob that is not there", arguments: Transport.allCases)
    func unknown(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("hello")
            try await client.push(blob, to: "a")
            for path in [
                "/v2/a/blobs/\(Digest(of: [1]))", "/v2/b/blobs/\(blob.digest)",
                "/v2/a/b/blobs/\(blob.digest)",
                "/v2/a/blobs/md5:abc", "/v2/a/blobs/\(Digest(of: Array("hello".utf8), algorithm: .sha512))",
            ] {
                let reply = try await client.send("GET", path)
                #expect(reply.status == 404, "\(path)")
                #expect(reply.errorCode == "BLOB_UNKNOWN", "\(path)")
                let head = try await client.send("HEAD", path)
                #expect(head.status == 404, "\(path)")
                #expect(head.content.isEmpty, "\(path)")
            }
        }
    }

    @Test("A deleted blob is gone from its repository, and from no other", arguments: Transport.allCases)
    func delete(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let blob = BlobFixture("hello")
            try await client.push(blob, to: "a")
            try await client.push(blob, to: "b")
            #expect(try await client.send("DELETE", "/v2/a/blobs/\(blob.digest)").status == 202)
            #expect(try await client.send("HEAD", "/v2/a/blobs/\(blob.digest)").status == 404)
            #expect(try await client.send("HEAD", "/v2/b/blobs/\(blob.digest)").status == 200)
            let again = try await client.send("DELETE", "/v2/a/blobs/\(blob.digest)")
            #expect(again.status == 404)
            #expect(again.errorCode == "BLOB_UNKNOWN")
            #expect(try await client.send("DELETE", "/v2/b/blobs/\(blob.digest)").status == 202)
            #expect(try test.contents(of: "blobs/sha256").isEmpty)
            try await client.push(blob, to: "a")
            #expect(try await client.send("GET", "/v2/a/blobs/\(blob.digest)").content == blob.bytes)
        }
    }

    @Test("A blob that a manifest refers to stays", arguments: Transport.allCases)
    func deleteInUse(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(image, to: "a", as: "latest")
            for blob in image.blobs {
                let reply = try await client.send("DELETE", "/v2/a/blobs/\(blob.digest)")
                #expect(reply.status == 409)
                #expect(reply.errorCode == "DENIED")
                #expect(try await client.send("HEAD", "/v2/a/blobs/\(blob.digest)").status == 200)
            }
            let manifest = try await client.send("DELETE", "/v2/a/manifests/\(image.manifest.digest)")
            #expect(manifest.status == 202)
            for blob in image.blobs {
                #expect(try await client.send("DELETE", "/v2/a/blobs/\(blob.digest)").status == 202)
            }
        }
    }
}
