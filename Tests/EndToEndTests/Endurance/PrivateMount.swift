import Foundation
import Testing

/// A mount namespace of its own, in which a test mounts what nobody else sees.
struct PrivateMount {
    private let program: Program
    /// Lives as long as the namespace.
    private let holder: ChildProcess

    /// Whether this process may make such a namespace, and mount in it.
    static let isPermitted: Bool = {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    static let reason: Comment = "SKIPPED: this process may not mount file systems"

    /// Runs a body beside a namespace in which a command has been run, such as one that mounts.
    static func with(
        _ program: Program,
        _ command: String,
        _ body: (PrivateMount) async throws -> Void
    ) async throws {
        let storage = program.storage.path
        try FileManager.default.createDirectory(atPath: storage, withIntermediateDirectories: true)
        let holder = try ChildProcess(
            "unshare",
            ["-m", "sh", "-c", "\(command) && echo mounted && exec sleep 3600"],
            in: program.folder,
            environment: ["STORAGE": storage]
        )
        do {
            try await eventually("it is mounted") {
                try #require(holder.isRunning, "\(holder.errorsSoFar)")
                return holder.outputSoFar.contains("mounted") ? () : nil
            }
            try await body(PrivateMount(program: program, holder: holder))
        } catch {
            holder.send(SIGKILL)
            _ = await holder.outcome()
            throw error
        }
        holder.send(SIGKILL)
        _ = await holder.outcome()
    }

    /// What has a command run in the namespace.
    var prefix: [String] { ["nsenter", "-t", "\(holder.id)", "-m"] }

    /// Runs a shell's command in the namespace.
    @discardableResult
    func shell(_ command: String) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            prefix[0],
            prefix[1...] + ["sh", "-c", command],
            in: program.folder,
            environment: ["STORAGE": program.storage.path]
        )
    }

    /// Runs the program in the namespace.
    func run(_ arguments: String...) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(prefix[0], prefix[1...] + [Program.path] + arguments, in: program.folder)
    }
}
