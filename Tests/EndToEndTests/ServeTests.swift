import Foundation
import Testing

@Suite("berth serve")
struct ServeTests {
    @Test(
        "prints where it listens, where it stores, and what to try, and stops in good order",
        arguments: [SIGINT, SIGTERM]
    )
    func lines(signal: Int32) async throws {
        try await Program.with { program in
            let server = try await RunningServer(program)
            let outcome = await server.stop(signal)
            #expect(outcome.status == 0)
            let lines = outcome.output.split(separator: "\n").map(String.init)
            #expect(lines.count == 3)
            #expect(lines.first?.hasSuffix("listens on \(server.url)") == true)
            #expect(lines[1].hasSuffix(program.storage.path))
            #expect(lines[2] == "try: curl -T ./program \(server.url)/")
        }
    }

    @Test("finishes a download that runs when it is told to stop")
    func drain() async throws {
        try await Program.with { program in
            let blob = program.folder.appending(path: "blob")
            try Data((0..<6_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }).write(to: blob)
            let digest = try await program.tool("sha256sum", blob.path).output.prefix(64)
            let server = try await RunningServer(program)
            let pushed = try await program.tool(
                "curl",
                "-sS",
                "-w",
                "%{http_code}",
                "-X",
                "POST",
                "--data-binary",
                "@\(blob.path)",
                "\(server.url)/v2/a/blobs/uploads/?digest=sha256:\(digest)"
            )
            #expect(pushed.output == "201")
            let download = try ChildProcess(
                "curl",
                ["-sS", "--limit-rate", "3M", "-o", "copy", "\(server.url)/v2/a/blobs/sha256:\(digest)"],
                in: program.folder
            )
            let copy = program.folder.appending(path: "copy")
            _ = try await eventually("the download has begun") {
                FileManager.default.fileExists(atPath: copy.path) ? true : nil
            }
            let outcome = await server.stop(SIGTERM)
            #expect(outcome.status == 0)
            #expect(await download.outcome().status == 0)
            #expect(try Data(contentsOf: copy) == Data(contentsOf: blob))
        }
    }

    @Test("refuses a folder that another process owns, by its pid, and takes it once that is dead")
    func oneOwner() async throws {
        try await Program.with { program in
            let first = try await RunningServer(program)
            let second = try await program.run("serve", "--port", "0", "--storage", program.storage.path)
            #expect(second.status == 1)
            #expect(second.errors.contains("in use by process \(first.process.id)"))
            await first.stop(SIGKILL)
            #expect(try program.stored("").contains("berth.sock"), "a killed server leaves its socket")
            let third = try await RunningServer(program)
            #expect(await third.stop(SIGTERM).status == 0)
            #expect(try !program.stored("").contains("berth.sock"))
        }
    }

    @Test("waits for a command that has the folder, and says so")
    func waitsForCommand() async throws {
        try await Program.with { program in
            try FileManager.default.createDirectory(at: program.storage, withIntermediateDirectories: true)
            let lock = program.storage.appending(path: "berth.lock")
            try #"{"pid":1234567,"role":"command","socket":"/nowhere/berth.sock"}"#
                .write(to: lock, atomically: true, encoding: .utf8)
            let command = try ChildProcess(
                "flock",
                ["-F", "-x", lock.path, "sleep", "600"],
                in: program.folder
            )
            _ = try await eventually("the lock is taken") { () -> Bool? in
                try await program.tool("flock", "-n", "-x", lock.path, "true").status == 1 ? true : nil
            }
            let server = try ChildProcess(
                Program.path,
                ["serve", "--port", "0", "--storage", program.storage.path],
                in: program.folder
            )
            _ = try await eventually("the server waits") {
                server.errorsSoFar.contains("waiting for process 1234567") ? true : nil
            }
            command.send(SIGKILL)
            _ = await command.outcome()
            _ = try await eventually("the server listens") {
                server.outputSoFar.contains("try:") ? true : nil
            }
            server.send(SIGTERM)
            #expect(await server.outcome().status == 0)
        }
    }

    @Test(
        "says what is wrong with its configuration, and where",
        arguments: [
            (["--port", "70000"], "--port"),
            (["--host", "0.0.0.0"], "allow-remote"),
            (["--config", "missing.yaml"], "missing.yaml"),
            (["--config", "bad.yaml"], "bad.yaml:2:"),
        ]
    )
    func badConfiguration(arguments: [String], expected: String) async throws {
        try await Program.with { program in
            try "port: 5000\nlogs:\n  level: info\n".write(
                to: program.folder.appending(path: "bad.yaml"),
                atomically: true,
                encoding: .utf8
            )
            let outcome = try await ChildProcess.run(Program.path, ["serve"] + arguments, in: program.folder)
            #expect(outcome.status == 78)
            #expect(outcome.errors.contains(expected), "\(outcome.errors)")
        }
    }

    @Test("says which port is taken")
    func portTaken() async throws {
        try await Program.with { program in
            try await program.withServer { server in
                let other = program.folder.appending(path: "other")
                let outcome = try await program.run(
                    "serve",
                    "--port",
                    "\(server.port)",
                    "--storage",
                    other.path
                )
                #expect(outcome.status == 1)
                #expect(outcome.errors.contains("cannot listen on 127.0.0.1:\(server.port)"))
            }
        }
    }

    @Test("resumes an upload that a killed server had begun, at the offset that it tells")
    func resume() async throws {
        try await Program.with { program in
            let half = program.folder.appending(path: "half")
            let content = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) })
            try content.write(to: half)
            let whole = program.folder.appending(path: "whole")
            try (content + content).write(to: whole)
            let digest = try await program.tool("sha256sum", whole.path).output.prefix(64)
            let first = try await RunningServer(program)
            let opened = try await program.tool(
                "curl",
                "-sSi",
                "-X",
                "POST",
                "\(first.url)/v2/a/blobs/uploads/"
            )
            let location = try #require(header("Location", in: opened.output))
            _ = try await program.tool(
                "curl",
                "-sS",
                "-X",
                "PATCH",
                "-T",
                half.path,
                "\(first.url)\(location)"
            )
            await first.stop(SIGKILL)

            let second = try await RunningServer(program)
            let status = try await program.tool("curl", "-sSi", "\(second.url)\(location)")
            #expect(header("Range", in: status.output) == "0-2999999")
            let rest = try await program.tool(
                "curl",
                "-sSi",
                "-X",
                "PUT",
                "-H",
                "Content-Range: 3000000-5999999",
                "-T",
                half.path,
                "\(second.url)\(location)?digest=sha256:\(digest)"
            )
            #expect(rest.output.contains(" 201 "), "\(rest.output)")
            let back = try await program.tool(
                "curl",
                "-sS",
                "-o",
                "back",
                "\(second.url)/v2/a/blobs/sha256:\(digest)"
            )
            #expect(back.status == 0)
            #expect(try Data(contentsOf: program.folder.appending(path: "back")) == content + content)
            await second.stop(SIGTERM)
        }
    }

    private func header(_ name: String, in reply: String) -> String? {
        reply.split(whereSeparator: \.isNewline).first { $0.lowercased().hasPrefix(name.lowercased() + ":") }?
            .split(separator: ":", maxSplits: 1).last?.trimmingCharacters(in: .whitespaces)
    }
}
