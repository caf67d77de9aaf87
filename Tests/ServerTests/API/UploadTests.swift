import OCI
import Registry
import TestSupport
import Testing

/// Upload sessions from beginning to end.
@Suite("Uploads")
struct UploadTests {
    /// Holds that a reply tells where a session stands.
    private func expect(_ reply: TestReply, stands offset: Int, at location: String, status: Int) {
        #expect(reply.status == status)
        #expect(reply["Location"] == location)
        // Inclusive, and never 0--1.
        #expect(reply["Range"] == "0-\(max(0, offset - 1))")
        #expect(reply["Docker-Upload-UUID"].map { location.hasSuffix("/\($0)") } == true)
    }

    private func expectPushed(_ reply: TestReply, _ digest: Digest, in repository: String) {
        #expect(reply.status == 201, "\(reply.text)")
        #expect(reply["Location"] == "/v2/\(repository)/blobs/\(digest)")
        #expect(reply["Docker-Content-Digest"] == "\(digest)")
        #expect(reply["Content-Length"] == "0")
    }

    @Test("A blob in chunks, as docker and skopeo push it", arguments: Transport.allCases, [false, true])
    func chunks(_ transport: Transport, isChunked: Bool) async throws {
        try await withClient(transport) { client, test in
            var random = SplitMix(seed: 2)
            let parts = [random.bytes(700_001), random.bytes(1), random.bytes(90_000)]
            let blob = BlobFixture(parts.flatMap { $0 })
            let start = try await client.send("POST", "/v2/a/b/blobs/uploads/", content: [])
            let location = try start.location()
            #expect(location.hasPrefix("/v2/a/b/blobs/uploads/"))
            expect(start, stands: 0, at: location, status: 202)
            var offset = 0
            for part in parts {
                let reply = try await client.send("PATCH", location, content: part, isChunked: isChunked)
                offset += part.count
                expect(reply, stands: offset, at: location, status: 202)
                expect(try await client.send("GET", location), stands: offset, at: location, status: 204)
            }
            expect(try await client.send("HEAD", location), stands: offset, at: location, status: 204)
            let end = try await client.send("PUT", "\(location)?digest=\(blob.digest)", content: [])
            expectPushed(end, blob.digest, in: "a/b")
            #expect(try await client.send("GET", "/v2/a/b/blobs/\(blob.digest)").content == blob.bytes)
            #expect(try await client.send("GET", location).errorCode == "BLOB_UPLOAD_UNKNOWN")
            #expect(try test.contents(of: "uploads").isEmpty)
        }
    }

    @Test("The closing PUT may bring the last chunk, or all of it", arguments: Transport.allCases)
    func closingContent(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("hello world")
            for (first, last) in [("", "hello world"), ("hello ", "world"), ("hello world", "")] {
                for isChunked in [false, true] {
                    let location = try await client.openUpload(in: "a")
                    if !first.isEmpty {
                        _ = try await client.send("PATCH", location, content: Array(first.utf8))
                    }
                    let reply = try await client.send(
                        "PUT",
                        "\(location)?digest=\(blob.digest)",
                        content: Array(last.utf8),
                        isChunked: isChunked
                    )
                    expectPushed(reply, blob.digest, in: "a")
                }
            }
        }
    }

    @Test("Chunks with their places", arguments: Transport.allCases)
    func contentRange(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("0123456789")
            let location = try await client.openUpload(in: "a")
            for (range, text) in [("0-2", "012"), ("3-3", "3"), ("4-6", "456")] {
                let reply = try await client.send(
                    "PATCH",
                    location,
                    ["Content-Range": range],
                    content: Array(text.utf8)
                )
                #expect(reply.status == 202)
            }
            let reply = try await client.send(
                "PUT",
                "\(location)?digest=\(blob.digest)",
                ["Content-Range": "7-9"],
                content: Array("789".utf8)
            )
            expectPushed(reply, blob.digest, in: "a")
        }
    }

    @Test(
        "A chunk out of order is refused with where the session stands, and the client goes on from there",
        arguments: Transport.allCases,
        ["PATCH", "PUT"]
    )
    func outOfOrder(_ transport: Transport, method: String) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("0123456789")
            let location = try await client.openUpload(in: "a")
            let target = method == "PUT" ? "\(location)?digest=\(blob.digest)" : location
            for range in ["1-2", "5-6", "", "x", "0", "bytes 0-1/10", "2-1"] {
                let reply = try await client.send(
                    method,
                    target,
                    ["Content-Range": range],
                    content: Array("01".utf8)
                )
                expect(reply, stands: 0, at: location, status: 416)
                #expect(reply.errorCode == "BLOB_UPLOAD_INVALID", "\(range)")
            }
            _ = try await client.send(
                "PATCH",
                location,
                ["Content-Range": "0-4"],
                content: Array("01234".utf8)
            )
            for range in ["0-4", "4-8", "6-10"] {
                let reply = try await client.send(
                    method,
                    target,
                    ["Content-Range": range],
                    content: Array("01234".utf8)
                )
                expect(reply, stands: 5, at: location, status: 416)
            }
            let reply = try await client.send(
                "PUT",
                "\(location)?digest=\(blob.digest)",
                ["Content-Range": "5-9"],
                content: Array("56789".utf8)
            )
            expectPushed(reply, blob.digest, in: "a")
        }
    }

    @Test(
        "A chunk of another length than its place is refused",
        arguments: Transport.allCases,
        [false, true]
    )
    func wrongLength(_ transport: Transport, isChunked: Bool) async throws {
        try await withClient(transport) { client, _ in
            for range in ["0-3", "0-5"] {
                let location = try await client.openUpload(in: "a")
                let reply = try await client.send(
                    "PATCH",
                    location,
                    ["Content-Range": range],
                    content: Array("01234".utf8),
                    isChunked: isChunked
                )
                #expect(reply.status == 400)
                #expect(reply.errorCode == "SIZE_INVALID")
                #expect(try await client.send("GET", location).status == 204)
            }
        }
    }

    @Test("A session can be cancelled, once", arguments: Transport.allCases)
    func cancel(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let location = try await client.openUpload(in: "a")
            _ = try await client.send("PATCH", location, content: [1, 2, 3])
            #expect(try await client.send("DELETE", location).status == 204)
            #expect(try test.contents(of: "uploads").isEmpty)
            for method in ["DELETE", "GET", "PATCH", "PUT"] {
                let target = method == "PUT" ? "\(location)?digest=\(Digest(of: []))" : location
                let reply = try await client.send(method, target, content: method == "GET" ? nil : [])
                #expect(reply.status == 404, "\(method)")
                #expect(reply.errorCode == (method == "HEAD" ? nil : "BLOB_UPLOAD_UNKNOWN"), "\(method)")
            }
        }
    }

    @Test("A whole blob in one request", arguments: Transport.allCases, [false, true])
    func monolithic(_ transport: Transport, isChunked: Bool) async throws {
        try await withClient(transport) { client, test in
            for blob in [
                BlobFixture("hello"), BlobFixture([]), BlobFixture("x", algorithm: .sha512), BlobTests.large,
            ] {
                let reply = try await client.send(
                    "POST",
                    "/v2/a/blobs/uploads/?digest=\(blob.digest)",
                    content: blob.bytes,
                    isChunked: isChunked
                )
                expectPushed(reply, blob.digest, in: "a")
                #expect(try await client.send("GET", "/v2/a/blobs/\(blob.digest)").content == blob.bytes)
            }
            #expect(try test.contents(of: "uploads").isEmpty)
        }
    }

    @Test("Content of another digest is refused, and nothing of it kept", arguments: Transport.allCases)
    func wrongDigest(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let blob = BlobFixture("hello")
            let monolithic = try await client.send(
                "POST",
                "/v2/a/blobs/uploads/?digest=\(blob.digest)",
                content: Array("jello".utf8)
            )
            #expect(monolithic.status == 400)
            #expect(monolithic.errorCode == "DIGEST_INVALID")
            let location = try await client.openUpload(in: "a")
            _ = try await client.send("PATCH", location, content: Array("jello".utf8))
            let closing = try await client.send("PUT", "\(location)?digest=\(blob.digest)", content: [])
            #expect(closing.status == 400)
            #expect(closing.errorCode == "DIGEST_INVALID")
            // What the digest is instead helps whoever looks for the reason.
            #expect(closing.errorMessage?.contains("\(Digest(of: Array("jello".utf8)))") == true)
            #expect(try await client.send("GET", location).errorCode == "BLOB_UPLOAD_UNKNOWN")
            #expect(try await client.send("HEAD", "/v2/a/blobs/\(blob.digest)").status == 404)
            #expect(try test.contents(of: "uploads").isEmpty)
            #expect(try test.contents(of: "blobs/sha256").isEmpty)
        }
    }

    @Test("A digest that is none, or none, leaves the session as it was", arguments: Transport.allCases)
    func malformedDigest(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("hello")
            let location = try await client.openUpload(in: "a")
            _ = try await client.send("PATCH", location, content: blob.bytes)
            for query in [
                "", "?digest=", "?digest=x", "?digest=sha256:abc", "?digest=md5:0a", "?digst=\(blob.digest)",
            ] {
                let reply = try await client.send("PUT", location + query, content: [])
                #expect(reply.status == 400, "\(query)")
                #expect(reply.errorCode == "DIGEST_INVALID", "\(query)")
            }
            for query in [
                "?digest=", "?digest=x", "?digest=md5:0a", "?mount=x", "?mount=\(blob.digest)&from=X",
            ] {
                let reply = try await client.send("POST", "/v2/a/blobs/uploads/\(query)", content: blob.bytes)
                #expect(reply.status == 400, "\(query)")
                #expect(["DIGEST_INVALID", "NAME_INVALID"].contains(reply.errorCode ?? ""), "\(query)")
            }
            expectPushed(
                try await client.send("PUT", "\(location)?digest=\(blob.digest)", content: []),
                blob.digest,
                in: "a"
            )
        }
    }

    @Test("A digest in sha512 needs no announcement", arguments: Transport.allCases)
    func sha512(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            for query in [
                "", "?digest-algorithm=sha512", "?digest-algorithm=sha256", "?digest-algorithm=md5",
            ] {
                let blob = BlobFixture("hello \(query)", algorithm: .sha512)
                let start = try await client.send("POST", "/v2/a/blobs/uploads/\(query)", content: [])
                let location = try start.location()
                _ = try await client.send("PATCH", location, content: Array(blob.bytes.prefix(3)))
                let end = try await client.send(
                    "PUT",
                    "\(location)?digest=\(blob.digest)",
                    content: Array(blob.bytes.dropFirst(3))
                )
                expectPushed(end, blob.digest, in: "a")
                let reply = try await client.send("GET", "/v2/a/blobs/\(blob.digest)")
                #expect(reply.content == blob.bytes)
                #expect(reply["Docker-Content-Digest"] == "\(blob.digest)")
            }
        }
    }

    @Test("A session is known in its own repository alone", arguments: Transport.allCases)
    func foreignSession(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("hello")
            let location = try await client.openUpload(in: "a/b")
            _ = try await client.send("PATCH", location, content: blob.bytes)
            for name in ["a", "b", "a/b/c", "c"] {
                let other = location.replacing("/v2/a/b/", with: "/v2/\(name)/")
                for method in ["GET", "PATCH", "PUT", "DELETE"] {
                    let target = method == "PUT" ? "\(other)?digest=\(blob.digest)" : other
                    let reply = try await client.send(method, target, content: method == "GET" ? nil : [1])
                    #expect(reply.status == 404, "\(method) \(name)")
                    #expect(reply.errorCode == "BLOB_UPLOAD_UNKNOWN", "\(method) \(name)")
                }
            }
            expectPushed(
                try await client.send("PUT", "\(location)?digest=\(blob.digest)", content: []),
                blob.digest,
                in: "a/b"
            )
        }
    }

    // MARK: Mounting

    @Test("A blob of another repository need not be sent", arguments: Transport.allCases, ["&from=a/b", ""])
    func mount(_ transport: Transport, from: String) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("hello")
            try await client.push(blob, to: "a/b")
            let reply = try await client.send(
                "POST",
                "/v2/c/blobs/uploads/?mount=\(blob.digest)\(from)",
                content: []
            )
            expectPushed(reply, blob.digest, in: "c")
            #expect(try await client.send("GET", "/v2/c/blobs/\(blob.digest)").content == blob.bytes)
        }
    }

    @Test("What cannot be mounted can be sent instead", arguments: Transport.allCases)
    func mountFallsBack(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let blob = BlobFixture("hello")
            let there = BlobFixture("there")
            try await client.push(there, to: "a")
            for query in [
                "mount=\(blob.digest)&from=a", "mount=\(blob.digest)&from=nowhere", "mount=\(blob.digest)",
                "mount=\(there.digest)&from=nowhere", "mount=\(there.digest)&from=b", "mount=md5:abc",
            ] {
                let reply = try await client.send("POST", "/v2/c/blobs/uploads/?\(query)", content: [])
                let location = try reply.location()
                expect(reply, stands: 0, at: location, status: 202)
                let end = try await client.send(
                    "PUT",
                    "\(location)?digest=\(blob.digest)",
                    content: blob.bytes
                )
                expectPushed(end, blob.digest, in: "c")
                #expect(try await client.send("DELETE", "/v2/c/blobs/\(blob.digest)").status == 202)
            }
        }
    }

    // MARK: Limits

    @Test(
        "An upload that is announced too large is refused, and one that becomes so",
        arguments: Transport.allCases
    )
    func tooLarge(_ transport: Transport) async throws {
        let policy = RegistryPolicy(maximumUploadSize: 1000)
        try await withClient(transport, policy: policy) { client, test in
            let large = BlobFixture([UInt8](repeating: 7, count: 1001))
            let allowed = BlobFixture([UInt8](repeating: 7, count: 1000))
            for isChunked in [false, true] {
                let whole = try await client.send(
                    "POST",
                    "/v2/a/blobs/uploads/?digest=\(large.digest)",
                    content: large.bytes,
                    isChunked: isChunked
                )
                #expect(whole.status == 413)
                #expect(whole.errorCode == "SIZE_INVALID")
                #expect(try test.contents(of: "uploads").isEmpty)
                let location = try await client.openUpload(in: "a")
                let chunk = try await client.send(
                    "PATCH",
                    location,
                    content: large.bytes,
                    isChunked: isChunked
                )
                #expect(chunk.status == 413)
                #expect(try await client.send("DELETE", location).status == 204)
                let second = try await client.openUpload(in: "a")
                _ = try await client.send("PATCH", second, content: [UInt8](repeating: 7, count: 600))
                let rest = [UInt8](repeating: 7, count: 401)
                #expect(
                    try await client.send("PATCH", second, content: rest, isChunked: isChunked).status == 413
                )
                let end = try await client.send(
                    "PUT",
                    "\(second)?digest=\(large.digest)",
                    content: rest,
                    isChunked: isChunked
                )
                #expect(end.status == 413)
                #expect(try await client.send("DELETE", second).status == 204)
                try await client.push(allowed, to: "a")
            }
        }
    }

    @Test("A session goes on where it stood when the registry is opened again")
    func restart() async throws {
        let blob = BlobFixture("hello world")
        try await withTemporaryFolder { folder in
            let location = try await withRegistry(in: folder) { test in
                let client = InProcessClient(test.registry)
                let location = try await client.openUpload(in: "a")
                _ = try await client.send("PATCH", location, content: Array("hello ".utf8))
                return location
            }
            try await withRegistry(in: folder) { test in
                let client = InProcessClient(test.registry)
                expect(try await client.send("GET", location), stands: 6, at: location, status: 204)
                let end = try await client.send(
                    "PUT",
                    "\(location)?digest=\(blob.digest)",
                    ["Content-Range": "6-10"],
                    content: Array("world".utf8)
                )
                expectPushed(end, blob.digest, in: "a")
            }
        }
    }
}
