import Foundation
import Testing

/// Backups of a registry that is at work, and what comes out of them.
@Suite("berth backup and berth restore")
struct BackupTests {
    private func run(_ program: Program, _ arguments: [String]) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(Program.path, arguments, in: program.folder)
    }

    private func succeed(_ program: Program, _ arguments: String...) async throws -> String {
        let outcome = try await run(program, arguments)
        try #require(outcome.status == 0, "\(arguments): \(outcome.errors)")
        return outcome.output
    }

    private func tool(_ program: Program, _ command: String, _ arguments: String...) async throws {
        let outcome = try await ChildProcess.run(command, arguments, in: program.folder)
        try #require(outcome.status == 0, "\(command) \(arguments): \(outcome.errors)")
    }

    private func pack(_ program: Program, _ name: String, text: String) async throws {
        _ = try await succeed(
            program,
            "pack",
            "--storage",
            program.storage.path,
            program.folder.appending(path: "app").path,
            name,
            "--env",
            "TEXT=\(text)"
        )
    }

    /// Names and digests of what is in a storage folder.
    private func images(_ program: Program, _ storage: String) async throws -> [String] {
        let output = try await succeed(program, "list", "--json", "--storage", storage)
        let found = try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [NSDictionary])
        return found.map { "\($0["repository"] ?? ""):\($0["tag"] ?? "") \($0["digest"] ?? "")" }.sorted()
    }

    /// Restores a backup into a new folder, and holds it to what it should have.
    private func expectRestored(_ program: Program, _ backup: String, _ expected: [String]) async throws {
        let name = "restored-\(UUID().uuidString.prefix(6))"
        let output = try await succeed(program, "restore", backup, "--storage", name, "--verify")
        #expect(output.hasPrefix("restored "))
        #expect(try await images(program, name) == expected)
        let verified = try await run(program, ["verify", "--storage", name])
        #expect(verified.status == 0, "\(verified.output) \(verified.errors)")
        #expect(!verified.output.contains("no record"), "\(verified.output)")
        let copy = Program(folder: program.folder)
        let server = try ChildProcess(
            Program.path,
            ["serve", "--port", "0", "--storage", name],
            in: copy.folder
        )
        _ = try await eventually("the server listens") { server.outputSoFar.contains("try:") ? true : nil }
        // It was closed in good order, as far as it knows.
        #expect(!server.errorsSoFar.contains("was not closed"))
        server.send(SIGTERM)
        #expect(await server.outcome().status == 0)
        // The copy is a copy.
        for blob in try FileManager.default.contentsOfDirectory(
            atPath: program.folder.path + "/\(name)/blobs/sha256"
        ) {
            #expect(try links(program.folder.path + "/\(name)/blobs/sha256/\(blob)") == 1)
        }
    }

    private func links(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.referenceCount] as? Int)
    }

    private func backups(_ program: Program, _ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: program.folder.appending(path: folder).path)
            .sorted()
    }

    @Test("A backup is restored as it was, from a server at work or without one", arguments: [true, false])
    func roundTrip(withServer: Bool) async throws {
        try await Program.with { program in
            _ = try await program.compileStatic("app")
            try await pack(program, "team/app:1", text: "one")
            func backUp() async throws {
                let expected = try await images(program, program.storage.path)
                let output = try await succeed(
                    program,
                    "backup",
                    "backups",
                    "--storage",
                    program.storage.path
                )
                #expect(output.contains("6 blobs") && output.contains("6 new"), "\(output)")
                try await pack(program, "team/app:2", text: "two")
                try await expectRestored(program, "backups", expected)
                let both = try await images(program, program.storage.path)
                let second = try await succeed(
                    program,
                    "backup",
                    "backups",
                    "--storage",
                    program.storage.path,
                    "--json"
                )
                let report = try JSONSerialization.jsonObject(with: Data(second.utf8)) as? NSDictionary
                // The second image has a configuration, and documents, of its own.
                #expect((report?["new"] as? Int ?? 9) < 6 && (report?["copied"] as? Int) == 0, "\(second)")
                try await expectRestored(program, "backups", both)
                let names = try backups(program, "backups").filter { $0.hasSuffix("Z") || $0.contains("Z-") }
                #expect(names.count == 2)
                // The former state is still that.
                try await expectRestored(program, "backups/\(names[0])", expected)
            }
            if withServer {
                try await program.withServer { _ in try await backUp() }
            } else {
                try await backUp()
            }
        }
    }

    @Test(
        "What is deleted and damaged in the registry stays in the backup, of copies",
        arguments: [true, false]
    )
    func independence(copies: Bool) async throws {
        try await Program.with { program in
            _ = try await program.compileStatic("app")
            try await pack(program, "team/app:1", text: "one")
            let expected = try await images(program, program.storage.path)
            let arguments =
                ["backup", "backups", "--storage", program.storage.path] + (copies ? ["--copy"] : [])
            #expect(try await run(program, arguments).status == 0)
            #expect(try await run(program, arguments + ["--keep", "1"]).status == 0)
            let names = try backups(program, "backups").filter { $0.contains("Z") }
            #expect(names.count == 1)
            for name in try program.stored("blobs/sha256") {
                let path = program.storage.appending(path: "blobs/sha256/\(name)").path
                #expect(try links(path) == (copies ? 1 : 2))
                // Copies share no bytes with the registry's: what is written into these does not matter.
                if copies { try Data("damaged".utf8).write(to: URL(filePath: path)) }
            }
            try FileManager.default.removeItem(at: program.storage)
            try await expectRestored(program, "backups", expected)
        }
    }

    @Test("A backup that is made under concurrent pushes and deletes is whole")
    func underLoad() async throws {
        try await Program.with { program in
            _ = try await program.compileStatic("app")
            try await program.withServer { server in
                try await pack(program, "base:1", text: "base")
                let pushes = Task {
                    for number in 0..<60 where !Task.isCancelled {
                        try await tool(
                            program,
                            "curl",
                            "-sfT",
                            "app",
                            "\(server.url)/load/app:\(number % 7)?env=N=\(number)"
                        )
                        if number % 3 == 2 {
                            _ = try await program.tool(
                                "curl",
                                "-s",
                                "-X",
                                "DELETE",
                                "\(server.url)/load/app:\((number - 1) % 7)"
                            )
                        }
                    }
                }
                for _ in 0..<4 {
                    _ = try await succeed(program, "backup", "backups", "--storage", program.storage.path)
                    _ = try await succeed(program, "restore", "backups", "--storage", "copy", "--verify")
                    let verified = try await run(program, ["verify", "--storage", "copy"])
                    #expect(verified.status == 0, "\(verified.output) \(verified.errors)")
                    try FileManager.default.removeItem(at: program.folder.appending(path: "copy"))
                }
                pushes.cancel()
                _ = try? await pushes.value
            }
        }
    }

    @Test("A server that is killed in the middle of a backup leaves the last one, and the next one is whole")
    func killed() async throws {
        try await Program.with { program in
            _ = try await program.compileStatic("app")
            try await pack(program, "team/app:1", text: "one")
            let expected = try await images(program, program.storage.path)
            // Enough that a backup takes a while.
            let large = program.folder.appending(path: "large")
            try FileManager.default.createDirectory(at: large, withIntermediateDirectories: true)
            var seed: UInt64 = 88_172_645_463_325_252
            var bytes = Data(capacity: 24 << 20)
            while bytes.count < 24 << 20 {
                seed ^= seed << 13
                seed ^= seed >> 7
                seed ^= seed << 17
                withUnsafeBytes(of: seed) { bytes.append(contentsOf: $0) }
            }
            try bytes.write(to: large.appending(path: "data"))
            try FileManager.default.copyItem(
                at: program.folder.appending(path: "app"),
                to: large.appending(path: "app")
            )
            _ = try await succeed(program, "backup", "backups", "--copy", "--storage", program.storage.path)
            _ = try await succeed(
                program,
                "pack",
                "--storage",
                program.storage.path,
                large.path,
                "team/large:1",
                "--entrypoint",
                "/app"
            )
            let server = try await RunningServer(program)
            let backup = try ChildProcess(
                Program.path,
                ["backup", "backups", "--copy", "--storage", program.storage.path],
                in: program.folder
            )
            _ = try await eventually("the backup has begun") {
                if !backup.isRunning { return true }
                return try backups(program, "backups").contains { $0.hasSuffix(".partial") } ? true : nil
            }
            await server.stop(SIGKILL)
            // The command takes the folder itself then, and begins again; it is killed too.
            backup.send(SIGKILL)
            _ = await backup.outcome()
            let wasLeft = try backups(program, "backups").contains { $0.hasSuffix(".partial") }
            if wasLeft { try await expectRestored(program, "backups", expected) }
            _ = try await succeed(program, "backup", "backups", "--copy", "--storage", program.storage.path)
            #expect(try !backups(program, "backups").contains { $0.hasSuffix(".partial") })
            try await expectRestored(program, "backups", try await images(program, program.storage.path))
        }
    }

    @Test("A backup tells what is damaged in the registry, and restores the rest")
    func damaged() async throws {
        try await Program.with { program in
            _ = try await program.compileStatic("app")
            try await pack(program, "team/app:1", text: "one")
            let name = try #require(try program.stored("blobs/sha256").first)
            try FileManager.default.removeItem(at: program.storage.appending(path: "blobs/sha256/\(name)"))
            let outcome = try await run(program, ["backup", "backups", "--storage", program.storage.path])
            #expect(outcome.status == 1 && outcome.output.contains("backed up 5 blobs"), "\(outcome.output)")
            #expect(outcome.errors.contains("1 blob damaged or missing"), "\(outcome.errors)")
            let again = try await run(program, ["backup", "backups", "--storage", program.storage.path])
            #expect(
                again.status == 1 && again.errors.contains("1 blob damaged or missing"),
                "\(again.errors)"
            )
            let copy = try await run(program, ["restore", "backups", "--storage", "copy"])
            #expect(copy.status == 1 && copy.errors.contains("sha256:\(name) is missing"), "\(copy.errors)")
            let verified = try await run(program, ["verify", "--storage", "copy"])
            #expect(verified.status == 1 && verified.output.contains("sha256:\(name)"), "\(verified.output)")

            // What is damaged in the backup itself is told as well, and quarantined.
            let folder = program.folder.appending(path: "backups/latest/blobs/sha256")
            let other = try #require(try program.stored("blobs/sha256").first)
            try FileManager.default.removeItem(at: folder.appending(path: other))
            let restored = try await run(program, ["restore", "backups", "--storage", "second"])
            #expect(
                restored.status == 1 && restored.output.contains("restored 4 blobs"),
                "\(restored.output)"
            )
            #expect(restored.errors.contains("sha256:\(other) is missing"), "\(restored.errors)")
        }
    }

    @Test("says what is wrong with its arguments, and changes nothing then")
    func arguments() async throws {
        try await Program.with { program in
            _ = try await program.compileStatic("app")
            try await pack(program, "team/app:1", text: "one")
            let storage = program.storage.path
            try FileManager.default.createDirectory(
                at: program.folder.appending(path: "full"),
                withIntermediateDirectories: true
            )
            try Data().write(to: program.folder.appending(path: "full/file"))
            _ = try await succeed(program, "backup", "backups", "--storage", storage)
            for (arguments, status, expected) in [
                (["backup", "full"], 1, "no folder of backups"),
                (["backup", "app"], 1, "no folder of backups"),
                (["backup", "\(storage)/x"], 1, "in the storage folder"),
                (["backup", "none/x"], 1, "there is no folder none"), (["backup"], 64, "dir"),
                (["backup", "x", "--keep", "0"], 64, "--keep"),
                (["backup", "x", "--keep", "many"], 64, "--keep"),
                (["restore", "backups"], 1, "is not empty"), (["restore", "full"], 1, "there is no backup"),
                (["restore", "nowhere"], 1, "there is no backup"),
            ] as [([String], Int32, String)] {
                let outcome = try await run(program, arguments + ["--storage", storage])
                #expect(outcome.status == status, "\(arguments): \(outcome.errors)")
                #expect(outcome.errors.contains(expected), "\(arguments): \(outcome.errors)")
            }
            let nonempty = try await run(program, ["restore", "backups", "--storage", "full"])
            #expect(nonempty.status == 1 && nonempty.errors.contains("is not empty"))
            #expect(try backups(program, "full") == ["file"])
            try await program.withServer { _ in
                let live = try await run(program, ["restore", storage, "--storage", "copy"])
                #expect(live.status == 1 && live.errors.contains("works on"), "\(live.errors)")
                let owned = try await run(program, ["restore", "backups", "--storage", storage])
                #expect(owned.status == 1, "\(owned.errors)")
            }
            #expect(!FileManager.default.fileExists(atPath: program.folder.appending(path: "x").path))
        }
    }

    @Test("A restore that was killed is begun again, and nothing serves what it left")
    func unfinishedRestore() async throws {
        try await Program.with { program in
            _ = try await program.compileStatic("app")
            try await pack(program, "team/app:1", text: "one")
            let expected = try await images(program, program.storage.path)
            _ = try await succeed(program, "backup", "backups", "--storage", program.storage.path)
            // As it stands in the middle.
            let copy = program.folder.appending(path: "copy")
            try FileManager.default.createDirectory(
                at: copy.appending(path: "blobs/sha256"),
                withIntermediateDirectories: true
            )
            try Data().write(to: copy.appending(path: "berth.restoring"))
            let name = try #require(try program.stored("blobs/sha256").first)
            try Data("half".utf8).write(to: copy.appending(path: "blobs/sha256/\(name)"))
            try Data("half".utf8).write(to: copy.appending(path: "berth.db.restoring"))
            let refused = try await run(program, ["list", "--storage", "copy"])
            #expect(refused.status == 1 && refused.errors.contains("restore"), "\(refused.errors)")
            _ = try await succeed(program, "restore", "backups", "--storage", "copy", "--verify")
            #expect(try await images(program, "copy") == expected)
            #expect(try await run(program, ["verify", "--storage", "copy"]).status == 0)
            #expect(try !backups(program, "copy").contains { $0.contains("restoring") })
        }
    }

    // MARK: The recipes of docs/storage.md

    @Test("rsync of a backup makes a copy that can be restored")
    func rsync() async throws {
        try await Program.with { program in
            _ = try await program.compileStatic("app")
            try await program.withServer { _ in
                for (number, text) in ["one", "two"].enumerated() {
                    try await pack(program, "team/app:\(number)", text: text)
                    _ = try await succeed(
                        program,
                        "backup",
                        "backups",
                        "--keep",
                        "1",
                        "--storage",
                        program.storage.path
                    )
                    try await tool(program, "rsync", "-a", "--delete", "backups/latest/", "elsewhere/")
                    try await expectRestored(
                        program,
                        "elsewhere",
                        try await images(program, program.storage.path)
                    )
                }
            }
        }
    }

    @Test("A snapshot of the file system under a running server is a backup")
    func snapshot() async throws {
        try await Program.with { program in
            _ = try await program.compileStatic("app")
            try await program.withServer { server in
                try await pack(program, "team/app:1", text: "one")
                let pushes = Task {
                    for number in 0..<40 where !Task.isCancelled {
                        try await tool(
                            program,
                            "curl",
                            "-sfT",
                            "app",
                            "\(server.url)/load/app:\(number)?env=N=\(number)"
                        )
                    }
                }
                let before = try await images(program, program.storage.path)
                // A process that stands still is what a snapshot sees: everything at one moment.
                for round in 0..<3 {
                    server.process.send(SIGSTOP)
                    _ = try await eventually("the server stands still") {
                        let stat = try String(
                            contentsOfFile: "/proc/\(server.process.id)/stat",
                            encoding: .utf8
                        )
                        return stat.split(separator: ")").last?.hasPrefix(" T") == true ? true : nil
                    }
                    try await tool(program, "cp", "-a", program.storage.path, "snapshot")
                    server.process.send(SIGCONT)
                    _ = try await succeed(program, "restore", "snapshot", "--storage", "copy")
                    let verified = try await run(program, ["verify", "--storage", "copy"])
                    #expect(verified.status == 0, "\(round): \(verified.output) \(verified.errors)")
                    // Put in the folder's place it is what a crash leaves.
                    let inPlace = try await run(program, ["verify", "--storage", "snapshot"])
                    #expect(inPlace.status == 0, "\(round): \(inPlace.output) \(inPlace.errors)")
                    let found = Set(try await images(program, "copy"))
                    #expect(found.isSuperset(of: before), "\(found)")
                    for name in ["copy", "snapshot"] {
                        try FileManager.default.removeItem(at: program.folder.appending(path: name))
                    }
                }
                pushes.cancel()
                _ = try? await pushes.value
            }
        }
    }
}
