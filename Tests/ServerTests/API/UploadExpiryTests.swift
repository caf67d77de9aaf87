import Foundation
import OCI
import Registry
import Storage
import TestSupport
import Testing

/// What clients see of an upload session that expires, and commands of those that have not.
@Suite("API: expiry and list of uploads")
struct UploadExpiryTests {
    private static let policy = RegistryPolicy(uploadExpiry: .seconds(1000))

    private struct Listing: Decodable {
        struct Upload: Decodable {
            let id: String
            let repository: String
            let size: Int64
            let started: Date
            let lastActivity: Date
            let expires: Date
        }

        let uploads: [Upload]
        let last: String?
    }

    private static func listing(_ reply: TestReply) throws -> Listing {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(Listing.self, from: Data(reply.content))
    }

    @Test("A session that has expired is unknown to every endpoint", arguments: Transport.allCases)
    func expired(_ transport: Transport) async throws {
        try await withClient(transport, policy: Self.policy, clock: ManualClock(.now)) { client, test in
            let session = try await client.openUpload(in: "team/app")
            #expect(try await client.send("PATCH", session, content: [1, 2, 3]).status == 202)
            #expect(try await client.send("GET", session).status == 204)
            test.clock.advance(by: .seconds(5000))
            for request in [
                TestRequest("GET", session), TestRequest("PATCH", session, content: [4]),
                TestRequest("PATCH", session, ["Content-Range": "3-3"], content: [4]),
                TestRequest("PATCH", session, ["Content-Range": "nonsense"], content: [4]),
                TestRequest("PUT", "\(session)?digest=\(Digest(of: [1, 2, 3]))", content: []),
                TestRequest("DELETE", session),
            ] {
                let reply = try await client.send(request)
                #expect(reply.status == 404, "\(request.method)")
                #expect(reply.errorCode == "BLOB_UPLOAD_UNKNOWN", "\(request.method)")
            }
            #expect(try await client.send("HEAD", session).status == 404)
        }
    }

    @Test("An export is for commands alone", arguments: Transport.allCases)
    func exportIsAdministration(_ transport: Transport) async throws {
        try await withTemporaryFolder { folder in
            try await withClient(transport) { client, test in
                let target = "/_/admin/export?path=\(folder.path)/layout"
                #expect(try await client.send("POST", target, content: []).status == 404)
                #expect(!FileManager.default.fileExists(atPath: folder.file("layout")))
                let command = InProcessClient(test.registry, isAdministrative: true)
                for target in [
                    "/_/admin/export", "/_/admin/export?path=x", "\(target)&name=X", "\(target)&name=",
                ] {
                    #expect(try await command.send("POST", target, content: []).status == 400, "\(target)")
                }
                let unknown = try await command.send("POST", "\(target)&name=a&name=b:c", content: [])
                #expect(unknown.status == 404 && unknown.text.contains("there is no repository a"))
                let made = try await command.send("POST", target, content: [])
                #expect(made.status == 200, "\(made.text)")
                #expect(made.text == #"{"path":"\#(folder.path)/layout","tags":0,"manifests":0,"leftOut":0}"#)
                #expect(try await command.send("POST", target, content: []).status == 409)
                #expect(try await command.send("GET", target).status == 405)
            }
        }
    }

    @Test("The list tells of each session, page by page")
    func list() async throws {
        try await withRegistry(policy: Self.policy, clock: ManualClock(.now)) { test in
            let client = InProcessClient(test.registry, isAdministrative: true)
            #expect(try await client.send("GET", "/_/admin/uploads").text == #"{"uploads":[]}"#)
            var ids: [String] = []
            for number in 0..<7 {
                let session = try await client.openUpload(in: "team/app\(number)")
                ids.append(String(session.split(separator: "/").last ?? ""))
                let content = [UInt8](repeating: 1, count: number)
                _ = try await client.send("PATCH", session, content: content)
            }
            for size in [1, 2, 6, 7, 8] {
                var found: [Listing.Upload] = []
                var path: String? = "/_/admin/uploads?n=\(size)"
                while let target = path {
                    let page = try Self.listing(try await client.send("GET", target))
                    #expect(page.uploads.count <= size)
                    found += page.uploads
                    path = page.last.map { "/_/admin/uploads?n=\(size)&last=\($0)" }
                }
                #expect(found.map(\.id) == ids.sorted())
                for upload in found {
                    let number = try #require(ids.firstIndex(of: upload.id))
                    #expect(upload.repository == "team/app\(number)" && upload.size == Int64(number))
                    #expect(upload.expires.timeIntervalSince(upload.lastActivity) == 1000)
                }
            }
            #expect(try await client.send("GET", "/_/admin/uploads?n=0").text == #"{"uploads":[]}"#)
            for query in ["last=x", "last=", "last=\(ids[0].uppercased())", "n=-1", "n=x"] {
                #expect(try await client.send("GET", "/_/admin/uploads?\(query)").status == 400, "\(query)")
            }
            test.clock.advance(by: .seconds(5000))
            #expect(try await client.send("GET", "/_/admin/uploads").text == #"{"uploads":[]}"#)
        }
    }
}
