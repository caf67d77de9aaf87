import OCI
import TestSupport
import Testing

/// Many clients at once.
@Suite("Concurrency")
struct ConcurrencyTests {
    static let clients = 32

    /// Runs a body for each of many clients at once, and returns what they return.
    private func atOnce<Value: Sendable>(
        _ body: @escaping @Sendable (Int) async throws -> Value
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: Value.self) { group in
            for index in 0..<Self.clients { group.addTask { try await body(index) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test("Everybody pushes the same image, and one of their own, to the same tag and to others")
    func pushes() async throws {
        try await withServer { server in
            let shared = try ImageFixture(
                "shared",
                layers: [BlobFixture([UInt8](repeating: 9, count: 200_000))]
            )
            let client = server.client
            _ = try await atOnce { index in
                let own = try ImageFixture(
                    "own-\(index)",
                    layers: [shared.layers[0], BlobFixture("layer \(index)")]
                )
                try await client.push(shared, to: "team/app", as: "v\(index)")
                try await client.push(own, to: "team/app", as: "latest")
                try await client.push(own, to: "team/app-\(index)", as: "latest")
            }
            let tags = try await client.send("GET", "/v2/team/app/tags/list")
            #expect(tags.text.ranges(of: "\"v").count == Self.clients)
            let latest = try await client.send("GET", "/v2/team/app/manifests/latest")
            var owners = 0
            for index in 0..<Self.clients {
                let own = try ImageFixture(
                    "own-\(index)",
                    layers: [shared.layers[0], BlobFixture("layer \(index)")]
                )
                if latest.content == own.manifest.bytes { owners += 1 }
                let manifest = try await client.send("GET", "/v2/team/app/manifests/\(own.manifest.digest)")
                #expect(manifest.content == own.manifest.bytes)
                for blob in own.blobs {
                    let reply = try await client.send("GET", "/v2/team/app-\(index)/blobs/\(blob.digest)")
                    #expect(reply.content == blob.bytes)
                    #expect(
                        !server.test.files.isAtRisk(
                            server.test.folder.file("blobs/sha256/\(blob.digest.encoded)")
                        )
                    )
                }
            }
            #expect(owners == 1, "the tag is one client's, whole")
            #expect(try server.test.contents(of: "uploads").isEmpty)
            // One layer for all, and a configuration and a layer for each.
            #expect(try server.test.contents(of: "blobs/sha256").count == 2 + 2 * Self.clients)
            #expect(server.log.errors.isEmpty)
        }
    }

    @Test("Everybody writes to the same session, and it becomes the blob all the same")
    func oneSession() async throws {
        try await withServer { server in
            let blob = InterruptionTests.blob
            let client = server.client
            let upload = try await client.openUpload(in: "a")
            _ = try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 1...2 {
                    group.addTask {
                        // Each is cut off by the other as often as it comes between, and goes on where that came to.
                        for _ in 1...200 {
                            guard let reply = try? await client.send("GET", upload), reply.status == 204,
                                let last = reply["Range"].flatMap({ Int($0.dropFirst(2)) })
                            else { continue }
                            let start = last == 0 ? 0 : last + 1
                            if start == blob.bytes.count { return }
                            let end = min(start + 300_000, blob.bytes.count)
                            _ = try? await client.send(
                                "PATCH",
                                upload,
                                ["Content-Range": "\(start)-\(end - 1)"],
                                content: Array(blob.bytes[start..<end])
                            )
                        }
                        Issue.record("the session came to no end")
                    }
                }
                try await group.waitForAll()
            }
            let statuses = try await atOnce { _ in
                (try? await client.send("PUT", "\(upload)?digest=\(blob.digest)", content: []))?.status
            }
            #expect(statuses.allSatisfy { $0 == nil || $0 == 201 || $0 == 404 }, "\(statuses)")
            #expect(try await client.send("GET", "/v2/a/blobs/\(blob.digest)").content == blob.bytes)
            #expect(try server.test.contents(of: "uploads").isEmpty)
        }
    }

    @Test("While some push a blob and others delete it, whoever is told that it is there gets it")
    func pushAndDelete() async throws {
        try await withServer { server in
            let blob = BlobFixture([UInt8](repeating: 3, count: 100_000))
            let client = server.client
            _ = try await atOnce { index in
                for _ in 1...5 {
                    if index.isMultiple(of: 2) {
                        try await client.push(blob, to: "a")
                    } else {
                        let reply = try await client.send("DELETE", "/v2/a/blobs/\(blob.digest)")
                        #expect(reply.status == 202 || reply.status == 404)
                    }
                    let reply = try await client.send("GET", "/v2/a/blobs/\(blob.digest)")
                    #expect(reply.status == 404 || reply.content == blob.bytes, "\(reply.status)")
                }
            }
            try await client.push(blob, to: "a")
            #expect(try await client.send("GET", "/v2/a/blobs/\(blob.digest)").content == blob.bytes)
            #expect(server.log.errors.isEmpty)
        }
    }
}
