import Foundation
import OCI
import Registry
import TestSupport
import Testing

/// The documents that an upload attaches to its image.
@Suite("Documents of uploads")
struct AttestationTests {
    private static let spdx = "application/spdx+json"
    private static let cyclonedx = "application/vnd.cyclonedx+json"
    private static let provenance = "application/vnd.in-toto+json"

    private struct Index: Decodable {
        let manifests: [OCI.Descriptor]
    }

    private func upload(
        _ client: some TestClient,
        _ query: String = "",
        machine: ProgramFixture.Machine = .amd64,
        text: String = "",
        accept: String = "*/*"
    ) async throws -> TestReply {
        try await client.send(
            "PUT",
            "/app:v1?\(query)",
            ["Accept": accept],
            content: ProgramFixture.bytes(machine, text, revision: query.contains("build") ? nil : "a")
        )
    }

    private func referrers(_ client: some TestClient, _ digest: String?) async throws -> [OCI.Descriptor] {
        let reply = try await client.send("GET", "/v2/app/referrers/\(try #require(digest))")
        try #require(reply.status == 200)
        return try JSONDecoder().decode(Index.self, from: Data(reply.content)).manifests
    }

    private func types(_ client: some TestClient, _ digest: String?) async throws -> [String] {
        try await referrers(client, digest).compactMap(\.artifactType?.rawValue)
    }

    @Test(
        "An image has those that were asked for, and its provenance",
        arguments: Transport.allCases,
        [
            ("", [spdx, cyclonedx, provenance], "spdx, cyclonedx, provenance"),
            ("sbom=on", [spdx, cyclonedx, provenance], "spdx, cyclonedx, provenance"),
            ("sbom=spdx", [spdx, provenance], "spdx, provenance"),
            ("sbom=cyclonedx", [cyclonedx, provenance], "cyclonedx, provenance"),
            ("sbom=off", [provenance], "provenance"),
        ]
    )
    func kinds(_ transport: Transport, wanted: (query: String, types: [String], text: String)) async throws {
        try await withClient(transport) { client, _ in
            let reply = try await upload(client, wanted.query)
            #expect(reply.status == 201)
            #expect(reply.text.contains("\nattached  \(wanted.text)\n"), "\(reply.text)")
            let image = try #require(reply["Docker-Content-Digest"])
            #expect(try await types(client, image) == wanted.types)
            for artifact in try await referrers(client, image) {
                let manifest = try await client.send("GET", "/v2/app/manifests/\(artifact.digest)")
                #expect(manifest["Content-Type"] == "application/vnd.oci.image.manifest.v1+json")
                let parsed = try Manifest(parsing: manifest.content, contentType: .ociManifest)
                #expect(parsed.subject?.digest.description == image)
                for reference in parsed.references.map(\.descriptor) {
                    let blob = try await client.send("GET", "/v2/app/blobs/\(reference.digest)")
                    #expect(OCI.Digest(of: blob.content) == reference.digest)
                    #expect(try JSONSerialization.jsonObject(with: Data(blob.content)) is [String: Any])
                }
            }
        }
    }

    @Test("The same upload adds none, and writes nothing", arguments: Transport.allCases)
    func unchanged(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let first = try await upload(client)
            let before = try await referrers(client, first["Docker-Content-Digest"])
            let stored = try test.contents(of: "blobs/sha256")
            let second = try await upload(client)
            #expect(second.status == 200 && second.text.hasSuffix("unchanged since it was uploaded before\n"))
            #expect(try await referrers(client, first["Docker-Content-Digest"]) == before)
            #expect(try test.contents(of: "blobs/sha256") == stored)
            #expect(try test.contents(of: "uploads").isEmpty)
        }
    }

    @Test("The same upload brings back what has been lost of them", arguments: Transport.allCases)
    func healed(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let image = try await upload(client)["Docker-Content-Digest"]
            let stored = try test.contents(of: "blobs/sha256")
            #expect(stored.count == 6)
            for name in stored {
                try FileManager.default.removeItem(atPath: test.folder.file("blobs/sha256/\(name)"))
            }
            #expect(try await upload(client).status == 200)
            #expect(try test.contents(of: "blobs/sha256") == stored)
            for artifact in try await referrers(client, image) {
                let manifest = try await client.send("GET", "/v2/app/manifests/\(artifact.digest)")
                for reference in try Manifest(parsing: manifest.content, contentType: nil).references {
                    let digest = reference.descriptor.digest
                    #expect(try await client.send("GET", "/v2/app/blobs/\(digest)").status == 200)
                }
            }
        }
    }

    @Test("An upload that asks for more adds that, and says so", arguments: Transport.allCases)
    func more(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let first = try await upload(client, "sbom=off")
            let image = first["Docker-Content-Digest"]
            #expect(try await types(client, image) == [Self.provenance])
            let second = try await upload(client, "sbom=on")
            #expect(second.status == 200 && second["Docker-Content-Digest"] == image)
            #expect(
                second.text.hasSuffix("unchanged since it was uploaded before, but for spdx, cyclonedx\n"),
                "\(second.text)"
            )
            #expect(Set(try await types(client, image)) == [Self.spdx, Self.cyclonedx, Self.provenance])
            // One that asks for less takes none away.
            let third = try await upload(client, "sbom=off")
            #expect(third.status == 200 && third.text.contains("\nattached  provenance\n"))
            #expect(try await types(client, image).count == 3)
        }
    }

    @Test("The reply in JSON names them by their digests", arguments: Transport.allCases)
    func json(_ transport: Transport) async throws {
        struct Reply: Decodable {
            struct Attached: Decodable, Equatable {
                let kind: String
                let artifactType: String
                let digest: String
                let isNew: Bool
            }

            let image: String
            let attached: [Attached]
        }
        try await withClient(transport) { client, _ in
            _ = try await upload(client, "sbom=spdx")
            let reply = try await upload(client, "sbom=on", accept: "application/json")
            let document = try JSONDecoder().decode(Reply.self, from: Data(reply.content))
            let found = try await referrers(client, document.image)
            #expect(document.attached.map(\.kind) == ["spdx", "cyclonedx", "provenance"])
            #expect(document.attached.map(\.isNew) == [false, true, false])
            let listed = Dictionary(
                uniqueKeysWithValues: found.map { ($0.digest.description, $0.artifactType?.rawValue) }
            )
            #expect(document.attached.allSatisfy { listed[$0.digest] == $0.artifactType })
        }
    }

    @Test("Each platform's image has its own, and none twice", arguments: Transport.allCases)
    func platforms(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let machines: [ProgramFixture.Machine] = [.amd64, .arm64, .riscv64]
            try await withThrowingTaskGroup { group in
                for machine in machines + machines {
                    group.addTask { _ = try await upload(client, "build=17", machine: machine) }
                }
                try await group.waitForAll()
            }
            let index = try await client.send("GET", "/v2/app/manifests/v1")
            let images = try JSONDecoder().decode(Index.self, from: Data(index.content)).manifests
            #expect(images.count == 3)
            var digests: Set<OCI.Digest> = []
            for image in images {
                let found = try await referrers(client, image.digest.description)
                #expect(found.count == 3)
                digests.formUnion(found.map(\.digest))
            }
            #expect(digests.count == 9)
            #expect(try await referrers(client, index["Docker-Content-Digest"]).isEmpty)
        }
    }

    @Test(
        "They go with the image, also with one that is replaced while it waits",
        arguments: Transport.allCases
    )
    func removal(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try #require(try await upload(client)["Docker-Content-Digest"])
            #expect(try await client.send("DELETE", "/v2/app/manifests/\(image)").status == 202)
            #expect(try await referrers(client, image).isEmpty)
            let query = "build=18&expect=linux/amd64,linux/arm64"
            let first = try await upload(client, query, text: "first")
            #expect(first.status == 202 && first.text.contains("attached  spdx"))
            let second = try await upload(client, query, text: "second")
            #expect(try await referrers(client, first["Docker-Content-Digest"]).isEmpty)
            #expect(try await referrers(client, second["Docker-Content-Digest"]).count == 3)
        }
    }
}
