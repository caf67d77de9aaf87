import Foundation
import OCI
import Registry
import TestSupport
import Testing

/// What an upload may say of its tag, of what is kept, and how it may say it.
@Suite("Options of an upload")
struct UploadOptionTests {
    private struct Reply: Decodable {
        let digest: String
        let isChange: Bool
        let expires: String?
        let dryRun: Bool?
        let notes: [String]
    }

    private func upload(
        _ client: some TestClient,
        _ query: String = "",
        _ fields: KeyValuePairs<String, String> = [:],
        text: String = "",
        to path: String = "/app:v1"
    ) async throws -> TestReply {
        try await client.send(
            TestRequest(
                "PUT",
                query.isEmpty ? path : "\(path)?\(query)",
                fields,
                content: ProgramFixture.bytes(.amd64, text)
            )
        )
    }

    private func status(_ client: some TestClient, _ reference: String) async throws -> Int {
        try await client.send("GET", "/v2/app/manifests/\(reference)").status
    }

    @Test("ttl has the tag end when the reply says", arguments: Transport.allCases)
    func timeToLive(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let reply = try await upload(client, "ttl=2h")
            // The clock stands at 2001-09-09T01:46:40Z.
            #expect(reply.status == 201)
            #expect(reply.text.contains("\nexpires   2001-09-09T03:46:40Z\n"), "\(reply.text)")
            let digest = try #require(reply["Docker-Content-Digest"])
            test.clock.advance(by: .seconds(2 * 3600 - 1))
            #expect(try await status(client, "v1") == 200)
            test.clock.advance(by: .seconds(1))
            #expect(try await status(client, "v1") == 404)
            #expect(try await status(client, digest) == 200)
            let tags = try await client.send("GET", "/v2/app/tags/list")
            #expect(!tags.text.contains("v1"))
            // The same again without a time is there to stay, and a change.
            let again = try await upload(client)
            #expect(again.status == 201 && !again.text.contains("expires"))
            test.clock.advance(by: .seconds(10 * 365 * 86_400))
            #expect(try await status(client, "v1") == 200)
        }
    }

    @Test("The owner's rule holds for whoever pushes, and an upload's own word goes before it")
    func defaultTimeToLive() async throws {
        let policy = RegistryPolicy(tagLifetimes: [try TagLifetime("app:v*=1h"), try TagLifetime("*=1d")])
        try await withClient(.inProcess, policy: policy) { client, test in
            let image = try ImageFixture("pushed")
            try await client.push(image, to: "app", as: "v1")
            try await client.push(image, to: "app", as: "other")
            #expect(try await upload(client, to: "/app:v2").text.contains("expires   2001-09-09T02:46:40Z"))
            #expect(try await upload(client, "ttl=3h", to: "/app:v3").text.contains("04:46:40Z"))
            test.clock.advance(by: .seconds(3600))
            var found: [String] = []
            for tag in ["v1", "v2", "v3", "other"] where try await status(client, tag) == 200 {
                found.append(tag)
            }
            #expect(found == ["v3", "other"])
        }
    }

    @Test("A second platform of a build says anew how long the tag is there", arguments: Transport.allCases)
    func timeToLiveOfGroups(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            _ = try await upload(client, "ttl=1h&build=7")
            test.clock.advance(by: .seconds(1800))
            let program = ProgramFixture.bytes(.arm64)
            let reply = try await client.send("PUT", "/app:v1?ttl=1h&build=7", content: program)
            #expect(reply.text.contains("together") && reply.text.contains("expires   2001-09-09T03:16:40Z"))
            test.clock.advance(by: .seconds(3599))
            #expect(try await status(client, "v1") == 200)
            test.clock.advance(by: .seconds(1))
            #expect(try await status(client, "v1") == 404)
        }
    }

    @Test("immutable has the tag stay with the image, whatever comes then", arguments: Transport.allCases)
    func immutable(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            #expect(try await upload(client, "immutable").status == 201)
            #expect(try await upload(client).status == 200)
            let other = try await upload(client, text: "other")
            #expect(other.status == 409 && other.text.contains("v1"), "\(other.text)")
            let image = try ImageFixture("pushed")
            for blob in image.blobs { try await client.push(blob, to: "app") }
            let push = try await client.put(image.manifest, at: "/v2/app/manifests/v1")
            #expect(push.status == 409 && push.errorCode == "DENIED")
            #expect(try await client.send("DELETE", "/v2/app/manifests/v1").status == 202)
            #expect(try await upload(client, text: "other").status == 201)
        }
    }

    @Test("dry-run says what would be, and keeps nothing", arguments: Transport.allCases)
    func dryRun(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let before = try test.contents(of: "blobs")
            let reply = try await upload(client, "dry-run&ttl=1h")
            #expect(reply.status == 200 && reply.text.contains("dry run   nothing was kept"), "\(reply.text)")
            #expect(reply.text.contains("expires"))
            #expect(try test.contents(of: "blobs") == before)
            #expect(try test.contents(of: "uploads").isEmpty)
            #expect(try await status(client, "v1") == 404)
            #expect(try await client.send("GET", "/v2/_catalog").text.contains("[]"))

            let made = try await upload(client)
            #expect(made.status == 201 && made["Docker-Content-Digest"] == reply["Docker-Content-Digest"])
            let json: KeyValuePairs = ["Accept": "application/json"]
            for (text, isChange) in [("", false), ("other", true)] {
                let reply = try await upload(client, "dry-run=1", json, text: text)
                let value = try JSONDecoder().decode(Reply.self, from: Data(reply.content))
                #expect(reply.status == 200 && value.dryRun == true && value.isChange == isChange)
            }
            // Whatever would be refused is.
            #expect(
                try await client.send("PUT", "/app?dry-run", content: Array("#!/bin/sh\n".utf8)).status == 415
            )
            #expect(try await upload(client, "expect=linux/arm64&dry-run&build=1").status == 400)
        }
    }

    @Test(
        "A dry run says what would come of an upload among others of its build",
        arguments: Transport.allCases
    )
    func dryRunOfParts(_ transport: Transport) async throws {
        let policy = RegistryPolicy(immutableTags: [try TagPattern("v*")])
        try await withClient(transport, policy: policy) { client, test in
            let staged = try await upload(
                client,
                "build=1&expect=linux/amd64,linux/arm64&dry-run",
                to: "/app:x"
            )
            #expect(staged.status == 200 && staged.text.contains("waiting"), "\(staged.text)")
            #expect(try await status(client, "x") == 404)
            #expect(try await upload(client, "build=1").status == 201)
            let digest = try await client.send("HEAD", "/v2/app/manifests/v1")["Docker-Content-Digest"]
            // A further platform of the same build is welcome also where the tag does not move.
            let program = ProgramFixture.bytes(.arm64)
            let rehearsed = try await client.send("PUT", "/app:v1?build=1&dry-run", content: program)
            #expect(rehearsed.status == 200 && rehearsed.text.contains("together  linux/amd64, linux/arm64"))
            #expect(try await upload(client, "build=2&dry-run", text: "other").status == 409)
            #expect(try await client.send("HEAD", "/v2/app/manifests/v1")["Docker-Content-Digest"] == digest)
            let made = try await client.send("PUT", "/app:v1?build=1", content: program)
            #expect(made.status == 201 && made["Docker-Content-Digest"] == rehearsed["Docker-Content-Digest"])
            // And what an upload itself has said of its tag.
            #expect(try await upload(client, "immutable", to: "/app:y").status == 201)
            #expect(try await upload(client, "dry-run", text: "other", to: "/app:y").status == 409)
            #expect(try test.contents(of: "uploads").isEmpty)
        }
    }

    @Test("A program that would run and is not in the image is told of")
    func missingPrograms() async throws {
        try await withClient(.inProcess) { client, _ in
            let reply = try await upload(client, "entrypoint=/nope&health-cmd=/app%20-x")
            #expect(reply.status == 201)
            #expect(
                reply.text.contains(
                    "note      the image has no file /nope, which entrypoint names; its program is /app\n"
                )
            )
            #expect(!reply.text.contains("health-cmd"))
            let health = try await upload(client, "health-cmd=/nope&health-cmd=a&dry-run", to: "/app:2")
            #expect(health.text.contains("which health-cmd names"))
        }
    }

    @Test("Content that is encoded is refused, as nobody would undo it")
    func encoded() async throws {
        try await withClient(.inProcess) { client, _ in
            let reply = try await upload(client, "", ["Content-Encoding": "gzip"])
            #expect(reply.status == 415 && reply.text.contains("Content-Encoding"))
            #expect(try await upload(client, "", ["Content-Encoding": "identity"]).status == 201)
        }
    }

    @Test("A dry run on a tag that cannot be moved says so")
    func dryRunOnImmutable() async throws {
        let policy = RegistryPolicy(immutableTags: [try TagPattern("v*")])
        try await withClient(.inProcess, policy: policy) { client, _ in
            let first = try await upload(client)
            let other = try await upload(client, "dry-run", text: "other")
            let same = try await upload(client, "dry-run")
            #expect(first.status == 201 && other.status == 409 && same.status == 200)
        }
    }

    @Test("Headers say the same as the query, in their order and behind it", arguments: Transport.allCases)
    func headers(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let reply = try await upload(
                client,
                "env=A=1&cmd=serve",
                [
                    "X-Image-Env": "B=2", "x-image-cmd": "-v", "X-Image-Env": "C=3, 4",
                    "X-Image-Health-Cmd": "/app -health", "X-Image-Dry-Run": "off",
                    "Accept": "application/json",
                ]
            )
            #expect(reply.status == 201, "\(reply.text)")
            #expect(
                reply.text.contains(
                    #""options":{"cmd":["serve","-v"],"env":["A=1","B=2","C=3, 4"],"user":"65532:65532""#
                ),
                "\(reply.text)"
            )
            #expect(reply.text.contains(#""health-cmd":["/app","-health"]"#))
            let query = try await upload(
                client,
                "env=A=1&env=B=2&env=C=3,%204&cmd=serve&cmd=-v&health-cmd=/app%20-health"
            )
            #expect(query.status == 200 && query["Docker-Content-Digest"] == reply["Docker-Content-Digest"])
            for (fields, part) in [
                (["X-Image-Enviroment": "A=1"], "did you mean 'env'"),
                (["X-Image-": "A=1"], "no option ''"),
                (["X-Image-User": "1", "X-Image-User": "1"], "'user' is given more than once"),
                (["X-Image-Port": "x"], "'port' cannot be 'x'"),
            ] as [(KeyValuePairs<String, String>, String)] {
                let reply = try await upload(client, "", fields)
                #expect(reply.status == 400 && reply.text.contains(part), "\(reply.text)")
            }
            let twice = try await upload(client, "user=1", ["X-Image-User": "1"])
            #expect(twice.status == 400 && twice.text.contains("'user' is given more than once"))
        }
    }

    @Test("An image is what its platform option says, with a note where the program is not")
    func platform() async throws {
        try await withClient(.inProcess) { client, _ in
            let reply = try await upload(client, "platform=linux/arm/v7")
            #expect(reply.status == 201 && reply.text.contains("platform  linux/arm/v7\n"))
            #expect(
                reply.text.contains(
                    "note      the image says linux/arm/v7, as was asked for, but the program is for linux/amd64"
                )
            )
            #expect(try await !upload(client, "platform=linux/amd64").text.contains("as was asked for"))
        }
    }
}
