import Foundation
import Testing

/// Scripts that use Python's clients of registries.
enum Python {
    /// Where the packages are that scripts/test has fetched.
    static let packages = ProcessInfo.processInfo.environment["BERTH_TEST_PYTHONPATH"]

    /// Runs a script, which has to succeed, and returns the JSON document that it printed.
    static func run(
        _ scene: Scene,
        _ script: String,
        environment: [String: String] = [:]
    ) async throws -> [String: Any] {
        let name = "script-\(UUID().uuidString).py"
        try Data(script.utf8).write(to: scene.file(name))
        let packages = try #require(packages)
        let output = try await scene.run(
            "python3",
            [name],
            environment: [
                "PYTHONPATH": packages, "REGISTRY": scene.host,
                // oras leaves folders where temporary ones are made.
                "TMPDIR": scene.program.folder.path,
            ].merging(environment) { _, new in new }
        )
        return try #require(
            try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any],
            "\(output)"
        )
    }
}
