import Foundation
import Testing

/// Pushes random blobs with curl, and remembers which of them a server has acknowledged.
final class BlobPusher {
    struct Reply {
        let status: Int
        let body: String
    }

    private let program: Program
    private(set) var acknowledged: [String] = []

    init(_ program: Program) { self.program = program }

    /// Pushes a new blob of so many bytes.
    func push(_ size: Int, to server: RunningServer) async throws -> Reply {
        let blob = program.folder.appending(path: "blob")
        let made = try await program.tool("sh", "-c", "head -c \(size) /dev/urandom | tee blob | sha256sum")
        let digest = made.output.prefix(64)
        let reply = try await ask(
            "-X",
            "POST",
            "--data-binary",
            "@\(blob.path)",
            "\(server.url)/v2/app/blobs/uploads/?digest=sha256:\(digest)"
        )
        if reply.status == 201 { acknowledged.append(String(digest)) }
        return reply
    }

    /// Pushes blobs of so many bytes until the server has no room for one, and returns what it says then.
    func fill(_ size: Int, to server: RunningServer) async throws -> Reply {
        for _ in 0..<200 {
            let reply = try await push(size, to: server)
            if reply.status != 201 { return reply }
        }
        Issue.record("it is never full")
        return Reply(status: 0, body: "")
    }

    /// Deletes a blob that was acknowledged.
    func delete(_ digest: String, from server: RunningServer) async throws -> Reply {
        let reply = try await ask("-X", "DELETE", "\(server.url)/v2/app/blobs/sha256:\(digest)")
        if reply.status == 202 { acknowledged.removeAll { $0 == digest } }
        return reply
    }

    /// Reads everything back that was acknowledged.
    func expectAll(on server: RunningServer, _ comment: Comment) async throws {
        for digest in acknowledged {
            let read = try await program.tool(
                "sh",
                "-c",
                "curl -sSf \(server.url)/v2/app/blobs/sha256:\(digest) | sha256sum"
            )
            #expect(read.output.prefix(64) == digest, comment)
        }
    }

    func ask(_ arguments: String...) async throws -> Reply {
        let outcome = try await ChildProcess.run(
            "curl",
            ["-sS", "-w", "\n%{http_code}"] + arguments,
            in: program.folder
        )
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        let status = try #require(Int(lines.last ?? ""), "\(outcome.errors)")
        return Reply(status: status, body: lines.dropLast().joined(separator: "\n"))
    }
}
