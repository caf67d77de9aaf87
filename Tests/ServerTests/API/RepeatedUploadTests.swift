import Foundation
import OCI
import Registry
import Storage
import TestSupport
import Testing

/// Uploads of what the repository was sent before, and digests that a client announces.
@Suite("Repeated uploads")
struct RepeatedUploadTests {
    private let program = ProgramFixture.bytes(
        .amd64,
        String(repeating: "x", count: 9000),
        revision: "0123abcd"
    )

    private func put(
        _ client: some TestClient,
        _ path: String = "/app:v1",
        _ fields: KeyValuePairs<String, String> = [:],
        _ content: [UInt8]? = nil
    ) async throws -> TestReply {
        try await client.send(TestRequest("PUT", path, fields, content: content ?? program))
    }

    private func base64(_ bytes: [UInt8], _ algorithm: SupportedAlgorithm = .sha256) -> String {
        let digits = Array(OCI.Digest(of: bytes, algorithm: algorithm).encoded)
        let hash = stride(from: 0, to: digits.count, by: 2).map {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16) ?? 0
        }
        return Data(hash).base64EncodedString()
    }

    /// What differs between two replies to the same upload, of which one changed nothing.
    private func facts(_ reply: TestReply) -> [String] {
        reply.text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("unchanged") }
    }

    @Test("The same again gets the same answer, and nothing is written", arguments: Transport.allCases)
    func repeated(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let first = try await put(client)
            #expect(first.status == 201, "\(first.text)")
            // What the program tells is told again from what was remembered.
            #expect(
                first.text.contains("\nrevision  0123abcd\ngo        go1.27.3, with 0 modules\n"),
                "\(first.text)"
            )
            let stored = try test.contents(of: "blobs/sha256")
            for fields: KeyValuePairs in [[:], ["Repr-Digest": "sha-256=:\(base64(program)):"]] {
                let again = try await put(client, "/app:v1", fields)
                #expect(again.status == 200 && again.text.contains("unchanged"))
                #expect(facts(again) == facts(first))
                #expect(again["Docker-Content-Digest"] == first["Docker-Content-Digest"])
            }
            #expect(try test.contents(of: "blobs/sha256") == stored)
            #expect(try test.contents(of: "uploads").isEmpty)
            // Under another tag it is a change, of the same image.
            let other = try await put(client, "/app:v2")
            #expect(other.status == 201)
            #expect(other["Docker-Content-Digest"] == first["Docker-Content-Digest"])
        }
    }

    @Test("Whatever makes another image is not taken for the same", arguments: Transport.allCases)
    func differences(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            var changed = program
            // Behind the beginning by which a repetition is guessed.
            changed[8000] ^= 1
            var digests = [try await put(client)["Docker-Content-Digest"]]
            for (path, content) in [
                ("/app:v1", changed), ("/app:v1?cmd=x", program), ("/app:v1?name=other", program),
                ("/app:v1?base=none", program), ("/app:v1", changed + [0]),
            ] {
                let reply = try await put(client, path, [:], content)
                #expect(reply.status == 201, "\(path): \(reply.text)")
                digests.append(reply["Docker-Content-Digest"])
                // And the same is found again among them.
                #expect(try await put(client, path, [:], content).status == 200)
            }
            #expect(Set(digests).count == digests.count)
            // An image that was made with fewer documents gets the others.
            #expect(try await put(client, "/bare?sbom=off").status == 201)
            let more = try await put(client, "/bare")
            #expect(more.status == 200 && more.text.contains("but for spdx, cyclonedx"), "\(more.text)")
        }
    }

    @Test("What was deleted is made again", arguments: Transport.allCases)
    func deleted(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let digest = try #require(try await put(client)["Docker-Content-Digest"])
            let lists = try await client.send("GET", "/v2/app/referrers/\(digest)")
            #expect(lists.text.components(separatedBy: "artifactType").count == 4)
            // A document alone.
            let pattern = /"digest":"(sha256:[0-9a-f]+)"/
            let document = try #require(lists.text.firstMatch(of: pattern)?.1)
            #expect(try await client.send("DELETE", "/v2/app/manifests/\(document)").status == 202)
            let again = try await put(client)
            #expect(again.status == 200 && again.text.contains("but for"), "\(again.text)")
            #expect(try await client.send("GET", "/v2/app/manifests/\(document)").status == 200)
            // The image, and then its content.
            #expect(try await client.send("DELETE", "/v2/app/manifests/\(digest)").status == 202)
            #expect(try await put(client).status == 201)
            #expect(try await client.send("DELETE", "/v2/app/manifests/\(digest)").status == 202)
            test.clock.advance(by: .seconds(2 * 86_400))
            try await test.collectGarbage()
            #expect(try test.contents(of: "blobs/sha256").isEmpty)
            #expect(try await put(client).status == 201)
            #expect(try await client.send("GET", "/v2/app/manifests/\(digest)").status == 200)
        }
    }

    @Test("What was lost on disk is written again", arguments: ["layer", "configuration"])
    func lost(_ part: String) async throws {
        try await withClient(.inProcess) { client, test in
            let digest = try #require(try await put(client)["Docker-Content-Digest"])
            let manifest = try await client.send("GET", "/v2/app/manifests/\(digest)")
            let digests = manifest.text.matches(of: /"digest":"(sha256:[0-9a-f]+)"/).map { String($0.1) }
            let lost = try OCI.Digest(digests[part == "layer" ? 1 : 0])
            try test.storage.blobs.remove(lost)
            #expect(try await client.send("GET", "/v2/app/blobs/\(lost)").status >= 500)
            let again = try await put(
                client,
                "/app:v1",
                ["X-Checksum-Sha256": OCI.Digest(of: program).encoded]
            )
            #expect(again.status == 200, "\(again.text)")
            #expect(try await client.send("GET", "/v2/app/blobs/\(lost)").status == 200)
        }
    }

    @Test("A digest that was announced is that of what came", arguments: Transport.allCases)
    func announced(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let other = Array("other".utf8)
            let hexadecimal = OCI.Digest(of: program).encoded
            let wrong: [KeyValuePairs<String, String>] = [
                ["Repr-Digest": "sha-256=:\(base64(other)):"],
                ["Content-Digest": "sha-256=:\(base64(other)):"],
                ["Repr-Digest": "sha-512=:\(base64(other, .sha512)):"],
                ["X-Checksum-Sha256": OCI.Digest(of: other).encoded],
                ["X-Checksum-Sha256": hexadecimal, "Repr-Digest": "sha-512=:\(base64(other, .sha512)):"],
                ["Repr-Digest": "sha-256=:\(base64(program)):, sha-512=:\(base64(other, .sha512)):"],
            ]
            for fields in wrong {
                let reply = try await put(client, "/app", fields)
                #expect(reply.status == 400 && reply.text.contains("the content's digest is"), "\(fields)")
            }
            #expect(try test.contents(of: "uploads").isEmpty)
            #expect(try await client.send("GET", "/v2/app/manifests/latest").status == 404)
            let two: KeyValuePairs = [
                "X-Checksum-Sha256": hexadecimal, "Content-Digest": "sha-256=:\(base64(other)):",
            ]
            #expect(try await put(client, "/app", two).text.contains("two different sha256 digests"))
            for (number, fields)
                in ([
                    ["Repr-Digest": "sha-256=:\(base64(program)):"],
                    [
                        "Content-Digest":
                            " sha-512=:\(base64(program, .sha512)):;x=1 , sha-256=:\(base64(program)):"
                    ],
                    ["X-Checksum-Sha256": hexadecimal.uppercased()],
                    // What nobody here computes says nothing.
                    ["Repr-Digest": "md5=:AAAA:, unixsum=:AAAA:"],
                ] as [KeyValuePairs<String, String>]).enumerated()
            {
                #expect(try await put(client, "/app:\(number)", fields).status == 201, "\(fields)")
            }
        }
    }

    @Test(
        "A field that cannot be read is refused, whatever it may have meant",
        arguments: [
            ("Repr-Digest", "sha-256"), ("Repr-Digest", "sha-256=abc"), ("Repr-Digest", "sha-256=::"),
            ("Repr-Digest", "sha-256=:AAAA:"), ("Repr-Digest", "sha-256=:?:"), ("Repr-Digest", ""),
            ("Repr-Digest", "=:AAAA:"), ("Content-Digest", "sha-512=:\(String(repeating: "A", count: 43))=:"),
            ("Content-Digest", "sha-256=:"), ("Repr-Digest", ",,"), ("X-Checksum-Sha256", "abc"),
            ("X-Checksum-Sha256", String(repeating: "g", count: 64)),
            ("X-Checksum-Sha256", "sha256:\(String(repeating: "a", count: 64))"),
        ]
    )
    func malformed(_ name: String, _ value: String) async throws {
        try await withClient(.inProcess) { client, _ in
            let reply = try await client.send(TestRequest("PUT", "/app", [name: value], content: program))
            #expect(reply.status == 400 && reply.text.contains(name), "\(reply.text)")
        }
    }

    @Test("A client that waits with a known executable sends nothing of it")
    func unsent() async throws {
        try await withServer { server in
            func head(_ path: String, _ field: String) -> String {
                "PUT \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(program.count)\r\n"
                    + "Expect: 100-continue\r\n\(field)\r\n\r\n"
            }
            let field = "X-Checksum-Sha256: \(OCI.Digest(of: program).encoded)"
            let first = try server.connect()
            try await first.send(head("/app:v1", field))
            #expect(try await first.readReply(to: "PUT").status == 100)
            try await first.send(program)
            let made = try await first.readReply(to: "PUT")
            #expect(made.status == 201, "\(made.text)")
            first.close()

            let again = try server.connect()
            try await again.send(head("/app:v1", field))
            let unchanged = try await again.readReply(to: "PUT")
            #expect(unchanged.status == 200 && unchanged.text.contains("unchanged"), "\(unchanged.text)")
            again.close()
            // To another tag, by the digest alone.
            let moved = try server.connect()
            try await moved.send(head("/app:v2?ttl=1h", field))
            let tagged = try await moved.readReply(to: "PUT")
            #expect(tagged.status == 201 && tagged.text.contains("expires"))
            moved.close()
            // Another repository, other options, another file and no file are asked for.
            for (path, field) in [
                ("/other:v1", field), ("/app:v1?cmd=x", field), ("/team/app:v1", field),
                ("/app:v1", "X-Checksum-Sha256: \(OCI.Digest(of: [1]).encoded)"), ("/app:v1", "X-A: b"),
            ] {
                let asked = try server.connect()
                try await asked.send(head(path, field))
                #expect(try await asked.readReply(to: "PUT").status == 100, "\(path) \(field)")
                asked.close()
            }
        }
    }
}
