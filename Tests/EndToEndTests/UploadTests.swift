import Foundation
import Testing

@Suite("curl -T")
struct UploadTests {
    @Test("answers with the reference on the first line, and the same digest however the bytes come")
    func digests() async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic("Contributors-linux-amd64")
            var digests: Set<String> = []
            try await program.withServer { server in
                let plain = try await program.tool(
                    "curl",
                    "-sS",
                    "-T",
                    executable.path,
                    "\(server.url)/team/"
                )
                let lines = plain.output.split(separator: "\n").map(String.init)
                #expect(lines.first == "localhost:\(server.port)/team/contributors:latest")
                #expect(
                    plain.output.contains(
                        "note      'team/Contributors-linux-amd64' is called team/contributors here"
                    )
                )
                digests.insert(try digest(plain))
                let named = try await program.tool(
                    "curl",
                    "-sS",
                    "-T",
                    executable.path,
                    "\(server.url)/team/contributors:1.2.0"
                )
                #expect(named.output.hasPrefix("localhost:\(server.port)/team/contributors:1.2.0\n"))
                digests.insert(try digest(named))
                let chunked = try await program.tool(
                    "curl",
                    "-sS",
                    "-T",
                    "-",
                    "\(server.url)/contributors:chunked",
                    input: executable
                )
                digests.insert(try digest(chunked))
                let slow = try await program.tool(
                    "curl",
                    "-sS",
                    "--limit-rate",
                    "2M",
                    "-T",
                    executable.path,
                    "\(server.url)/contributors:slow"
                )
                digests.insert(try digest(slow))
                let packed = try await program.run(
                    "pack",
                    "--storage",
                    program.storage.path,
                    executable.path,
                    "team/contributors:packed"
                )
                #expect(packed.output.hasPrefix("localhost:\(server.port)/team/contributors:packed\n"))
                digests.insert(try digest(packed))
            }
            let alone = try await program.run(
                "pack",
                "--storage",
                program.storage.path,
                executable.path,
                "team/contributors:alone"
            )
            digests.insert(try digest(alone))
            let elsewhere = try await program.run(
                "pack",
                "--storage",
                "elsewhere",
                executable.path,
                "other/contributors"
            )
            digests.insert(try digest(elsewhere))
            #expect(digests.count == 1, "\(digests)")
        }
    }

    @Test("says 201 for what is new and 200 for what is not, and JSON where that is wanted")
    func statusAndJSON() async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic("app")
            try await program.withServer { server in
                var statuses: [String] = []
                for _ in 0..<2 {
                    let reply = try await program.tool(
                        "curl",
                        "-sS",
                        "-o",
                        "reply",
                        "-w",
                        "%{http_code}",
                        "-H",
                        "Accept: application/json",
                        "-T",
                        executable.path,
                        "\(server.url)/"
                    )
                    statuses.append(reply.output)
                }
                #expect(statuses == ["201", "200"])
                let reply =
                    try JSONSerialization.jsonObject(
                        with: Data(contentsOf: program.folder.appending(path: "reply"))
                    ) as? [String: Any]
                #expect(reply?["reference"] as? String == "localhost:\(server.port)/app:latest")
                #expect(reply?["platform"] as? String == "linux/amd64")
            }
        }
    }

    @Test(
        "puts options into the image, in order",
        arguments: [
            "entrypoint=/app&entrypoint=-v&cmd=serve&cmd=--all&env=A=1&env=B=x%20y&port=8080&port=53/udp&label=k=v"
                + "&user=1000:1000&workdir=/tmp&ca=off"
        ]
    )
    func options(query: String) async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic("app")
            try await program.withServer { server in
                let reply = try await program.tool(
                    "curl",
                    "-sS",
                    "-T",
                    executable.path,
                    "\(server.url)/app?\(query)"
                )
                #expect(reply.output.hasPrefix("localhost:\(server.port)/app:latest\n"), "\(reply.output)")
                let inspected = try await program.tool(
                    "skopeo",
                    "inspect",
                    "--config",
                    "--tls-verify=false",
                    "docker://localhost:\(server.port)/app"
                )
                let document = try #require(
                    try JSONSerialization.jsonObject(with: Data(inspected.output.utf8)) as? [String: Any]
                )
                let configuration = try #require(document["config"] as? [String: Any])
                #expect(configuration["Entrypoint"] as? [String] == ["/app", "-v"])
                #expect(configuration["Cmd"] as? [String] == ["serve", "--all"])
                #expect((configuration["Env"] as? [String])?.suffix(2) == ["A=1", "B=x y"])
                #expect(
                    (configuration["ExposedPorts"] as? [String: Any])?.keys.sorted() == [
                        "53/udp", "8080/tcp",
                    ]
                )
                #expect((configuration["Labels"] as? [String: String])?["k"] == "v")
                #expect(configuration["User"] as? String == "1000:1000")
                #expect(configuration["WorkingDir"] as? String == "/tmp")
            }
        }
    }

    @Test(
        "gives the example's image the labels that Go's own tool shows",
        .enabled(if: ClientTests.contributors != nil, "BERTH_TEST_CONTRIBUTORS is not set")
    )
    func labels() async throws {
        let executable = try #require(ClientTests.contributors)
        let go = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "examples/contributors/go").path
        try await Program.with { program in
            let built = try await program.tool(go, "version", "-m", executable)
            func setting(_ key: String) -> String? {
                built.output.split(separator: "\n").compactMap { line in
                    line.contains("\tbuild\t\(key)=") ? line.split(separator: "=").last.map(String.init) : nil
                }.first
            }
            var labels = ["title": "contributors"]
            labels["revision"] = setting("vcs.revision")
            labels["created"] = setting("vcs.time")
            let expected = Dictionary(
                uniqueKeysWithValues: labels.map { ("org.opencontainers.image.\($0.key)", $0.value) }
            )
            try await program.withServer { server in
                let sent = try await program.tool("curl", "-sS", "-T", executable, "\(server.url)/")
                #expect(sent.status == 0, "\(sent.output) \(sent.errors)")
                let image = "docker://localhost:\(server.port)/contributors"
                func inspected(_ option: String) async throws -> [String: Any] {
                    let outcome = try await program.tool(
                        "skopeo",
                        "inspect",
                        option,
                        "--tls-verify=false",
                        image
                    )
                    let document = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
                    return try #require(document as? [String: Any])
                }
                let configuration = try await inspected("--config")
                let execution = try #require(configuration["config"] as? [String: Any])
                let found = try #require(execution["Labels"] as? [String: String])
                // A tag on the example's own folder would be a version.
                #expect(found.filter { !$0.key.hasSuffix(".version") } == expected)
                let date = labels["created"] ?? "1970-01-01T00:00:00Z"
                #expect(configuration["created"] as? String == date)
                let manifest = try await inspected("--raw")
                let annotations = try #require(manifest["annotations"] as? [String: String])
                #expect(annotations.filter { expected.keys.contains($0.key) } == expected)
                let version = try #require(
                    built.output.split(separator: "\n").first?.split(separator: " ").last
                )
                #expect(annotations["berth.go"] == String(version))

                let text = try await program.run("inspect", "--storage", program.storage.path, "contributors")
                #expect(text.output.contains(/Go: +go\S+, with 0 modules/), "\(text.output)")
                if let revision = labels["revision"] {
                    #expect(text.output.contains("Revision:    \(revision)"), "\(text.output)")
                }
            }
        }
    }

    @Test("refuses what cannot become an image, says what to do, and keeps nothing")
    func refusals() async throws {
        try await Program.with { program in
            let dynamic = try await program.tool(
                "gcc",
                "-o",
                "dynamic",
                "-x",
                "c",
                "-",
                input: try source(program)
            )
            try #require(dynamic.status == 0, "\(dynamic.errors)")
            let text = program.folder.appending(path: "script")
            try "#!/bin/sh\n".write(to: text, atomically: true, encoding: .utf8)
            let empty = program.folder.appending(path: "empty")
            try Data().write(to: empty)
            let app = try await program.compileStatic("app")
            let cut = program.folder.appending(path: "cut")
            try Data(contentsOf: app).prefix(100_000).write(to: cut)
            let large = program.folder.appending(path: "large")
            try Data(repeating: 65, count: 5_000_000).write(to: large)
            try await program.withServer { server in
                let cases: [(String, String, String)] = [
                    ("dynamic", "/", "422"), ("script", "/", "415"), ("empty", "/", "415"),
                    ("cut", "/", "422"),
                    ("large", "/", "415"), ("app", "/?colour=red", "400"), ("app", "/%2e%2e/x", "400"),
                    ("app", "/a%2fb", "400"), ("app", "/a%00b", "400"), ("app", "/v2/", "400"),
                    ("app", "/x:", "400"),
                    ("app", "/x:a:b", "400"), ("app", "/Überraschung", "400"), ("app", "/?port=99999", "400"),
                    ("app", "/tmp", "400"),
                ]
                for (file, target, status) in cases {
                    let reply = try await program.tool(
                        "curl",
                        "-sS",
                        "--path-as-is",
                        "-w",
                        "\n%{http_code}",
                        "-T",
                        file,
                        server.url + target
                    )
                    let lines = reply.output.split(separator: "\n")
                    #expect(lines.last.map(String.init) == status, "\(file) to \(target): \(reply.output)")
                    #expect(lines.count >= 2, "no word about \(file) to \(target)")
                    let prefix = target.hasPrefix("/v2") ? "{\"errors\"" : "berth: "
                    #expect(lines.first?.hasPrefix(prefix) == true, "\(reply.output)")
                }
                let catalog = try await program.tool("curl", "-sS", "\(server.url)/v2/_catalog")
                #expect(catalog.output == #"{"repositories":[]}"#)
                #expect(try program.stored("uploads").isEmpty)
                #expect(try program.stored("blobs/sha256").isEmpty)
            }
        }
    }

    @Test("keeps nothing of a file whose sender vanishes in the middle")
    func vanishing() async throws {
        try await Program.with { program in
            let app = try await program.compileStatic("app")
            // Large enough that the limit on the rate leaves time to vanish.
            let handle = try FileHandle(forWritingTo: app)
            try handle.truncate(atOffset: 64 * 1024 * 1024)
            try await program.withServer { server in
                let client = try ChildProcess(
                    "curl",
                    ["-sS", "--limit-rate", "1M", "-T", app.path, "\(server.url)/"],
                    in: program.folder
                )
                _ = try await eventually("bytes have come") { () -> Bool? in
                    let sizes = try program.stored("uploads").map { name in
                        try FileManager.default.attributesOfItem(
                            atPath: program.storage.appending(path: "uploads/\(name)").path
                        )[.size] as? Int ?? 0
                    }
                    return sizes.contains { $0 > 0 } ? true : nil
                }
                client.send(SIGKILL)
                _ = await client.outcome()
                _ = try await eventually("nothing is left") {
                    try program.stored("uploads").isEmpty ? true : nil
                }
                #expect(try program.stored("blobs/sha256").isEmpty)
                let health = try await program.tool("curl", "-sS", "\(server.url)/_/health")
                #expect(health.output == "ok\n")
            }
        }
    }

    private func source(_ program: Program) throws -> URL {
        let file = program.folder.appending(path: "dynamic.c")
        try "int main(void) { return 0; }\n".write(to: file, atomically: true, encoding: .utf8)
        return file
    }

    private func digest(_ outcome: ChildProcess.Outcome) throws -> String {
        let line = outcome.output.split(separator: "\n").first { $0.hasPrefix("digest ") }
        return String(try #require(line, "\(outcome.output) \(outcome.errors)").split(separator: " ")[1])
    }
}
