import Foundation
import Testing

/// A server that is killed at random moments while clients push, upload, move tags and delete.
///
/// The clients are a script's, which computes digests and reads the database with Python's own libraries.
@Suite("A server that is killed")
struct KillTests {
    /// How often; `scripts/nightly` asks for more.
    static let rounds = ProcessInfo.processInfo.environment["BERTH_TEST_KILL_ROUNDS"] ?? "20"
    /// A run's seed, to repeat it.
    static let seed = ProcessInfo.processInfo.environment["BERTH_TEST_SEED"]

    @Test(
        "has everything that it acknowledged when it runs again, and nothing that was deleted",
        arguments: [nil, "1"] as [String?]
    )
    func rounds(collectingAfterSeconds grace: String?) async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic()
            let script = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../../scripts/endurance/kill.py")
            let arguments = [
                script.path, "--program", Program.path, "--executable", executable.path, "--rounds",
                Self.rounds,
            ]
            let outcome = try await ChildProcess.run(
                "python3",
                arguments + (grace.map { ["--grace", $0] } ?? []) + (Self.seed.map { ["--seed", $0] } ?? []),
                in: program.folder,
                environment: ["PYTHONDONTWRITEBYTECODE": "1"]
            )
            #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
            #expect(outcome.output.contains("nothing lost"))
            print(outcome.output, terminator: "")
        }
    }
}
