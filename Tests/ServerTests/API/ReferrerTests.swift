import Foundation
import OCI
import TestSupport
import Testing

/// Lists of what is known about a manifest.
@Suite("Referrers")
struct ReferrerTests {
    struct Index: Decodable {
        let schemaVersion: Int
        let mediaType: String
        let manifests: [OCI.Descriptor]
    }

    static let configuration = BlobFixture("{}")
    static let spdx = "application/spdx+json"
    static let signature = "application/vnd.example.signature"

    private func artifact(
        _ type: String,
        about subject: Descriptor,
        _ annotations: [String: String] = [:]
    ) throws -> ManifestFixture {
        try .artifact(
            MediaType(type),
            about: subject,
            configuration: Self.configuration,
            annotations: annotations
        )
    }

    /// What a list says of an artifact.
    private func listed(_ artifact: ManifestFixture) -> Descriptor {
        var descriptor = artifact.descriptor
        descriptor.artifactType = artifact.manifest.artifactType
        descriptor.annotations = artifact.manifest.annotations
        return descriptor
    }

    private func index(in reply: TestReply) throws -> [Descriptor] {
        #expect(reply.status == 200, "\(reply.text)")
        #expect(reply["Content-Type"] == MediaType.ociIndex.rawValue)
        let index = try JSONDecoder().decode(Index.self, from: Data(reply.content))
        #expect(index.schemaVersion == 2 && index.mediaType == MediaType.ociIndex.rawValue)
        return index.manifests
    }

    /// Follows the links of a list to its end.
    private func pages(_ client: some TestClient, _ path: String) async throws -> [[Descriptor]] {
        var pages: [[Descriptor]] = []
        var path: String? = path
        while let current = path, pages.count < 100 {
            let reply = try await client.send("GET", current)
            pages.append(try index(in: reply))
            path = reply["Link"].map { String($0.dropFirst().prefix { $0 != ">" }) }
            if let path { #expect(reply["Link"] == "<\(path)>; rel=\"next\"") }
        }
        return pages
    }

    @Test("What nobody has said anything about has an empty list", arguments: Transport.allCases)
    func empty(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(image, to: "a", as: "latest")
            let unknown = Digest(of: [1], algorithm: .sha512)
            for path in [
                "/v2/a/referrers/\(image.manifest.digest)", "/v2/a/referrers/\(unknown)",
                "/v2/nowhere/referrers/\(unknown)", "/v2/a/referrers/md5+x:abc=_-",
            ] {
                let reply = try await client.send("GET", path)
                #expect(try index(in: reply).isEmpty)
                #expect(reply["Link"] == nil && reply["OCI-Filters-Applied"] == nil)
            }
            for digest in ["latest", "sha256:abc", "sha256:", ":a"] {
                let reply = try await client.send("GET", "/v2/a/referrers/\(digest)")
                #expect(reply.status == 400 && reply.errorCode == "DIGEST_INVALID", "\(digest)")
            }
            let reply = try await client.send("PUT", "/v2/a/referrers/\(unknown)", content: [])
            #expect(reply.status == 405 && reply["Allow"] == "GET, HEAD")
        }
    }

    @Test(
        "Subjects may come late or never, and the push says that they are known",
        arguments: Transport.allCases
    )
    func subject(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(Self.configuration, to: "a")
            let artifact = try artifact(Self.spdx, about: image.manifest.descriptor, ["a": "1", "é": "\"\n"])
            let reply = try await client.send(
                "PUT",
                "/v2/a/manifests/\(artifact.digest)",
                ["Content-Type": artifact.manifest.mediaType.rawValue],
                content: artifact.bytes
            )
            #expect(reply.status == 201 && reply["OCI-Subject"] == "\(image.manifest.digest)")
            let path = "/v2/a/referrers/\(image.manifest.digest)"
            #expect(try await index(in: client.send("GET", path)) == [listed(artifact)])
            try await client.push(image, to: "a", as: "latest")
            #expect(try await index(in: client.send("GET", path)) == [listed(artifact)])
            #expect(try await client.send("DELETE", "/v2/a/manifests/\(image.manifest.digest)").status == 202)
            #expect(try await index(in: client.send("GET", path)) == [listed(artifact)])
            #expect(try await client.send("DELETE", "/v2/a/manifests/\(artifact.digest)").status == 202)
            #expect(try await index(in: client.send("GET", path)).isEmpty)
        }
    }

    @Test(
        "The artifact type is the manifest's own, or its configuration's media type",
        arguments: Transport.allCases
    )
    func artifactType(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            let subject = image.manifest.descriptor
            let layer = BlobFixture("layer")
            for blob in [Self.configuration, layer] { try await client.push(blob, to: "a") }
            let common: [JSONValue.Member] = [
                .init("schemaVersion", .integer(2)),
                .init("mediaType", .string(MediaType.ociManifest.rawValue)),
                .init("config", Self.configuration.descriptor(try MediaType("application/vnd.helm")).json),
                .init("layers", .array([layer.descriptor(.ociLayer).json])), .init("subject", subject.json),
            ]
            let chart = try ManifestFixture(.object(common))
            let blank = try ManifestFixture(.object(common + [.init("artifactType", .string(""))]))
            let typed = try ManifestFixture(.object(common + [.init("artifactType", .string(Self.spdx))]))
            let index = try ManifestFixture(
                .object([
                    .init("schemaVersion", .integer(2)),
                    .init("mediaType", .string(MediaType.ociIndex.rawValue)),
                    .init("manifests", .array([])), .init("subject", subject.json),
                ])
            )
            for manifest in [chart, blank, typed, index] { try await client.push(manifest, to: "a") }
            let path = "/v2/a/referrers/\(subject.digest)"
            let types = try await self.index(in: client.send("GET", path)).map(\.artifactType?.rawValue)
            #expect(types == ["application/vnd.helm", "application/vnd.helm", Self.spdx, nil])
            for (type, digests) in [
                ("application/vnd.helm", [chart.digest, blank.digest]), (Self.spdx, [typed.digest]),
                ("application%2Fspdx%2Bjson", [typed.digest]), ("none", []), ("%22%0A", []),
            ] {
                let reply = try await client.send("GET", "\(path)?artifactType=\(type)")
                #expect(try self.index(in: reply).map(\.digest) == digests, "\(type)")
                #expect(reply["OCI-Filters-Applied"] == "artifactType")
            }
            let unfiltered = try await client.send("GET", "\(path)?artifactType=")
            #expect(try self.index(in: unfiltered).count == 4 && unfiltered["OCI-Filters-Applied"] == nil)
        }
    }

    @Test(
        "Pages of every size give every referrer once, with the fallback tag's behind them",
        arguments: Transport.allCases
    )
    func paging(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            let subject = image.manifest.descriptor
            try await client.push(Self.configuration, to: "a")
            let named = try (0..<5).map { number in
                try artifact(
                    number == 2 ? Self.spdx : Self.signature,
                    about: subject,
                    ["number": "\(number)"]
                )
            }
            for artifact in named { try await client.push(artifact, to: "a") }
            // What an older client has pushed: manifests without a subject, and an index of them and of one that has
            // one, in which a manifest may stand twice.
            let older = try (0..<3).map { try ImageFixture("older \($0)") }
            for image in older { try await client.push(image, to: "a") }
            var tagged = older.map(\.manifest.descriptor)
            for number in tagged.indices {
                tagged[number].artifactType = try MediaType(number == 1 ? Self.spdx : Self.signature)
                tagged[number].annotations = ["older": "\(number)"]
            }
            let fallback = try ManifestFixture.index([named[3].descriptor] + tagged + [tagged[0]])
            try await client.push(fallback, to: "a", as: "sha256-\(subject.digest.encoded)")
            let all = named.map(listed) + tagged
            let path = "/v2/a/referrers/\(subject.digest)"
            for size in 1...9 {
                let pages = try await pages(client, "\(path)?n=\(size)")
                #expect(pages.flatMap { $0 } == all, "\(size)")
                #expect(pages.dropLast().allSatisfy { $0.count == size }, "\(size)")
                let filtered = try await self.pages(client, "\(path)?n=\(size)&artifactType=\(Self.spdx)")
                #expect(filtered.flatMap { $0 } == [listed(named[2]), tagged[1]], "\(size)")
            }
            let nothing = try await client.send("GET", "\(path)?n=0")
            #expect(try index(in: nothing).isEmpty && nothing["Link"] == nil)
            // The tag stays a tag like any other.
            let tag = try await client.send("GET", "/v2/a/manifests/sha256-\(subject.digest.encoded)")
            #expect(tag.content == fallback.bytes)
            for query in ["n=-1", "n=x", "last=x", "last=tag-", "last=tag--1", "last=-1"] {
                #expect(try await client.send("GET", "\(path)?\(query)").status == 400, "\(query)")
            }
        }
    }

    @Test(
        "A fallback tag of something else, and one for sha512, are read as what they are",
        arguments: Transport.allCases
    )
    func fallbackTag(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(image, to: "a", as: "sha256-\(image.manifest.digest.encoded)")
            let path = "/v2/a/referrers/\(image.manifest.digest)"
            #expect(try await index(in: client.send("GET", path)).isEmpty)
            let long = Digest(of: image.manifest.bytes, algorithm: .sha512)
            let fallback = try ManifestFixture.index([image.manifest.descriptor])
            try await client.push(fallback, to: "a", as: "sha512-\(long.encoded.prefix(64))")
            #expect(
                try await index(in: client.send("GET", "/v2/a/referrers/\(long)")) == [
                    image.manifest.descriptor
                ]
            )
        }
    }

    @Test(
        "A page has no more than clients read, however long the annotations",
        arguments: Transport.allCases
    )
    func size(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("app")
            try await client.push(Self.configuration, to: "a")
            // A short one leaves room on its page, but not for the long one behind it.
            let artifacts = try [1_900_000, 3_900_000, 1_000, 4_000_000, 1_500_000, 1_500_001].map { length in
                let text = String(repeating: "x", count: length)
                return try artifact(Self.spdx, about: image.manifest.descriptor, ["text": text])
            }
            for artifact in artifacts { try await client.push(artifact, to: "a") }
            var path: String? = "/v2/a/referrers/\(image.manifest.digest)"
            var found: [Descriptor] = []
            while let current = path {
                let reply = try await client.send("GET", current)
                #expect(reply.content.count <= 4 * 1024 * 1024)
                found += try index(in: reply)
                path = reply["Link"].map { String($0.dropFirst().prefix { $0 != ">" }) }
            }
            #expect(found.map(\.digest) == artifacts.map { listed($0).digest })
        }
    }
}
