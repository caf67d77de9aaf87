import Foundation
import Testing

/// Space that comes back, by itself and by hand.
@Suite("Collection by the program")
struct GarbageTests {
    /// Short times, so that a test sees the end of them.
    private static let configuration = """
        retention:
          - "ci/* last=1"
        garbage:
          grace: 1ms
          untagged: 1ms
          interval: 1s
        """

    private func gc(_ program: Program, _ arguments: String...) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            Program.path,
            ["gc", "--config", program.folder.appending(path: "berth.yaml").path]
                + ["--storage", program.storage.path] + arguments,
            in: program.folder
        )
    }

    @Test("gc tells what would go and removes it, beside a server and without one")
    func byHand() async throws {
        try await Program.with { program in
            try Self.configuration.write(
                to: program.folder.appending(path: "berth.yaml"),
                atomically: true,
                encoding: .utf8
            )
            let missing = try await gc(program)
            #expect(missing.status == 1 && missing.errors.contains("there is no storage folder"))
            for (name, text) in [("ci/app:1", "one"), ("ci/app:2", "two"), ("app:1", "three")] {
                let file = try await program.compileStatic("app", text: text)
                let packed = try await program.run("pack", "--storage", program.storage.path, file.path, name)
                #expect(packed.status == 0, "\(packed.errors)")
            }
            let before = try program.stored("blobs/sha256")
            let forecast = try await gc(program, "--dry-run")
            #expect(forecast.status == 0, "\(forecast.errors)")
            let lines = forecast.output.split(separator: "\n")
            #expect(lines.first?.hasPrefix("would remove tag ci/app:1: pushed ") == true, "\(lines)")
            #expect(lines.first?.hasSuffix("never pulled: not kept by ci/* last=1") == true, "\(lines)")
            #expect(lines.last?.hasPrefix("would remove 1 tag") == true, "\(lines)")
            #expect(try program.stored("blobs/sha256") == before)
            let json = try await gc(program, "--dry-run", "--json")
            let document = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
            #expect(document?["dryRun"] as? Bool == true)
            #expect((document?["items"] as? [[String: Any]])?.first?["tag"] as? String == "1")
            // Each of tag, manifest and blobs may be due only a millisecond after the one before.
            for _ in 0..<3 {
                let collected = try await gc(program)
                #expect(collected.status == 0, "\(collected.errors)")
            }
            #expect(try await gc(program).output == "Nothing is due.\n")
            #expect(try program.stored("blobs/sha256").count < before.count)
            let list = try await program.run("list", "--storage", program.storage.path)
            #expect(list.output.split(separator: "\n").count == 3)
            try await program.withServer { server in
                let deleted = try await program.tool("curl", "-sS", "-X", "DELETE", "\(server.url)/app:1")
                #expect(deleted.status == 0)
                // The server's own times count, and by those nothing is due.
                #expect(try await gc(program).output == "Nothing is due.\n")
            }
        }
    }

    @Test("a server gives the space of what was deleted back by itself")
    func byItself() async throws {
        try await Program.with { program in
            let file = program.folder.appending(path: "berth.yaml")
            // So long that what an upload needs is not collected before it is complete, however slow the machine is.
            let patient = Self.configuration.replacing("grace: 1ms", with: "grace: 5s")
            try patient.write(to: file, atomically: true, encoding: .utf8)
            let executable = try await program.compileStatic("app")
            let server = try await RunningServer(program, ["--config", file.path])
            do {
                let sent = try await program.tool("curl", "-sS", "-T", executable.path, "\(server.url)/app:1")
                #expect(sent.status == 0 && sent.output.hasPrefix("localhost"), "\(sent.output)")
                #expect(try !program.stored("blobs/sha256").isEmpty)
                let deleted = try await program.tool("curl", "-sSf", "-X", "DELETE", "\(server.url)/app:1")
                #expect(deleted.status == 0, "\(deleted.errors)")
                try await eventually("the blobs go") {
                    try program.stored("blobs/sha256").isEmpty ? () : nil
                }
                await server.stop(SIGTERM)
            } catch {
                await server.stop(SIGKILL)
                throw error
            }
        }
    }
}
