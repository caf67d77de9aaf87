import Foundation
import OCI
import Storage
import TestSupport
import Testing

/// What clients see of a disk that is full, broken or tampered with, and how it heals.
@Suite("Failures below")
struct FailureTests {
    // MARK: A full disk

    @Test(
        "No space is a status of its own, and the session goes on when there is some again",
        arguments: Transport.allCases
    )
    func fullDisk(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let blob = BlobTests.large
            let upload = try await client.openUpload(in: "a")
            test.files.fail(.write, skip: 1, times: 100, with: ENOSPC)
            let reply = try await client.send("PATCH", upload, content: blob.bytes)
            #expect(reply.status == 507)
            #expect(reply.errorCode == "UNKNOWN")
            test.files.mend()
            let range = try #require(try await client.send("GET", upload)["Range"])
            let offset = try #require(Int(range.dropFirst(2))) + 1
            #expect(
                offset > 1 && offset < blob.bytes.count,
                "a whole portion was written, and half of the next"
            )
            let rest = Array(blob.bytes[offset...])
            let end = try await client.send("PUT", "\(upload)?digest=\(blob.digest)", content: rest)
            #expect(end.status == 201, "\(end.text)")
            #expect(try await client.send("GET", "/v2/a/blobs/\(blob.digest)").content == blob.bytes)
        }
    }

    @Test(
        "A push that finds no space leaves nothing behind",
        arguments: Transport.allCases,
        [FaultyFileOperations.Operation.open, .write, .rename]
    )
    func fullDiskPush(_ transport: Transport, operation: FaultyFileOperations.Operation) async throws {
        try await withClient(transport) { client, test in
            let blob = BlobFixture("hello")
            let target = "/v2/a/blobs/uploads/?digest=\(blob.digest)"
            test.files.fail(operation, times: 1, with: ENOSPC, where: { $0.contains("/uploads/") })
            let refused = try await client.send("POST", target, content: blob.bytes)
            #expect(refused.status == 507)
            #expect(try await client.send("HEAD", "/v2/a/blobs/\(blob.digest)").status == 404)
            #expect(try test.contents(of: "uploads").isEmpty)
            #expect(try test.contents(of: "blobs/sha256").isEmpty)
            #expect(try await client.send("POST", target, content: blob.bytes).status == 201)
        }
    }

    @Test("A folder that cannot be written to is the server's fault", arguments: [EROFS, EACCES, EIO])
    func readOnly(code: CInt) async throws {
        try await withServer { server in
            server.test.files.fail(.open, times: 1, with: code, where: { $0.contains("/uploads/") })
            let reply = try await server.client.send("POST", "/v2/a/blobs/uploads/", content: [])
            #expect(reply.status == 500)
            #expect(reply.errorCode == "UNKNOWN")
            #expect(!reply.text.contains(server.test.folder.path), "paths are for the log")
            #expect(server.log.errors.count == 1)
            #expect(try await server.client.send("POST", "/v2/a/blobs/uploads/", content: []).status == 202)
        }
    }

    // MARK: Too many open files

    @Test("A server that has too many files open asks for patience", arguments: Transport.allCases)
    func tooManyFiles(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let blob = BlobFixture("hello")
            try await client.push(blob, to: "a")
            for request in [
                TestRequest("GET", "/v2/a/blobs/\(blob.digest)"),
                TestRequest("HEAD", "/v2/a/blobs/\(blob.digest)"),
                TestRequest("POST", "/v2/a/blobs/uploads/", content: []),
                TestRequest("POST", "/v2/a/blobs/uploads/?digest=\(blob.digest)", content: blob.bytes),
            ] {
                test.files.fail(.open, times: 1, with: EMFILE)
                let reply = try await client.send(request)
                #expect(reply.status == 503, "\(request.method) \(request.target)")
                #expect(reply["Retry-After"] == "1")
                if request.method != "HEAD" { #expect(reply.errorCode == "TOOMANYREQUESTS") }
                #expect(try await client.send(request).status < 300, "\(request.method) \(request.target)")
            }
        }
    }

    @Test(
        "A manifest whose blobs cannot be opened for flushing can be pushed again as it is",
        arguments: Transport.allCases
    )
    func tooManyFilesToFlush(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let image = try ImageFixture("app")
            for blob in image.blobs { try await client.push(blob, to: "a") }
            test.files.fail(.open, times: 1, with: EMFILE, where: { $0.contains("/blobs/") })
            let target = "/v2/a/manifests/x"
            let reply = try await client.send("PUT", target, content: image.manifest.bytes)
            #expect(reply.status == 503)
            #expect(try await client.send("PUT", target, content: image.manifest.bytes).status == 201)
        }
    }

    // MARK: A flush that fails

    @Test(
        "After a failed flush the blobs do not exist any more, and a push heals them",
        arguments: Transport.allCases
    )
    func failedFlush(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let image = try ImageFixture("app")
            for blob in image.blobs { try await client.push(blob, to: "a") }
            test.files.fail(.sync, times: 1, with: EIO)
            let target = "/v2/a/manifests/x"
            let reply = try await client.send("PUT", target, content: image.manifest.bytes)
            #expect(reply.status == 500)
            #expect(try await client.send("GET", target).status == 404)
            for blob in image.blobs {
                // A second flush would have succeeded without the bytes.
                #expect(try await client.send("HEAD", "/v2/a/blobs/\(blob.digest)").status == 404)
            }
            let again = try await client.send("PUT", target, content: image.manifest.bytes)
            #expect(again.status == 404)
            #expect(again.errorCode == "MANIFEST_BLOB_UNKNOWN")
            try await client.push(image, to: "a", as: "x")
            for blob in image.blobs {
                #expect(try await client.send("GET", "/v2/a/blobs/\(blob.digest)").content == blob.bytes)
                #expect(!test.files.isAtRisk(test.folder.file("blobs/sha256/\(blob.digest.encoded)")))
            }
        }
    }

    @Test("After a failed flush of the folder nothing is promised before a restart")
    func failedFolderFlush() async throws {
        try await withTemporaryFolder { folder in
            let image = try ImageFixture("app")
            // The end of it is told, too: the next owner looks at everything.
            await #expect(throws: StorageError.self) {
                try await withRegistry(in: folder) { test in
                    let client = InProcessClient(test.registry)
                    test.files.fail(.syncFolder, times: 1, with: EIO)
                    for _ in 1...2 {
                        for blob in image.blobs { try await client.push(blob, to: "a") }
                        let reply = try await client.send(
                            "PUT",
                            "/v2/a/manifests/x",
                            content: image.manifest.bytes
                        )
                        #expect(reply.status == 500)
                        #expect(try await client.send("GET", "/v2/a/manifests/x").status == 404)
                    }
                }
            }
            try await withRegistry(in: folder) { test in
                try await InProcessClient(test.registry).push(image, to: "a", as: "x")
            }
        }
    }

    // MARK: Files that somebody touched

    enum Damage: CaseIterable {
        case removed, truncated, emptied, extended
    }

    @Test(
        "A blob whose file is damaged is unknown to HEAD, an error to GET, and healed by a push",
        arguments: Transport.allCases,
        Damage.allCases
    )
    func damagedFile(_ transport: Transport, damage: Damage) async throws {
        try await withClient(transport) { client, test in
            let blob = BlobFixture("hello world")
            try await client.push(blob, to: "a")
            let path = test.folder.file("blobs/sha256/\(blob.digest.encoded)")
            switch damage {
            case .removed: try FileManager.default.removeItem(atPath: path)
            case .truncated: truncate(path, 5)
            case .emptied: truncate(path, 0)
            case .extended: truncate(path, 12)
            }
            #expect(try await client.send("HEAD", "/v2/a/blobs/\(blob.digest)").status == 404)
            for fields in [[:], ["Range": "bytes=0-1"]] as [KeyValuePairs<String, String>] {
                let reply = try await client.send("GET", "/v2/a/blobs/\(blob.digest)", fields)
                #expect(reply.status == 500)
                #expect(reply.errorMessage?.contains("push it again") == true, "\(reply.text)")
            }
            try await client.push(blob, to: "a")
            #expect(try await client.send("HEAD", "/v2/a/blobs/\(blob.digest)").status == 200)
            #expect(try await client.send("GET", "/v2/a/blobs/\(blob.digest)").content == blob.bytes)
        }
    }

    @Test("A manifest whose blob was removed before it was ever safe is told which one to push again")
    func removedBeforeFlush() async throws {
        try await withRegistry { test in
            let client = InProcessClient(test.registry)
            let image = try ImageFixture("app")
            for blob in image.blobs { try await client.push(blob, to: "a") }
            let lost = image.layers[0]
            try FileManager.default.removeItem(
                atPath: test.folder.file("blobs/sha256/\(lost.digest.encoded)")
            )
            let reply = try await client.send("PUT", "/v2/a/manifests/x", content: image.manifest.bytes)
            #expect(reply.status == 404)
            #expect(reply.errorCode == "MANIFEST_BLOB_UNKNOWN")
            #expect(reply.errorMessage?.contains("\(lost.digest)") == true)
            #expect(reply.errorMessage?.contains("\(image.configuration.digest)") == false)
            try await client.push(lost, to: "a")
            try await client.push(image.manifest, to: "a", as: "x")
            #expect(try await client.send("GET", "/v2/a/blobs/\(lost.digest)").content == lost.bytes)
        }
    }

    @Test("A blob that is cut short while it is sent ends the connection, and nothing else")
    func cutWhileSent() async throws {
        try await withServer(limits: TimeLimitTests.short) { server in
            let blob = TimeLimitTests.large
            try await server.direct.push(blob, to: "a")
            let connection = try server.connect(
                receiveBuffer: 4096,
                sending: "GET /v2/a/blobs/\(blob.digest) HTTP/1.1\r\nHost: localhost\r\n\r\n"
            )
            _ = try await connection.readHead()
            truncate(server.test.folder.file("blobs/sha256/\(blob.digest.encoded)"), 10 << 20)
            #expect(try await connection.readToEnd().count < blob.bytes.count)
            let health = try server.connect(sending: "GET /_/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try await health.readReply().status == 200)
        }
    }
}
