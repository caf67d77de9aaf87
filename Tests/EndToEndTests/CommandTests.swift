import Foundation
import Testing

@Suite("Commands")
struct CommandTests {
    @Test("list and inspect show what is there, beside a server and without one, as text and as JSON")
    func listAndInspect() async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic("app")
            let storage = program.storage.path
            let missing = try await program.run("list", "--storage", storage)
            #expect(missing.status == 1)
            #expect(missing.errors.contains("there is no storage folder"))
            for name in ["team/app:1.0", "team/app:2.0", "zebra"] {
                let packed = try await program.run("pack", "--storage", storage, executable.path, name)
                #expect(packed.status == 0, "\(packed.errors)")
            }
            let alone = try await listing(program)
            let beside = try await program.withServer { _ in try await listing(program) }
            #expect(alone == beside)
            #expect(
                alone.map { "\($0["repository"] ?? ""):\($0["tag"] ?? "")" } == [
                    "team/app:1.0", "team/app:2.0", "zebra:latest",
                ]
            )
            #expect(alone.allSatisfy { ($0["platforms"] as? [String]) == ["linux/amd64"] })

            let text = try await program.run("list", "--storage", storage)
            #expect(text.output.hasPrefix("REPOSITORY  TAG     PLATFORMS"))
            let inspected = try await program.run("inspect", "--storage", storage, "team/app:1.0")
            #expect(inspected.output.contains("Entrypoint:  /app"))
            let json = try await program.run("inspect", "--storage", storage, "--json", "team/app:1.0")
            let document = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
            #expect(document?["digest"] as? String == alone.first?["digest"] as? String)
            let unknown = try await program.run("inspect", "--storage", storage, "team/nothing")
            #expect(unknown.status == 1)
            #expect(unknown.errors.hasPrefix("berth: there is no repository team/nothing\n"))
        }
    }

    private func listing(_ program: Program) async throws -> [NSDictionary] {
        let outcome = try await program.run("list", "--json", "--storage", program.storage.path)
        return try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [NSDictionary]
        )
    }

    @Test("list pages through many tags")
    func manyTags() async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic("app")
            try await program.withServer { server in
                _ = try await program.tool("curl", "-sS", "-T", executable.path, "\(server.url)/app:first")
                _ = try await program.tool(
                    "curl",
                    "-sS",
                    "-H",
                    "Accept: */*",
                    "-o",
                    "manifest",
                    "\(server.url)/v2/app/manifests/first"
                )
                let tags = (0..<230).map { "t\($0)" }
                _ = try await program.tool(
                    "curl",
                    "-sS",
                    "-X",
                    "PUT",
                    "-H",
                    "Content-Type: application/vnd.oci.image.manifest.v1+json",
                    "--data-binary",
                    "@manifest",
                    "\(server.url)/v2/app/manifests/t[0-229]"
                )
                let names = try await listing(program).compactMap { $0["tag"] as? String }
                #expect(names == (tags + ["first"]).sorted())
            }
        }
    }

    @Test("uploads lists what is not finished, beside a server and without one, until it expires")
    func uploads() async throws {
        try await Program.with { program in
            let storage = program.storage.path
            let (beside, started) = try await program.withServer { server in
                for (name, content) in [("zebra", "12345"), ("team/app", "1"), ("team/app", "")] {
                    let opened = try await program.tool(
                        "curl",
                        "-sS",
                        "-o",
                        "/dev/null",
                        "-w",
                        "%header{location}",
                        "-X",
                        "POST",
                        "\(server.url)/v2/\(name)/blobs/uploads/"
                    )
                    let sent = try await program.tool(
                        "curl",
                        "-sSf",
                        "-X",
                        "PATCH",
                        "--data-binary",
                        content,
                        "\(server.url)\(opened.output)"
                    )
                    #expect(sent.status == 0, "\(sent.errors)")
                }
                return (try await uploadListing(program), Date())
            }
            let alone = try await uploadListing(program)
            #expect(alone == beside)
            #expect(alone.map { $0["repository"] as? String } == ["team/app", "team/app", "zebra"])
            #expect(Set(alone.prefix(2).map { $0["size"] as? Int }) == [0, 1])
            #expect(alone.last?["size"] as? Int == 5)
            let expires = try #require(alone.last?["expires"] as? String)
            let week = try Date(expires, strategy: .iso8601).timeIntervalSince(started)
            #expect(abs(week - 7 * 86_400) < 300)

            let text = try await program.run("uploads", "--storage", storage)
            let lines = text.output.split(separator: "\n")
            #expect(lines.first?.split(separator: " ").first == "REPOSITORY")
            #expect(lines.count == 4)
            let id = try #require(alone.last?["id"] as? String)
            #expect(lines.last?.hasPrefix("zebra") == true && lines.last?.hasSuffix(id) == true)

            // As if a week had gone by for one of them. Nobody knows it any more, and the next server removes it.
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -8 * 86_400)],
                ofItemAtPath: program.storage.appending(path: "uploads/\(id)").path
            )
            #expect(try await uploadListing(program).count == 2)
            #expect(try program.stored("uploads").contains(id))
            try await program.withServer { server in
                try await eventually("the expired upload is removed") {
                    try program.stored("uploads").contains { $0.hasPrefix(id) } ? nil : ()
                }
                try await eventually("the log tells of it") {
                    server.process.errorsSoFar.contains("collected what nothing needs") ? () : nil
                }
            }
            #expect(try program.stored("uploads").count == 4)
        }
    }

    private func uploadListing(_ program: Program) async throws -> [NSDictionary] {
        let outcome = try await program.run("uploads", "--json", "--storage", program.storage.path)
        return try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [NSDictionary],
            "\(outcome.errors)"
        )
    }

    @Test("pack says what is wrong with its file")
    func badFiles() async throws {
        try await Program.with { program in
            let storage = program.storage.path
            // To open it would wait for ever.
            _ = try await program.tool("mkfifo", "pipe")
            for (file, expected) in [
                ("pipe", "is not a file"), ("nothing", "No such file"), ("/tmp", "is a folder"),
                ("/etc/passwd", "text file"),
            ] {
                let outcome = try await program.run("pack", "--storage", storage, file, "x")
                #expect(outcome.status == 1)
                #expect(
                    outcome.errors.hasPrefix("berth: ") && outcome.errors.contains(expected),
                    "\(outcome.errors)"
                )
            }
        }
    }

    @Test("config tells where each value comes from")
    func config() async throws {
        try await Program.with { program in
            try "port: 6000\n".write(
                to: program.folder.appending(path: "my.yaml"),
                atomically: true,
                encoding: .utf8
            )
            let outcome = try await program.run(
                "config",
                "--config",
                "my.yaml",
                "--storage",
                "elsewhere",
                environment: ["BERTH_LOG_FORMAT": "json"]
            )
            #expect(outcome.status == 0)
            let rows = outcome.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            #expect(
                rows.contains { $0.prefix(2) == ["port", "6000"] && $0.last?.contains("my.yaml:1") == true }
            )
            #expect(rows.contains { $0.prefix(2) == ["storage", "elsewhere"] && $0.contains("--storage") })
            #expect(
                rows.contains { $0.prefix(2) == ["log.format", "json"] && $0.contains("BERTH_LOG_FORMAT") }
            )
            #expect(rows.contains { $0.prefix(2) == ["host", "127.0.0.1"] && $0.last == "default" })
        }
    }

    @Test(
        "tell their version and explain themselves",
        arguments: [
            (["--version"], "berth "), (["--help"], "curl -T"), (["help", "pack"], "--entrypoint"),
            (["serve", "--help"], "--port"),
        ]
    )
    func help(arguments: [String], expected: String) async throws {
        try await Program.with { program in
            let outcome = try await ChildProcess.run(Program.path, arguments, in: program.folder)
            #expect(outcome.status == 0)
            #expect(outcome.output.contains(expected))
        }
    }

    @Test("work on a folder whose path is too long for a socket in it")
    func longPath() async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic("app")
            let storage = program.folder.appending(path: String(repeating: "long/", count: 30)).path
            let server = try ChildProcess(
                Program.path,
                ["serve", "--port", "0", "--storage", storage],
                in: program.folder
            )
            _ = try await eventually("the server listens") {
                server.outputSoFar.contains("try:") ? true : nil
            }
            let packed = try await program.run("pack", "--storage", storage, executable.path)
            #expect(packed.status == 0, "\(packed.errors)")
            server.send(SIGTERM)
            #expect(await server.outcome().status == 0)
        }
    }

    @Test("one after another and all at once take turns at a folder")
    func atOnce() async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic("app")
            let outcomes = try await withThrowingTaskGroup(of: ChildProcess.Outcome.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        try await program.run(
                            "pack",
                            "--storage",
                            program.storage.path,
                            executable.path,
                            "app:\(number)"
                        )
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.allSatisfy { $0.status == 0 }, "\(outcomes.map(\.errors))")
            #expect(try await listing(program).count == 6)
        }
    }
}
