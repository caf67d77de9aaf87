import Foundation
import Testing

/// A server that may have few files open.
@Suite("Open files")
struct OpenFileTests {
    private func limits(of server: RunningServer) throws -> [Substring] {
        let text = try String(contentsOfFile: "/proc/\(server.process.id)/limits", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("Max open files") })
        return Array(line.dropFirst("Max open files".count).split(separator: " ").prefix(2))
    }

    /// What the server has used of the processors, in seconds.
    private func processorTime(of server: RunningServer) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(server.process.id)/stat", encoding: .utf8)
        // Behind the program's name, which may hold anything, the twelfth and thirteenth.
        let fields = try #require(text.split(separator: ")").last).split(separator: " ")
        let ticks = try #require(Double(fields[11])) + #require(Double(fields[12]))
        return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    @Test("The server takes all the files that it may have")
    func raises() async throws {
        try await Program.with { program in
            let server = try await RunningServer(program, prefix: ["prlimit", "--nofile=256:4096"])
            #expect(try limits(of: server) == ["4096", "4096"])
            let outcome = await server.stop(SIGTERM)
            #expect(outcome.status == 0 && !outcome.errors.contains("limits.connections"))
        }
    }

    @Test("Where these are too few for the connections that are configured, it says so, and serves fewer")
    func warns() async throws {
        try await Program.with { program in
            let server = try await RunningServer(program, prefix: ["prlimit", "--nofile=256:256"])
            #expect(try await program.tool("curl", "-sS", "\(server.url)/_/health").output == "ok\n")
            let outcome = await server.stop(SIGTERM)
            #expect(outcome.status == 0)
            let warnings = (outcome.output + outcome.errors).split(separator: "\n").filter {
                $0.contains("limits.connections")
            }
            // Once, and not once for each listener.
            #expect(warnings.count == 1 && warnings[0].contains("connections=64"), "\(warnings)")
        }
    }

    @Test(
        "While no file can be opened it takes no connection, does nothing else instead, and goes on afterwards"
    )
    func pauses() async throws {
        try await Program.with { program in
            let server = try await RunningServer(program, prefix: ["prlimit", "--nofile=1024:1024"])
            #expect(try await program.tool("curl", "-sS", "\(server.url)/_/health").output == "ok\n")
            let id = "\(server.process.id)"
            #expect(try await program.tool("prlimit", "--pid", id, "--nofile=5:1024").status == 0)
            let before = try processorTime(of: server)
            let waiting = try await program.tool("curl", "-sS", "--max-time", "4", "\(server.url)/_/health")
            #expect(waiting.status == 28, "\(waiting)")
            // A loop would take all of a processor.
            #expect(try processorTime(of: server) - before < 1)
            #expect(try await program.tool("prlimit", "--pid", id, "--nofile=1024:1024").status == 0)
            #expect(
                try await program.tool("curl", "-sS", "--max-time", "60", "\(server.url)/_/health").output
                    == "ok\n"
            )
            #expect(await server.stop(SIGTERM).status == 0)
        }
    }
}
