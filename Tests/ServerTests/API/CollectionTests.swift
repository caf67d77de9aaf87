import Foundation
import OCI
import Registry
import Storage
import TestSupport
import Testing

/// What `berth gc` asks of the owner.
@Suite("Collection over HTTP")
struct CollectionTests {
    /// One line of the reply.
    private struct Line: Decodable {
        struct Item: Decodable, Hashable {
            let kind: String
            let repository: String?
            let tag: String?
            let digest: String?
            let size: Int64?
            let reason: String
        }
        struct Totals: Decodable, Hashable {
            let uploads: Int
            let tags: Int
            let manifests: Int
            let blobs: Int
            let bytes: Int64
        }
        struct Failure: Decodable, Hashable { let message: String }

        let progress: Item?
        let result: Totals?
        let error: Failure?
    }

    private func lines(_ text: String) throws -> [Line] {
        #expect(text.hasSuffix("\n"))
        return try text.split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
    }

    @Test("Is for commands alone")
    func administration() async throws {
        try await withClient(.inProcess) { client, test in
            #expect(try await client.send("POST", "/_/admin/collect", content: []).status == 404)
            let command = InProcessClient(test.registry, isAdministrative: true)
            for query in ["dry-run=", "dry-run=1", "dry-run=yes"] {
                #expect(
                    try await command.send("POST", "/_/admin/collect?\(query)", content: []).status == 400
                )
            }
            #expect(try await command.send("GET", "/_/admin/collect").status == 405)
            let reply = try await command.send("POST", "/_/admin/collect", content: [])
            #expect(reply.status == 200)
            let nothing = #"{"result":{"uploads":0,"tags":0,"manifests":0,"blobs":0,"bytes":0}}"#
            #expect(reply.text == nothing + "\n")
        }
    }

    @Test("Tells of each thing with its reason, and of the sum, first as a forecast")
    func items() async throws {
        let policy = RegistryPolicy(
            grace: .seconds(10),
            untaggedPeriod: .seconds(10),
            retention: [try RetentionRule("* last=1")]
        )
        try await withClient(.inProcess, policy: policy) { client, test in
            let images = try ["old", "new"].map { try ImageFixture($0) }
            for image in images {
                for blob in image.blobs {
                    let target = "/v2/app/blobs/uploads/?digest=\(blob.digest)"
                    #expect(try await client.send("POST", target, content: blob.bytes).status == 201)
                }
            }
            func push(_ image: ImageFixture, _ tag: String) async throws {
                let reply = try await client.send(
                    "PUT",
                    "/v2/app/manifests/\(tag)",
                    ["Content-Type": "application/vnd.oci.image.manifest.v1+json"],
                    content: image.manifest.bytes
                )
                #expect(reply.status == 201)
            }
            try await push(images[0], "old")
            try await push(images[0], "gone")
            let loose = BlobFixture("loose")
            let target = "/v2/app/blobs/uploads/?digest=\(loose.digest)"
            #expect(try await client.send("POST", target, content: loose.bytes).status == 201)
            test.clock.advance(by: .seconds(1))
            try await push(images[1], "new")
            test.clock.advance(by: .seconds(10))
            let command = InProcessClient(test.registry, isAdministrative: true)
            let forecast = try await command.send("POST", "/_/admin/collect?dry-run=true", content: [])
            #expect(forecast.fields["Content-Type"] == "application/x-ndjson")
            #expect(try test.contents(of: "blobs/sha256").count == 5)
            let reply = try await command.send("POST", "/_/admin/collect?dry-run=false", content: [])
            let told = try lines(reply.text)
            #expect(try Set(lines(forecast.text).compactMap(\.progress)) == Set(told.compactMap(\.progress)))
            let items = told.compactMap(\.progress)
            #expect(items.map(\.kind) == ["tag", "tag", "blob"])
            #expect(items.map(\.tag) == ["gone", "old", nil])
            #expect(items[0].reason.hasSuffix("never pulled: not kept by * last=1"), "\(items[0].reason)")
            #expect(items[2].digest == loose.digest.description && items[2].size == loose.size)
            let totals = try #require(told.last?.result)
            #expect(totals.tags == 2 && totals.blobs == 1 && totals.bytes == loose.size)
            #expect(try test.contents(of: "blobs/sha256").count == 4)
        }
    }

    @Test("A failure comes as the last line")
    func failure() async throws {
        try await withClient(.inProcess) { _, test in
            let command = InProcessClient(test.registry, isAdministrative: true)
            test.files.fail(.entries, times: .max) { $0.hasSuffix("/uploads") }
            let reply = try await command.send("POST", "/_/admin/collect", content: [])
            let told = try lines(reply.text)
            #expect(reply.status == 200 && told.count == 1 && told[0].result == nil)
            #expect(told[0].error?.message.isEmpty == false)
        }
    }
}
