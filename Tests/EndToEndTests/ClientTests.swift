import Foundation
import Testing

@Suite("Real clients")
struct ClientTests {
    static let dockerHost = ProcessInfo.processInfo.environment["BERTH_TEST_DOCKER_HOST"]
    static let contributors = ProcessInfo.processInfo.environment["BERTH_TEST_CONTRIBUTORS"]

    @Test("skopeo copies an image out and in again, and the digest stays")
    func skopeo() async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic("app")
            try await program.withServer { server in
                let host = "localhost:\(server.port)"
                _ = try await program.tool("curl", "-sS", "-T", executable.path, "\(server.url)/")
                let out = try await program.tool(
                    "skopeo",
                    "copy",
                    "--src-tls-verify=false",
                    "docker://\(host)/app",
                    "oci:layout:1"
                )
                #expect(out.status == 0, "\(out.errors)")
                let back = try await program.tool(
                    "skopeo",
                    "copy",
                    "--dest-tls-verify=false",
                    "oci:layout:1",
                    "docker://\(host)/copies/app:1"
                )
                #expect(back.status == 0, "\(back.errors)")
                let across = try await program.tool(
                    "skopeo",
                    "copy",
                    "--src-tls-verify=false",
                    "--dest-tls-verify=false",
                    "docker://\(host)/copies/app:1",
                    "docker://\(host)/again:2"
                )
                #expect(across.status == 0, "\(across.errors)")
                let digests = try await Self.digests(["app", "copies/app:1", "again:2"], program, server)
                #expect(Set(digests).count == 1, "\(digests)")
                let deleted = try await program.tool(
                    "skopeo",
                    "delete",
                    "--tls-verify=false",
                    "docker://\(host)/again:2"
                )
                #expect(deleted.status == 0, "\(deleted.errors)")
                let tags = try await program.tool("curl", "-sS", "\(server.url)/v2/again/tags/list")
                #expect(tags.output == #"{"name":"again","tags":[]}"#)
            }
        }
    }

    @Test(
        "docker pulls, runs, pushes and pulls again what curl has sent",
        .enabled(
            if: dockerHost != nil && contributors != nil,
            "no docker engine: BERTH_TEST_DOCKER_HOST is not set"
        )
    )
    func docker() async throws {
        let executable = URL(filePath: try #require(Self.contributors))
        try await Program.with { program in
            try await program.withServer { server in
                let name = "localhost:\(server.port)/contributors"
                let sent = try await program.tool("curl", "-sS", "-T", executable.path, "\(server.url)/")
                #expect(sent.output.hasPrefix("\(name):latest\n"))
                let docker = Docker(program: program, host: try #require(Self.dockerHost))
                _ = try await docker.run("pull", name)
                try await Self.checkSizes(of: name, executable, sent, docker)

                let report = try await docker.run("run", "--rm", "--network", "none", name, "-once")
                let found = try #require(
                    try JSONSerialization.jsonObject(with: Data(report.utf8)) as? [String: Any]
                )
                #expect((found["user"] as? [String: Any])?["uid"] as? Int == 65532)
                #expect((found["user"] as? [String: Any])?["name"] as? String == "nonroot")
                #expect((found["rootCertificates"] as? Int ?? 0) > 50)
                #expect((found["tmp"] as? [String: Any])?["writable"] as? Bool == true)

                try await Self.checkServing(name, docker, program)

                let other = "localhost:\(server.port)/other"
                _ = try await docker.run("tag", name, other)
                let pushed = try await docker.run("push", other)
                _ = try await docker.run("rmi", other, name)
                let pulled = try await docker.run("pull", other)
                let digest = try await Self.digests(["other"], program, server)[0]
                #expect(pushed.contains("digest: \(digest)"), "\(pushed)")
                #expect(pulled.contains("Digest: \(digest)"), "\(pulled)")
                let again = try await docker.run("run", "--rm", "--network", "none", other, "-version")
                #expect(!again.isEmpty)
                _ = try await docker.run("rmi", other)
            }
        }
    }

    private static func checkSizes(
        of name: String,
        _ executable: URL,
        _ sent: ChildProcess.Outcome,
        _ docker: Docker
    ) async throws {
        let size = try #require(try executable.resourceValues(forKeys: [.fileSizeKey]).fileSize)
        let text = try await docker.run("image", "inspect", "--format", "{{.Size}}", name)
        let imageSize = try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect((size..<size + 260_000).contains(imageSize), "\(imageSize) for an executable of \(size)")
        let line = try #require(sent.output.split(separator: "\n").first { $0.hasSuffix(" to pull") })
        let transfer = try #require(line.split(separator: " ").dropLast(2).last.flatMap { Int($0) })
        #expect(transfer < imageSize / 2, "\(transfer) of \(imageSize) are transferred")
    }

    private static func checkServing(_ name: String, _ docker: Docker, _ program: Program) async throws {
        let container = try await docker.run("run", "-d", "--network", "host", name, "-addr", "127.0.0.1:0")
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let address: String = try await eventually("the container listens") {
            let log = try await docker.both("logs", container)
            let words = log.split { $0.isWhitespace || $0 == "=" }
            return words.last { $0.hasPrefix("127.0.0.1:") }.map(String.init)
        }
        let health = try await program.tool("curl", "-sS", "http://\(address)/healthz")
        #expect(health.output.hasPrefix("ok"))
        _ = try await docker.run("rm", "-f", container)
    }

    private static func digests(
        _ names: [String],
        _ program: Program,
        _ server: RunningServer
    ) async throws -> [String] {
        var digests: [String] = []
        for name in names {
            let outcome = try await program.tool(
                "skopeo",
                "inspect",
                "--tls-verify=false",
                "--format",
                "{{.Digest}}",
                "docker://localhost:\(server.port)/\(name)"
            )
            digests.append(outcome.output.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return digests
    }
}

/// The docker client, speaking to the tests' own engine.
struct Docker {
    let program: Program
    let host: String

    func run(_ arguments: String...) async throws -> String {
        try await run(arguments)
    }

    func run(_ arguments: [String]) async throws -> String {
        let outcome = try await outcome(arguments)
        try #require(outcome.status == 0, "docker \(arguments.joined(separator: " ")): \(outcome.errors)")
        return outcome.output
    }

    /// What docker said; it has to fail.
    func failure(_ arguments: String...) async throws -> String {
        let outcome = try await outcome(arguments)
        try #require(outcome.status != 0, "docker \(arguments.joined(separator: " ")): \(outcome.output)")
        return outcome.errors
    }

    /// Output and errors together: a container's log is both.
    func both(_ arguments: String...) async throws -> String {
        let outcome = try await outcome(arguments)
        return outcome.output + outcome.errors
    }

    private func outcome(_ arguments: [String]) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            "docker",
            arguments,
            in: program.folder,
            // What the client notes down for itself, indexes for example, stays in the test's folder.
            environment: [
                "DOCKER_HOST": host, "DOCKER_CONFIG": program.folder.appending(path: "docker").path,
            ]
        )
    }
}
