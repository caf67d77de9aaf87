import Foundation
import Testing

/// What more than one process does with a folder, beside the rules that `ServeTests` and `CommandTests` hold.
@Suite("Processes that want the same folder")
struct OwnerTests {
    @Test("that are servers and start at the same moment: one serves, the others name it")
    func sameMoment() async throws {
        for _ in 0..<4 {
            try await Program.with { program in
                let servers = try (0..<4).map { _ in
                    try ChildProcess(
                        Program.path,
                        ["serve", "--port", "0", "--storage", program.storage.path],
                        in: program.folder
                    )
                }
                try await eventually("all but one have ended") {
                    servers.count(where: \.isRunning) <= 1 ? () : nil
                }
                let winner = try #require(servers.first { $0.isRunning }, "all have ended")
                try await eventually("it listens") { winner.outputSoFar.contains("try:") ? () : nil }
                for server in servers where server.id != winner.id {
                    let outcome = await server.outcome()
                    #expect(outcome.status == 1)
                    #expect(outcome.errors.contains("in use by process \(winner.id)"), "\(outcome.errors)")
                }
                winner.send(SIGTERM)
                #expect(await winner.outcome().status == 0)
            }
        }
    }

    @Test(
        "that is left with a lock file by nobody alive is not kept from it",
        arguments: [
            "", "{", "garbage \u{0}\u{1}", #"{"pid":1,"role":"server","socket":"/nowhere/berth.sock"}"#,
            #"{"pid":-1,"role":7,"socket":[]}"#, String(repeating: "x", count: 100_000),
        ]
    )
    func staleLock(_ content: String) async throws {
        try await Program.with { program in
            let pusher = BlobPusher(program)
            let killed = try await RunningServer(program)
            #expect(try await pusher.push(1000, to: killed).status == 201)
            await killed.stop(SIGKILL)
            #expect(try program.stored("").contains("berth.sock"), "a killed server leaves its socket")
            let lock = program.storage.appending(path: "berth.lock")
            try Data(content.utf8).write(to: lock)
            // A command takes the folder itself, and leaves it to the next.
            try Data(content.utf8).write(to: program.storage.appending(path: "berth.sock.new"))
            let list = try await program.run("list", "--storage", program.storage.path)
            #expect(list.status == 0, "\(list.errors)")
            try Data(content.utf8).write(to: lock)
            try await program.withServer { server in
                try await pusher.expectAll(on: server, "behind a stale lock")
                let document =
                    try JSONSerialization.jsonObject(with: Data(contentsOf: lock)) as? [String: Any]
                #expect(document?["pid"] as? Int32 == server.process.id)
                #expect(document?["role"] as? String == "server")
            }
        }
    }

    @Test("of which one is a command at work: the server waits for it, and then serves what it made")
    func waitsForCommand() async throws {
        try await Program.with { program in
            let executable = try await largeExecutable(program)
            let command = try ChildProcess(
                Program.path,
                ["pack", "--storage", program.storage.path, executable.path, "app:1.0"],
                in: program.folder
            )
            try await whileAtWork(command, program) { command.send(SIGSTOP) }
            let server = try ChildProcess(
                Program.path,
                ["serve", "--port", "0", "--storage", program.storage.path],
                in: program.folder
            )
            do {
                try await eventually("the server waits") {
                    try #require(server.isRunning, "\(server.errorsSoFar)")
                    return server.errorsSoFar.contains("waiting for process \(command.id)") ? () : nil
                }
            } catch {
                server.send(SIGKILL)
                command.send(SIGKILL)
                throw error
            }
            command.send(SIGCONT)
            let packed = await command.outcome()
            #expect(packed.status == 0, "\(packed.errors)")
            try await eventually("the server listens") { server.outputSoFar.contains("try:") ? () : nil }
            let list = try await program.run("list", "--json", "--storage", program.storage.path)
            #expect(list.output.contains(#""app""#), "\(list.output)\(list.errors)")
            server.send(SIGTERM)
            #expect(await server.outcome().status == 0)
        }
    }

    @Test("of which one is a server that is killed: the command that it worked for goes on by itself")
    func killedInTheMiddle() async throws {
        try await Program.with { program in
            let executable = try await largeExecutable(program)
            let server = try await RunningServer(program)
            let command = try ChildProcess(
                Program.path,
                ["pack", "--storage", program.storage.path, executable.path, "app:1.0"],
                in: program.folder
            )
            try await whileAtWork(command, program) { server.process.send(SIGKILL) }
            await server.stop(SIGKILL)
            let packed = await command.outcome()
            #expect(packed.status == 0, "\(packed.errors)")
            try await program.withServer { server in
                let back = try await program.tool("curl", "-sSf", "-o", "back", "\(server.url)/app:1.0?file")
                #expect(back.status == 0, "\(back.errors)")
                let copy = program.folder.appending(path: "back")
                #expect(try Data(contentsOf: copy) == Data(contentsOf: executable))
            }
            #expect(try program.stored("uploads") == [])
        }
    }

    /// Waits until an upload is in the folder, while the command runs, and does something at once.
    ///
    /// On a thread of its own: others may keep those of the tests busy for longer than a command works.
    private func whileAtWork(
        _ command: ChildProcess,
        _ program: Program,
        _ act: @escaping @Sendable () -> Void
    ) async throws {
        let folder = program.storage.appending(path: "uploads").path
        let isSeen: Bool = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var isSeen = false
                while !isSeen, command.isRunning {
                    isSeen = (try? FileManager.default.contentsOfDirectory(atPath: folder))?.isEmpty == false
                    if isSeen { act() } else { usleep(1000) }
                }
                continuation.resume(returning: isSeen)
            }
        }
        try #require(isSeen, "\(command.errorsSoFar)")
    }

    /// A program that takes seconds to package.
    private func largeExecutable(_ program: Program) async throws -> URL {
        let executable = try await program.compileStatic("app")
        // Behind the program's end, where nobody looks.
        let padding = try await program.tool("sh", "-c", "head -c 12000000 /dev/urandom >> app")
        try #require(padding.status == 0, "\(padding.errors)")
        return executable
    }
}
