import Foundation
import OCI
import Registry
import TestSupport
import Testing

/// Executables of one build that are uploaded apart, and share a tag.
@Suite("Uploads of many platforms")
struct MergingTests {
    private struct Index: Decodable {
        /// nil in an image.
        let manifests: [OCI.Descriptor]?
    }

    private func upload(
        _ client: some TestClient,
        _ machine: ProgramFixture.Machine,
        _ query: String,
        text: String = "",
        revision: String? = nil,
        to path: String = "/app:v1"
    ) async throws -> TestReply {
        let program = ProgramFixture.bytes(machine, text, revision: revision)
        return try await client.send("PUT", "\(path)?\(query)", content: program)
    }

    private func platforms(_ client: some TestClient, _ tag: String = "v1") async throws -> [String] {
        let reply = try await client.send("GET", "/v2/app/manifests/\(tag)")
        guard reply.status == 200 else { return [] }
        let index = try JSONDecoder().decode(Index.self, from: Data(reply.content))
        return (index.manifests ?? []).compactMap { $0.platform?.description }
    }

    private func digest(_ client: some TestClient, _ tag: String = "v1") async throws -> String? {
        try await client.send("HEAD", "/v2/app/manifests/\(tag)")["Docker-Content-Digest"]
    }

    @Test("Uploads of one build become one index, in whatever order they come", arguments: Transport.allCases)
    func merge(_ transport: Transport) async throws {
        var digests: Set<String?> = []
        for machines in [[.amd64, .arm64, .riscv64], [.riscv64, .amd64, .arm64]] as [[ProgramFixture.Machine]]
        {
            try await withClient(transport) { client, _ in
                for (number, machine) in machines.enumerated() {
                    let reply = try await upload(client, machine, "build=17")
                    #expect(reply.status == 201, "\(reply.text)")
                    #expect(
                        reply.text.contains(":v1\n") && reply.text.contains("platform  \(machine.platform)")
                    )
                    #expect(reply.text.contains("together") == (number > 0))
                    #expect(try await digest(client) == reply["Docker-Content-Digest"])
                }
                #expect(try await platforms(client) == ["linux/amd64", "linux/arm64", "linux/riscv64"])
                digests.insert(try await digest(client))
                let again = try await upload(client, .arm64, "build=17")
                #expect(again.status == 200 && again.text.contains("unchanged"))
            }
        }
        #expect(digests.count == 1)
    }

    @Test(
        "Without a build an upload replaces the tag, and says what that no longer stands for",
        arguments: Transport.allCases
    )
    func replace(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            _ = try await upload(client, .amd64, "")
            let same = try await upload(client, .amd64, "", text: "changed")
            #expect(!same.text.contains("no longer stands"))
            let other = try await upload(client, .arm64, "")
            #expect(
                other.status == 201 && other.text.contains("no longer stands for linux/amd64"),
                "\(other.text)"
            )
            #expect(other.text.contains("?build="))
        }
    }

    @Test("Parts that are expected are staged until all have come", arguments: Transport.allCases)
    func expect(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let query = "build=17&expect=linux/arm64,linux/amd64"
            let first = try await client.send(
                "PUT",
                "/app:v1?\(query)",
                ["Accept": "application/json"],
                content: ProgramFixture.bytes(.amd64)
            )
            #expect(first.status == 202)
            #expect(first.text.contains(#""missing":["linux/arm64"]"#), "\(first.text)")
            let image = try #require(first["Docker-Content-Digest"])
            #expect(first.text.contains("/app@\(image)"))
            #expect(try await client.send("GET", "/v2/app/manifests/v1").status == 404)
            #expect(try await client.send("GET", "/v2/app/manifests/\(image)").status == 200)
            let text = try await upload(client, .amd64, query)
            #expect(text.status == 202 && text.text.contains("app:v1 appears when linux/arm64 has come"))
            let wrong = try await upload(client, .riscv64, query)
            #expect(wrong.status == 400 && wrong.text.contains("linux/riscv64"), "\(wrong.text)")
            let last = try await upload(client, .arm64, query)
            #expect(last.status == 201)
            #expect(try await platforms(client) == ["linux/amd64", "linux/arm64"])
            for query in [
                "expect=linux/amd64", "build=1&expect=linux", "build=1&expect=a/b,a/b", "build=",
                "build=a%20b",
            ] {
                let reply = try await upload(client, .amd64, query)
                #expect(reply.status == 400, "\(query): \(reply.text)")
            }
        }
    }

    @Test(
        "Programs that say which commit they are of share a tag without a build",
        arguments: Transport.allCases
    )
    func derived(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            for (machine, revision, expected) in [
                (.amd64, "a", ["linux/amd64"]), (.arm64, "a", ["linux/amd64", "linux/arm64"]),
                // Another commit is another build, and one that comes late does not go back.
                (.arm64, "b", ["linux/arm64"]), (.riscv64, "a", ["linux/arm64"]),
                (.amd64, "b", ["linux/amd64", "linux/arm64"]),
            ] as [(ProgramFixture.Machine, String, [String])] {
                let reply = try await upload(client, machine, "", revision: revision)
                #expect(reply.status == 201, "\(reply.text)")
                let found = try await platforms(client)
                #expect(found == (expected.count > 1 ? expected : []), "\(machine) \(revision)")
            }
            // A build that is named is another one, even with the name of what is derived.
            let name = "example.com/app@v1.2.3%23b"
            _ = try await upload(client, .riscv64, "build=\(name)", revision: "b")
            #expect(try await platforms(client) == [])
        }
    }

    @Test(
        "Parts are waited for without a build where the program says what it belongs to",
        arguments: Transport.allCases
    )
    func derivedExpectation(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let query = "expect=linux/amd64,linux/arm64"
            let unknown = try await upload(client, .amd64, query)
            #expect(unknown.status == 400 && unknown.text.contains("build=17"), "\(unknown.text)")
            let wrong = try await upload(client, .riscv64, query, revision: "a")
            #expect(wrong.status == 400 && wrong.text.contains("linux/riscv64"), "\(wrong.text)")
            #expect(try await client.send("GET", "/v2/_catalog").text == #"{"repositories":[]}"#)
            #expect(try await upload(client, .amd64, query, revision: "a").status == 202)
            #expect(try await upload(client, .arm64, query, revision: "b").status == 202)
            #expect(try await client.send("GET", "/v2/app/manifests/v1").status == 404)
            #expect(try await upload(client, .arm64, query, revision: "a").status == 201)
            #expect(try await platforms(client) == ["linux/amd64", "linux/arm64"])
        }
    }

    @Test("Two builds never mix, and the later one has the tag", arguments: Transport.allCases)
    func interleaved(_ transport: Transport) async throws {
        let parts: [(String, ProgramFixture.Machine)] = [
            ("a", .amd64), ("b", .amd64), ("a", .arm64), ("b", .arm64),
        ]
        var orders: [[Int]] = [[]]
        for part in parts.indices {
            orders = orders.flatMap { order in
                (0...order.count).map { place in
                    Array(order[..<place]) + [part] + Array(order[place...])
                }
            }
        }
        #expect(Set(orders).count == 24)
        for order in orders {
            try await withClient(transport) { client, _ in
                var builds: [String] = []
                for (build, machine) in order.map({ parts[$0] }) {
                    if !builds.contains(build) { builds.append(build) }
                    let reply = try await upload(client, machine, "build=\(build)", text: build)
                    let isLate = build != builds.last
                    #expect(reply.status == 201 && reply.text.contains("late") == isLate, "\(reply.text)")
                    guard isLate, let image = reply["Docker-Content-Digest"] else { continue }
                    #expect(reply.text.contains("/app@\(image)"))
                    #expect(try await client.send("GET", "/v2/app/manifests/\(image)").status == 200)
                }
                let winner = try #require(builds.last)
                let alone = try await uploadAlone(client, build: winner, as: "alone")
                #expect(try await digest(client) == alone, "\(order)")
            }
        }
    }

    /// Uploads both platforms of a build to a tag of its own, and returns the index's digest.
    private func uploadAlone(_ client: some TestClient, build: String, as tag: String) async throws -> String?
    {
        for machine in [ProgramFixture.Machine.amd64, .arm64] {
            _ = try await upload(client, machine, "build=\(build)", text: build, to: "/app:\(tag)")
        }
        return try await digest(client, tag)
    }

    @Test(
        "Eight uploads of four platforms at once end with the same index, every time",
        arguments: Transport.allCases
    )
    func atOnce(_ transport: Transport) async throws {
        let machines: [ProgramFixture.Machine] = [.amd64, .arm64, .ppc64le, .riscv64]
        var digests: Set<String?> = []
        for _ in 0..<6 {
            try await withClient(transport) { client, _ in
                try await withThrowingTaskGroup { group in
                    for machine in (machines + machines).shuffled() {
                        group.addTask {
                            let reply = try await self.upload(client, machine, "build=17")
                            #expect([200, 201].contains(reply.status), "\(reply.text)")
                        }
                    }
                    try await group.waitForAll()
                }
                digests.insert(try await digest(client))
                #expect(try await platforms(client) == machines.map(\.platform).sorted())
            }
        }
        #expect(digests.count == 1)
    }

    @Test(
        "An immutable tag takes further platforms of its own build, and nothing else",
        arguments: Transport.allCases
    )
    func immutable(_ transport: Transport) async throws {
        try await withClient(transport, policy: RegistryPolicy(immutableTags: [try TagPattern("v*")])) {
            client,
            _ in
            #expect(try await upload(client, .amd64, "build=17").status == 201)
            #expect(try await upload(client, .arm64, "build=17").status == 201)
            #expect(try await upload(client, .arm64, "build=17").status == 200)
            let before = try await digest(client)
            for (machine, query, text) in [
                (.amd64, "build=17", "changed"), (.riscv64, "build=18", ""), (.riscv64, "", ""),
                (.amd64, "", ""),
            ] as [(ProgramFixture.Machine, String, String)] {
                let reply = try await upload(client, machine, query, text: text)
                #expect(reply.status == 409 && reply.text.contains("immutable"), "\(query): \(reply.text)")
            }
            #expect(try await digest(client) == before)
            #expect(try await upload(client, .riscv64, "build=17").status == 201)
            #expect(try await platforms(client) == ["linux/amd64", "linux/arm64", "linux/riscv64"])
        }
    }
}
