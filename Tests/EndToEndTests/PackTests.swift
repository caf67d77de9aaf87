import Foundation
import Testing

/// `berth pack` to other places than the storage folder, as other programs find what it made.
@Suite("berth pack elsewhere")
struct PackTests {
    private func run(
        _ program: Program,
        _ command: String,
        _ arguments: [String],
        environment: [String: String] = [:]
    ) async throws -> String {
        let outcome = try await ChildProcess.run(
            command,
            arguments,
            in: program.folder,
            environment: environment
        )
        try #require(outcome.status == 0, "\(command) \(arguments.joined(separator: " ")): \(outcome.errors)")
        return outcome.output
    }

    /// Runs `berth pack`, which has to succeed, and nothing may be left of what it needed on the way.
    private func pack(
        _ program: Program,
        _ arguments: [String],
        environment: [String: String] = [:]
    ) async throws -> String {
        let scratch = program.folder.appending(path: "scratch")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        let output = try await run(
            program,
            Program.path,
            ["pack"] + arguments,
            environment: environment.merging(["TMPDIR": scratch.path, "HOME": program.folder.path]) {
                own,
                _ in
                own
            }
        )
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).isEmpty)
        return output
    }

    private func digest(_ reply: String) throws -> String {
        let line = try #require(reply.split(separator: "\n").first { $0.hasPrefix("digest ") })
        return String(try #require(line.split(separator: " ").last))
    }

    private func bytes(_ program: Program, _ path: String) throws -> Data {
        try Data(contentsOf: program.folder.appending(path: path))
    }

    @Test("skopeo and tar read both outputs, and the digest is that of an upload")
    func outputs() async throws {
        try await Program.with { program in
            let app = try await program.compileStatic("app").path
            let options = ["--env", "A=1", "--label", "b=2", "--entrypoint", "/app", "--entrypoint", "x y"]
            let layout = try await pack(program, [app, "team/app:1.0", "--output", "layout"] + options)
            let archive = try await pack(program, [app, "team/app:1.0", "--output", "app.tar"] + options)
            #expect(layout.hasPrefix("team/app:1.0\n") && layout.hasSuffix("written   layout\n"))
            #expect(archive.contains("docker run --rm team/app:1.0\n"))
            #expect(try digest(layout) == digest(archive))

            // Again, and through a pipe: the same bytes.
            let quiet = ["--quiet", app, "team/app:1.0", "--output", "again.tar"]
            #expect(try await pack(program, quiet + options) == "team/app:1.0\n")
            #expect(try bytes(program, "again.tar") == bytes(program, "app.tar"))
            let words = ([Program.path, "pack", app, "team/app:1.0", "--output", "-"] + options).map {
                "'\($0)'"
            }
            _ = try await run(program, "sh", ["-c", words.joined(separator: " ") + " > piped.tar"])
            #expect(try bytes(program, "piped.tar") == bytes(program, "app.tar"))

            let names = try await run(program, "tar", ["tf", "app.tar"]).split(separator: "\n")
            #expect(names.prefix(3) == ["oci-layout", "index.json", "manifest.json"])
            for (index, source) in [
                "oci:layout:team/app:1.0", "oci-archive:app.tar", "docker-archive:app.tar:team/app:1.0",
                "docker-archive:app.tar",
            ].enumerated() {
                _ = try await run(program, "skopeo", ["copy", "-q", source, "dir:copy-\(index)"])
            }
            let sum = try await run(program, "sha256sum", ["copy-0/manifest.json", "copy-1/manifest.json"])
            let made = try digest(layout)
            #expect(sum.split(separator: "\n").allSatisfy { "sha256:\($0.prefix(64))" == made })

            try await program.withServer { server in
                let query = "env=A=1&label=b=2&entrypoint=/app&entrypoint=x%20y"
                let sent = try await run(
                    program,
                    "curl",
                    ["-sS", "-T", app, "\(server.url)/team/app:1.0?\(query)"]
                )
                #expect(try digest(sent) == digest(layout))
            }
        }
    }

    @Test(
        "docker loads the archive, and runs what is in it",
        .enabled(if: ClientTests.dockerHost != nil, "no docker engine: BERTH_TEST_DOCKER_HOST is not set")
    )
    func dockerLoad() async throws {
        try await Program.with { program in
            let app = try await program.compileStatic("app", text: "loaded \(UUID().uuidString)").path
            let name = "berth-test-\(UUID().uuidString.prefix(8).lowercased()):1"
            let json = try await pack(program, [app, name, "--output", "app.tar", "--json"])
            let reply = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
            #expect(reply?["reference"] as? String == name && reply?["output"] as? String == "app.tar")
            let docker = Docker(program: program, host: try #require(ClientTests.dockerHost))
            #expect(try await docker.run("load", "--input", "app.tar") == "Loaded image: \(name)\n")
            let greeting = try await docker.run("run", "--rm", "--network", "none", name)
            let layers = try await docker.run("image", "inspect", "--format", "{{len .RootFS.Layers}}", name)
            _ = try await docker.run("rmi", "--force", name)
            #expect(greeting.hasPrefix("loaded ") && layers == "1\n")
        }
    }

    @Test("containerd imports the archive, and the digest stays")
    func containerdImport() async throws {
        try await Containerd.with { scene, containerd in
            let app = try await scene.program.compileStatic("app", text: "imported").path
            let reply = try await pack(scene.program, [app, "team/app:1", "--output", "app.tar"])
            try await containerd.ctr(
                "images",
                "import",
                "--snapshotter",
                "native",
                scene.file("app.tar").path
            )
            let images = try await containerd.ctr("images", "ls")
            let line = images.split(separator: "\n").first { $0.hasPrefix("docker.io/team/app:1 ") }
            #expect(try line?.contains(digest(reply)) == true, "\(images)")
        }
    }

    @Test("writes nothing where it cannot, and nothing over what is there")
    func refusals() async throws {
        try await Program.with { program in
            let app = try await program.compileStatic("app").path
            _ = try await pack(program, [app, "--output", "layout"])
            try "old".write(to: program.folder.appending(path: "old.tar"), atomically: true, encoding: .utf8)
            let script = program.folder.appending(path: "script")
            try "#!/bin/sh\n".write(to: script, atomically: true, encoding: .utf8)
            for (arguments, status, expected) in [
                ([app, "--output", "layout"], Int32(1), "layout is there already"),
                ([app, "--output", "none/x"], 1, "cannot write none/x: No such file or directory"),
                ([app, "--output", "none/x.tar"], 1, "cannot write none/x.tar: No such file or directory"),
                ([app, "--output", "app"], 1, "app is there already"),
                (["none", "--output", "x.tar"], 1, "cannot read none"),
                ([script.path, "--output", "old.tar"], 1, "script"),
                ([app, "UPPER_", "--output", "x.tar"], 1, "berth: "),
                ([app, "--output", "x.tar", "--env", "1=2"], 1, "env"),
                ([app, "--output", "x.tgz"], 64, "name it x.tar"),
            ] {
                let outcome = try await ChildProcess.run(
                    Program.path,
                    ["pack"] + arguments,
                    in: program.folder
                )
                #expect(outcome.status == status, "\(arguments)")
                #expect(outcome.errors.contains(expected), "\(arguments): \(outcome.errors)")
                #expect(outcome.output.isEmpty)
            }
            #expect(try String(decoding: bytes(program, "old.tar"), as: UTF8.self) == "old")
            let left = try FileManager.default.contentsOfDirectory(atPath: program.folder.path)
            #expect(
                !left.contains { $0.contains("partial") || $0.hasPrefix("x") || $0 == "storage" },
                "\(left)"
            )
        }
    }

    @Test("says what would be made, and makes nothing, with --dry-run")
    func dryRun() async throws {
        try await Program.with { program in
            let app = try await program.compileStatic("app").path
            let words = [app, "--output", "x.tar", "--push", "localhost:1/team/app:1", "--dry-run"]
            let reply = try await pack(program, words)
            #expect(reply.hasPrefix("localhost:1/team/app:1\n") && !reply.contains("pushed"))
            #expect(!FileManager.default.fileExists(atPath: program.folder.appending(path: "x.tar").path))
        }
    }

    @Test("pushes to another Berth, and the digest is that of an upload there")
    func push() async throws {
        try await Program.with { program in
            let app = try await program.compileStatic("app").path
            try await program.withServer { server in
                let name = "localhost:\(server.port)/team/app:1"
                let second = "127.0.0.1:\(server.port)/other/app:2"
                let reply = try await pack(
                    program,
                    [app, "--push", name, "--push", second, "--port", "8080"]
                )
                #expect(reply.hasPrefix("\(name)\n") && reply.contains("docker run --rm \(name)\n"))
                #expect(reply.hasSuffix("pushed    \(name)\npushed    \(second)\n"))
                let sent = try await run(
                    program,
                    "curl",
                    ["-sS", "-T", app, "\(server.url)/team/app:1?port=8080"]
                )
                #expect(sent.contains("unchanged since"), "\(sent)")
                #expect(try digest(sent) == digest(reply))
                let other = try await run(
                    program,
                    "curl",
                    ["-sS", "-T", app, "\(server.url)/other/app:2?port=8080"]
                )
                #expect(other.contains("unchanged since"), "\(other)")
                #expect(try digest(other) == digest(reply))

                // What is called otherwise in the image is another image.
                let named = try await pack(
                    program,
                    [app, "zoo/thing:3", "--push", name, "--output", "x.tar", "--json"]
                )
                #expect(named.contains(#""pushed":["\#(name)"],"output":"x.tar"}"#))
                let manifest = try await run(program, "tar", ["xOf", "x.tar", "manifest.json"])
                #expect(manifest.contains(#""RepoTags":["zoo/thing:3"]"#))
                let inspected = try await run(
                    program,
                    "skopeo",
                    ["inspect", "--tls-verify=false", "--config", "docker://\(name)"]
                )
                #expect(inspected.contains(#""/thing""#), "\(inspected)")
            }
        }
    }

    @Test("leaves nothing behind when it is interrupted", arguments: [SIGINT, SIGTERM])
    func interruption(signal: Int32) async throws {
        try await Program.with { program in
            let app = try await program.compileStatic("app").path
            let scratch = program.folder.appending(path: "scratch")
            try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
            // A registry that takes the connection, and never answers.
            let silent = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
            defer { close(silent) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = bind(silent, $0, length)
                    _ = listen(silent, 8)
                    _ = getsockname(silent, $0, &length)
                }
            }
            let port = UInt16(bigEndian: address.sin_port)
            let process = try ChildProcess(
                Program.path,
                ["pack", app, "--output", "made", "--push", "localhost:\(port)/app"],
                in: program.folder,
                environment: ["TMPDIR": scratch.path]
            )
            var poll = pollfd(fd: silent, events: Int16(POLLIN), revents: 0)
            _ = try await eventually("it connects") {
                Foundation.poll(&poll, 1, 0) > 0 ? true : nil
            }
            process.send(signal)
            let outcome = await process.outcome()
            #expect(outcome.status == 128 + signal, "\(outcome.errors)")
            #expect(outcome.output.isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).isEmpty)
            let left = try FileManager.default.contentsOfDirectory(atPath: program.folder.path)
            #expect(!left.contains { $0.contains("partial") }, "\(left)")
        }
    }

    @Test("shows how far it is on a terminal, and nothing of it elsewhere")
    func progress() async throws {
        try await Program.with { program in
            let app = try await program.compileStatic("app").path
            for (option, isShown) in [("", true), (" --quiet", false), (" --json", false)] {
                let command = "'\(Program.path)' pack '\(app)' --output x.tar\(option)"
                _ = try await run(
                    program,
                    "script",
                    ["-qec", command, "typescript"],
                    environment: ["TERM": "xterm"]
                )
                let text = try String(decoding: bytes(program, "typescript"), as: UTF8.self)
                #expect(text.contains("\rpacking app  [") == isShown, "\(text)")
                #expect(text.contains("\u{1B}") == isShown)
                #expect(text.contains("\r\u{1B}[Kapp:latest") == isShown)
            }
            let piped = try await ChildProcess.run(
                Program.path,
                ["pack", app, "--output", "x.tar"],
                in: program.folder
            )
            #expect(piped.errors.isEmpty)
        }
    }
}
