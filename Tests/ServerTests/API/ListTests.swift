import Foundation
import OCI
import TestSupport
import Testing

/// Lists of tags and repositories, page by page.
@Suite("Lists")
struct ListTests {
    private struct Tags: Decodable {
        let name: String
        let tags: [String]
    }

    private struct Repositories: Decodable {
        let repositories: [String]
    }

    private func names(in reply: TestReply) throws -> [String] {
        #expect(reply.status == 200, "\(reply.text)")
        #expect(reply["Content-Type"] == "application/json")
        let data = Data(reply.content)
        if let tags = try? JSONDecoder().decode(Tags.self, from: data) { return tags.tags }
        return try JSONDecoder().decode(Repositories.self, from: data).repositories
    }

    /// Where a list goes on; nil where it does not.
    private func next(_ reply: TestReply) throws -> String? {
        guard let link = reply["Link"] else { return nil }
        #expect(link.hasPrefix("</v2/") && link.hasSuffix(">; rel=\"next\""), "\(link)")
        return String(link.dropFirst().prefix { $0 != ">" })
    }

    /// Follows the links of a list to its end.
    private func pages(_ client: some TestClient, _ path: String) async throws -> [[String]] {
        var pages: [[String]] = []
        var path: String? = path
        while let current = path, pages.count < 100 {
            let reply = try await client.send("GET", current)
            pages.append(try names(in: reply))
            path = try next(reply)
        }
        return pages
    }

    private static func inByteOrder(_ names: [String]) -> [String] {
        names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    static let tags = (1...23).map { "v\($0)" } + ["A", "_x", "a", "z.9", "Z-1", "latest", "0"]

    @Test("Every page size gives every tag, once and in byte order", arguments: Transport.allCases)
    func tagPages(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            for tag in Self.tags { try await client.push(image, to: "a/b", as: tag) }
            let sorted = Self.inByteOrder(Self.tags)
            for size in [1, 2, 7, 29, 30, 31, 10_000] {
                let pages = try await pages(client, "/v2/a/b/tags/list?n=\(size)")
                #expect(pages.flatMap { $0 } == sorted, "\(size)")
                #expect(pages.dropLast().allSatisfy { $0.count == size }, "\(size)")
                #expect(pages.count == (sorted.count + size - 1) / size, "\(size)")
            }
            #expect(try await pages(client, "/v2/a/b/tags/list") == [sorted])
        }
    }

    @Test("What is asked for is what comes", arguments: Transport.allCases)
    func tagQueries(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            for tag in ["a", "b", "c"] { try await client.push(image, to: "x", as: tag) }
            let expected: [(String, [String], String?)] = [
                ("", ["a", "b", "c"], nil),
                ("?n=2", ["a", "b"], "/v2/x/tags/list?n=2&last=b"),
                ("?n=3", ["a", "b", "c"], nil),
                ("?n=0", [], nil),
                ("?n=0&last=a", [], nil),
                ("?last=a", ["b", "c"], nil),
                ("?last=aa", ["b", "c"], nil),
                ("?last=c", [], nil),
                ("?last=", ["a", "b", "c"], nil),
                ("?n=1&last=a", ["b"], "/v2/x/tags/list?n=1&last=b"),
                ("?n=99999999999999999999", ["a", "b", "c"], nil),
                ("?last=%00", [], "400"),
                ("?last='%20OR%201=1--", ["a", "b", "c"], nil),
                ("?unknown=1", ["a", "b", "c"], nil),
            ]
            for (query, tags, link) in expected {
                let reply = try await client.send("GET", "/v2/x/tags/list\(query)")
                if link == "400" {
                    #expect(reply.status == 400, "\(query)")
                    continue
                }
                #expect(
                    reply.text == #"{"name":"x","tags":["# + tags.map { "\"\($0)\"" }.joined(separator: ",")
                        + "]}"
                )
                #expect(try next(reply) == link, "\(query)")
            }
        }
    }

    @Test(
        "A number of entries that is none is refused",
        arguments: Transport.allCases,
        ["-1", "abc", "", "1.5", "+1", "%201"]
    )
    func malformedNumber(_ transport: Transport, number: String) async throws {
        try await withClient(transport) { client, _ in
            try await client.push(try ImageFixture("app"), to: "x", as: "a")
            for path in ["/v2/x/tags/list", "/v2/_catalog"] {
                let reply = try await client.send("GET", "\(path)?n=\(number)")
                #expect(reply.status == 400)
                #expect(reply.errorCode == "PAGINATION_NUMBER_INVALID")
            }
        }
    }

    @Test(
        "A repository without tags has an empty list, and one that was never pushed to none",
        arguments: Transport.allCases
    )
    func emptyList(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            try await client.push(try ImageFixture("app"), to: "x")
            #expect(try await client.send("GET", "/v2/x/tags/list").text == #"{"name":"x","tags":[]}"#)
            for name in ["y", "x/y"] {
                let reply = try await client.send("GET", "/v2/\(name)/tags/list")
                #expect(reply.status == 404)
                #expect(reply.errorCode == "NAME_UNKNOWN")
            }
        }
    }

    static let repositories = [
        "a", "a/b", "a-b", "a.b", "a/b/c", "a0", "b", "aa", "a/ba", "a__b", "blobs/uploads",
    ]

    @Test(
        "Every page size gives every repository, also those whose name begins another's",
        arguments: Transport.allCases
    )
    func catalogPages(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            #expect(try await client.send("GET", "/v2/_catalog").text == #"{"repositories":[]}"#)
            for name in Self.repositories { try await client.push(image, to: name, as: "x") }
            // Blobs alone make no repository that anybody would look for.
            try await client.push(BlobFixture("alone"), to: "only/blobs")
            let sorted = Self.inByteOrder(Self.repositories)
            for size in [1, 2, 3, 10, 11, 12] {
                let pages = try await pages(client, "/v2/_catalog?n=\(size)")
                #expect(pages.flatMap { $0 } == sorted, "\(size)")
                #expect(pages.count == (sorted.count + size - 1) / size, "\(size)")
            }
            #expect(try await pages(client, "/v2/_catalog") == [sorted])
            let none = try await client.send("GET", "/v2/_catalog?n=0")
            #expect(none.text == #"{"repositories":[]}"#)
            #expect(none["Link"] == nil)
            _ = try await client.send("DELETE", "/v2/a/manifests/\(image.manifest.digest)")
            #expect(try await pages(client, "/v2/_catalog") == [sorted.filter { $0 != "a" }])
        }
    }

    @Test("HEAD of a list tells its length, and nothing more", arguments: Transport.allCases)
    func head(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            try await client.push(try ImageFixture("app"), to: "x", as: "a")
            for path in ["/v2/x/tags/list", "/v2/_catalog", "/v2/", "/v2", "/_/health", "/"] {
                let (get, head) = (try await client.send("GET", path), try await client.send("HEAD", path))
                #expect(get.status == 200 && head.status == 200, "\(path)")
                #expect(head["Content-Length"] == "\(get.content.count)", "\(path)")
                #expect(head["Content-Type"] == get["Content-Type"], "\(path)")
                #expect(head.content.isEmpty, "\(path)")
            }
        }
    }
}
