import Foundation
import Testing

/// A health check of an image without a shell, run by a real engine.
@Suite(
    "docker and the health of an uploaded program",
    .serialized,
    .enabled(if: ClientTests.dockerHost != nil, "no docker engine: BERTH_TEST_DOCKER_HOST is not set")
)
struct DockerHealthTests {
    @Test("A container of the example turns healthy, and one that cannot be reached unhealthy")
    func health() async throws {
        let host = try #require(ClientTests.dockerHost)
        let example = try #require(ProcessInfo.processInfo.environment["BERTH_TEST_CONTRIBUTORS"])
        try await Program.with { program in
            try await program.withServer { server in
                let query = "health-interval=100ms&health-timeout=20s&health-retries=2"
                for (tag, command) in [
                    ("well", "/contributors -health -addr 127.0.0.1:8080"),
                    ("ill", "/contributors -health -addr 127.0.0.1:1"),
                ] {
                    let command = command.replacingOccurrences(of: " ", with: "%20")
                    let uploaded = try await program.tool(
                        "curl",
                        "-sSfT",
                        example,
                        "\(server.url)/contributors:\(tag)?\(query)&health-cmd=\(command)"
                    )
                    #expect(uploaded.status == 0, "\(uploaded.output)\(uploaded.errors)")
                }
                for (tag, status) in [("well", "healthy"), ("ill", "unhealthy")] {
                    let image = "localhost:\(server.port)/contributors:\(tag)"
                    func docker(_ arguments: String...) async throws -> String {
                        let outcome = try await ChildProcess.run(
                            "docker",
                            arguments,
                            in: program.folder,
                            environment: ["DOCKER_HOST": host]
                        )
                        try #require(outcome.status == 0, "docker \(arguments): \(outcome.errors)")
                        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
                    }
                    let container = try await docker("run", "--detach", "--network", "none", image)
                    let result: Result<Void, any Error>
                    do {
                        _ = try await eventually("the container is \(status)") {
                            let format = "{{.State.Health.Status}}"
                            let found = try await docker("inspect", "--format", format, container)
                            return found == status ? true : nil
                        }
                        result = .success(())
                    } catch {
                        result = .failure(error)
                    }
                    // The engine outlives the test: nothing of it stays there.
                    _ = try await docker("rm", "--force", container)
                    _ = try await docker("rmi", "--force", image)
                    try result.get()
                }
            }
        }
    }
}
