import Archive
import Foundation
import OCI
import Registry
import TestSupport
import Testing

/// Images under the names that people know: what is said of them, and their removal.
@Suite("GET and DELETE of an image")
struct ImageTests {
    private func upload(
        _ client: some TestClient,
        _ machine: ProgramFixture.Machine = .amd64,
        to target: String,
        revision: String? = nil
    ) async throws -> TestReply {
        let reply = try await client.send(
            "PUT",
            target,
            content: ProgramFixture.bytes(machine, revision: revision)
        )
        try #require(reply.status == 201, "\(reply.text)")
        return reply
    }

    @Test(
        "Text says what the image is, what it was made of, and what to do with it",
        arguments: Transport.allCases
    )
    func text(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let target =
                "/team/app:1.0?port=8080&env=A=b&cmd=serve&label=k=v&health-cmd=/app&health-cmd=-check&health-interval=30s"
            let made = try await upload(client, to: target, revision: "abc")
            let reply = try await client.send("GET", "/team/app:1.0", ["Host": "localhost:5000"])
            #expect(reply.status == 200)
            #expect(reply["Content-Type"] == "text/plain; charset=utf-8")
            #expect(reply["Docker-Content-Digest"] == made["Docker-Content-Digest"])
            #expect(reply["Cache-Control"] == "no-cache")
            #expect(reply["Vary"] == "Accept")
            for expected in [
                "team/app:1.0\n", try #require(made["Docker-Content-Digest"]), "linux/amd64\n", "Pushed:",
                "docker pull localhost:5000/team/app:1.0\n", "docker run --rm localhost:5000/team/app:1.0\n",
                "Entrypoint:  /app\n", "Command:     serve\n", "Ports:       8080/tcp\n", "A=b\n", "k=v\n",
                "Health:      /app -check every 30s\n", "Go:          go1.27.3, with 0 modules\n",
                "Revision:    abc\n", "Version:     v1.2.3\n", "User:        65532:65532\n",
                "Executable:  /app, ", "curl -o app 'http://localhost:5000/team/app:1.0?file'\n",
                "application/vnd.oci.image.layer.v1.tar+gzip\n", "berth.recipe=",
            ] {
                #expect(reply.text.contains(expected), "no \(expected) in \(reply.text)")
            }
        }
    }

    @Test("JSON says the same to programs", arguments: Transport.allCases)
    func json(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let made = try await upload(client, to: "/app")
            let reply = try await client.send("GET", "/app", ["Accept": "text/html, application/json;q=0.9"])
            #expect(reply.status == 200)
            #expect(reply["Content-Type"] == "application/json")
            let document = try #require(
                try JSONSerialization.jsonObject(with: Data(reply.content)) as? [String: Any]
            )
            #expect(document["name"] as? String == "app:latest")
            #expect((document["reference"] as? String)?.hasSuffix("/app:latest") == true)
            #expect(document["digest"] as? String == made["Docker-Content-Digest"])
            #expect(document["pushed"] is String && document["tagged"] is String)
            let part = try #require((document["parts"] as? [[String: Any]])?.first)
            let program = ProgramFixture.bytes(.amd64)
            let executable = try #require(part["executable"] as? [String: Any])
            #expect(executable["digest"] as? String == Digest(of: program).description)
            #expect(executable["size"] as? Int == program.count)
            #expect(executable["path"] as? String == "/app")
            #expect((part["layers"] as? [Any])?.count == 1)

            // What `berth inspect` asks for is the same, to the byte but for the name that the registry was called by.
            let owner = InProcessClient(test.registry, isAdministrative: true)
            for (form, accept) in [("json", "application/json"), ("text", "text/plain")] {
                let inspected = try await owner.send("GET", "/_/admin/image?name=app&form=\(form)")
                let direct = try await owner.send("GET", "/app", ["Accept": accept])
                #expect(inspected.text == direct.text)
            }
        }
    }

    @Test("HEAD and conditions spare the content", arguments: Transport.allCases)
    func conditions(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            _ = try await upload(client, to: "/app")
            for accept in ["*/*", "application/json"] {
                let get = try await client.send("GET", "/app", ["Accept": accept])
                let head = try await client.send("HEAD", "/app", ["Accept": accept])
                #expect(head.status == 200)
                #expect(head.content.isEmpty)
                for name in [
                    "Content-Length", "Content-Type", "ETag", "Docker-Content-Digest", "Cache-Control",
                    "Vary",
                ] {
                    #expect(head[name] == get[name] && get[name] != nil, "\(name)")
                }
                #expect(get["Content-Length"] == "\(get.content.count)")
                let tag = try #require(get["ETag"])
                for (match, status) in [
                    (tag, 304), ("W/\(tag)", 304), ("*", 304), ("\"x\", \(tag)", 304), ("\"x\"", 200),
                ] {
                    let reply = try await client.send(
                        "GET",
                        "/app",
                        ["Accept": accept, "If-None-Match": match]
                    )
                    #expect(reply.status == status, "\(match)")
                    #expect(reply["ETag"] == tag && reply["Cache-Control"] == "no-cache")
                    if status == 304 { #expect(reply.content.isEmpty) }
                }
            }
            // A tag that has moved is another answer.
            let before = try await client.send("GET", "/app")["ETag"]
            _ = try await upload(client, .arm64, to: "/app")
            let reply = try await client.send("GET", "/app", ["If-None-Match": before ?? ""])
            #expect(reply.status == 200)
        }
    }

    @Test("Of an index all platforms are shown, or the one that is asked for", arguments: Transport.allCases)
    func platforms(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            for machine in [.amd64, .arm64, .riscv64] as [ProgramFixture.Machine] {
                _ = try await upload(client, machine, to: "/app:v1?build=1")
            }
            let all = try await client.send("GET", "/app:v1", ["Host": "localhost:5000"])
            for name in [
                "linux/amd64\n", "linux/arm64\n", "linux/riscv64\n",
                "'http://localhost:5000/app:v1?platform=linux/arm64&file'",
            ] {
                #expect(all.text.contains(name), "\(all.text)")
            }
            let one = try await client.send("GET", "/app:v1?platform=linux/arm64", ["Host": "localhost:5000"])
            #expect(one.status == 200)
            #expect(one.text.contains("linux/arm64\n") && !one.text.contains("riscv64"))
            #expect(one.text.contains("docker pull --platform linux/arm64 localhost:5000/app:v1\n"))
            let image = try #require(one["Docker-Content-Digest"])
            #expect(image != all["Docker-Content-Digest"])
            #expect(try await client.send("GET", "/app@\(image)").status == 200)
            let none = try await client.send("GET", "/app:v1?platform=linux/s390x")
            #expect(none.status == 404)
            #expect(none.text.contains("linux/amd64, linux/arm64, linux/riscv64"), "\(none.text)")
            let alone = try await client.send("GET", "/app@\(image)?platform=linux/amd64")
            #expect(alone.status == 404 && alone.text.contains("it is for linux/arm64"), "\(alone.text)")
            #expect(try await client.send("GET", "/app@\(image)?platform=linux/arm64/v8").status == 200)
        }
    }

    @Test("What refers to an image is listed with it")
    func referrers() async throws {
        try await withClient(.inProcess) { client, _ in
            _ = try await upload(client, to: "/app")
            let manifest = try await client.send("GET", "/v2/app/manifests/latest")
            let empty = BlobFixture("{}")
            try await client.push(empty, to: "app")
            let image = try ManifestFixture(manifest.content)
            let type = try MediaType("application/spdx+json")
            for number in 0..<51 {
                let artifact = try ManifestFixture.artifact(
                    type,
                    about: image.descriptor,
                    configuration: empty,
                    annotations: ["number": "\(number)"]
                )
                try await client.push(artifact, to: "app")
                guard number == 0 else { continue }
                let reply = try await client.send("GET", "/app")
                #expect(reply.text.contains("application/spdx+json  \(artifact.digest)\n"), "\(reply.text)")
                #expect(!reply.text.contains("and more"))
            }
            let text = try await client.send("GET", "/app").text
            #expect(text.contains("and more: http"), "\(text)")
            let json = try await client.send("GET", "/app", ["Accept": "application/json"]).text
            #expect(json.contains(#""hasMoreReferrers":true"#))
        }
    }

    @Test("What others have pushed is shown as far as it is an image", arguments: Transport.allCases)
    func foreign(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let image = try ImageFixture("other")
            try await client.push(image, to: "a/b", as: "x")
            let reply = try await client.send("GET", "/a/b:x")
            #expect(reply.status == 200)
            #expect(reply.text.contains("Entrypoint:  /other\n") && !reply.text.contains("?file"))
            let artifact = try ManifestFixture.artifact(
                MediaType("application/x.y"),
                about: image.manifest.descriptor,
                configuration: image.configuration
            )
            try await client.push(artifact, to: "a/b", as: "artifact")
            let other = try await client.send("GET", "/a/b:artifact")
            #expect(other.status == 200)
            #expect(other.text.contains("application/x.y") && !other.text.contains("docker"), "\(other.text)")
        }
    }

    @Test(
        "A command that could do harm in a shell is not made of a manifest",
        arguments: ["/a'; reboot '", "/$(x)", "/"]
    )
    func shell(path: String) async throws {
        try await withClient(.inProcess) { client, _ in
            var claims = ExecutableImageFixture.Claims()
            claims.path = path
            let image = try ExecutableImageFixture([1], .none, claims: claims)
            try await client.push(image, to: "team/app", as: "x")
            let reply = try await client.send("GET", "/team/app:x")
            #expect(reply.text.contains("curl -o app 'http"), "\(reply.text)")
        }
    }

    @Test(
        "Where an image is not there, the reply says what is, and how to make it",
        arguments: Transport.allCases
    )
    func absence(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let nothing = try await client.send("GET", "/team/app:1.0", ["Host": "localhost:5000"])
            #expect(nothing.status == 404)
            #expect(
                nothing.text == """
                    berth: there is no repository team/app
                    to make it of an executable: curl -T ./program http://localhost:5000/team/app:1.0

                    """
            )
            #expect(nothing["Cache-Control"] == "no-cache")
            _ = try await upload(client, to: "/team/app:1.0")
            let latest = try await client.send("GET", "/team/app", ["Host": "localhost:5000"])
            #expect(latest.status == 404)
            #expect(
                latest.text.hasPrefix("berth: there is no tag latest in team/app; there is 1.0\n"),
                "\(latest.text)"
            )
            #expect(latest.text.hasSuffix("curl -T ./program http://localhost:5000/team/app\n"))
            for number in 1...9 {
                _ = try await client.send(
                    "PUT",
                    "/team/app:2.\(number)",
                    content: ProgramFixture.bytes(.amd64)
                )
            }
            let many = try await client.send("GET", "/team/app?file")
            #expect(
                many.text.contains("there are 1.0, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6, 2.7, …\n"),
                "\(many.text)"
            )
            let json = try await client.send("GET", "/team/app", ["Accept": "application/json"])
            #expect(json.status == 404 && json.errorCode == "MANIFEST_UNKNOWN")
            #expect(try await client.send("HEAD", "/team/app").status == 404)
        }
    }

    @Test(
        "A name that no image can have is refused in a line",
        arguments: [
            ("/Foo", 404), ("/_x", 404), ("/a:-", 404), ("/a@sha256:1", 400), ("/a?fil", 400),
            ("/a?platform=x", 400),
        ]
    )
    func impossible(target: String, status: Int) async throws {
        try await withClient(.inProcess) { client, _ in
            let reply = try await client.send("GET", target)
            #expect(reply.status == status)
            #expect(reply.text.hasPrefix("berth: ") && reply.text.count > 20, "\(reply.text)")
        }
    }

    @Test("A tag that ends says when, and is not there from then on")
    func expiry() async throws {
        let clock = ManualClock()
        try await withClient(.inProcess, clock: clock) { client, _ in
            _ = try await upload(client, to: "/app?ttl=2h")
            for target in ["/app", "/app?file"] {
                let reply = try await client.send("GET", target)
                #expect(reply.status == 200 && reply["Cache-Control"] == "no-cache")
            }
            #expect(try await client.send("GET", "/app").text.contains("Expires:  2001-09-09T03:46:40Z\n"))
            clock.advance(by: .seconds(7200))
            for target in ["/app", "/app?file"] {
                let tag = "\"\(Digest(of: ProgramFixture.bytes(.amd64)))\""
                let reply = try await client.send("GET", target, ["If-None-Match": tag])
                #expect(reply.status == 404, "\(reply.text)")
            }
        }
    }

    // MARK: Removal

    @Test("DELETE removes the tag, and says what stays", arguments: Transport.allCases)
    func untag(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            for tag in ["latest", "1.0"] {
                _ = try await client.send("PUT", "/app:\(tag)", content: ProgramFixture.bytes(.amd64))
            }
            let digest = try #require(try await client.send("HEAD", "/app")["Docker-Content-Digest"])
            let reply = try await client.send("DELETE", "/app")
            #expect(reply.status == 202)
            #expect(reply.text.split(separator: "\n").count == 1)
            #expect(
                reply.text.hasPrefix("removed the tag app:latest;") && reply.text.contains("app@\(digest)"),
                "\(reply.text)"
            )
            #expect(try await client.send("GET", "/app").status == 404)
            #expect(try await client.send("GET", "/app:1.0").status == 200)
            #expect(try await client.send("GET", "/v2/app/manifests/latest").status == 404)
            #expect(try await client.send("GET", "/app@\(digest)").status == 200)
            let again = try await client.send("DELETE", "/app")
            #expect(again.status == 404)
            #expect(again.text == "berth: there is no tag latest in app; there is 1.0\n", "\(again.text)")

            let json = try await client.send("DELETE", "/app@\(digest)", ["Accept": "application/json"])
            #expect(json.status == 202)
            #expect(json.text == #"{"removed":"app@\#(digest)","digest":"\#(digest)"}"#, "\(json.text)")
            #expect(try await client.send("GET", "/app:1.0").status == 404)
            #expect(try await client.send("DELETE", "/nothing/here").status == 404)
        }
    }

    @Test("What an index lists cannot be removed, nor anything where deletes are denied, nor with a query")
    func refused() async throws {
        try await withClient(.inProcess) { client, _ in
            for machine in [.amd64, .arm64] as [ProgramFixture.Machine] {
                _ = try await upload(client, machine, to: "/app?build=1")
            }
            let image = try #require(
                try await client.send("GET", "/app?platform=linux/arm64")["Docker-Content-Digest"]
            )
            #expect(try await client.send("DELETE", "/app@\(image)").status == 409)
            let query = try await client.send("DELETE", "/app?platform=linux/arm64")
            #expect(query.status == 400 && query.text.contains("'platform'"), "\(query.text)")
            #expect(try await client.send("DELETE", "/app/").status == 404)
            #expect(try await client.send("GET", "/app").status == 200)
        }
        try await withClient(.inProcess, policy: RegistryPolicy(allowsDeletes: false)) { client, _ in
            _ = try await upload(client, to: "/app")
            let reply = try await client.send("DELETE", "/app")
            #expect(reply.status == 405)
            #expect(reply["Allow"] == "GET, HEAD, PUT")
            #expect(reply.text.contains("deletes: allow"))
            #expect(try await client.send("GET", "/app").status == 200)
        }
    }
}
