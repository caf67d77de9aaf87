import Foundation
import Testing

@Suite("A server with few open files")
struct DescriptorTests {
    /// However long a busy machine takes, no connection is closed for doing nothing.
    private static let patience = ["env", "BERTH_TIMEOUTS_HEADER=1h", "BERTH_TIMEOUTS_IDLE=1h"]

    private func openFiles(_ server: RunningServer) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(server.process.id)/fd").count
    }

    @Test("takes no more connections than it has files for, and serves when they have gone")
    func connections() async throws {
        try await Program.with { program in
            let pusher = BlobPusher(program)
            let server = try await RunningServer(
                program,
                prefix: Self.patience + ["prlimit", "--nofile=256:256"]
            )
            var held = try (0..<250).map { _ in try HeldConnection(server.port) }
            #expect(try openFiles(server) < 160, "\(held.count) connections")
            held = []
            #expect(try await pusher.push(100_000, to: server).status == 201)
            try await pusher.expectAll(on: server, "after the others have gone")
            #expect(await server.stop(SIGTERM).status == 0)
        }
    }

    @Test("answers 503 to what it has no file for, and serves when it has")
    func none() async throws {
        try await Program.with { program in
            let pusher = BlobPusher(program)
            let server = try await RunningServer(program, prefix: Self.patience)
            #expect(try await pusher.push(1000, to: server).status == 201)
            let connection = try HeldConnection(server.port)
            #expect(try connection.ask("GET", "/v2/").hasPrefix("HTTP/1.1 200 "))
            let digest = pusher.acknowledged[0]
            try await limit(server, to: "3:", program)
            for (method, path) in [
                ("POST", "/v2/app/blobs/uploads/"), ("GET", "/v2/app/blobs/sha256:\(digest)"),
            ] {
                let reply = try connection.ask(method, path)
                #expect(reply.hasPrefix("HTTP/1.1 503 "), "\(reply)")
                #expect(reply.contains("Retry-After: "))
                #expect(reply.contains("too many files open"))
            }
            try await limit(server, to: "1024:", program)
            #expect(try connection.ask("POST", "/v2/app/blobs/uploads/").hasPrefix("HTTP/1.1 202 "))
            #expect(try await pusher.push(1000, to: server).status == 201)
            try await pusher.expectAll(on: server, "when it may open files again")
            #expect(await server.stop(SIGTERM).status == 0)
        }
    }

    private func limit(_ server: RunningServer, to limit: String, _ program: Program) async throws {
        let outcome = try await program.tool("prlimit", "--pid", "\(server.process.id)", "--nofile=\(limit)")
        try #require(outcome.status == 0, "\(outcome.errors)")
    }
}
