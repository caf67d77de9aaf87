import Foundation
import Testing

/// A program that a test runs.
///
/// Its output goes to files, so that no pipe can fill and stop it.
final class ChildProcess: Sendable {
    struct Outcome: Sendable {
        let status: Int32
        let output: String
        let errors: String
    }

    private let process: Process
    private let output: URL
    private let errors: URL

    init(
        _ command: String,
        _ arguments: [String],
        in folder: URL,
        input: URL? = nil,
        environment: [String: String] = [:]
    ) throws {
        let id = UUID().uuidString
        output = folder.appending(path: "out-\(id)")
        errors = folder.appending(path: "err-\(id)")
        for file in [output, errors] { try Data().write(to: file) }
        process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [command] + arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        process.standardInput = try input.map { try FileHandle(forReadingFrom: $0) } ?? FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
    }

    var id: Int32 { process.processIdentifier }

    var isRunning: Bool { process.isRunning }

    func send(_ signal: Int32) { kill(id, signal) }

    /// What was written so far.
    var outputSoFar: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }
    var errorsSoFar: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }

    /// Waits for the end, off the cooperative threads.
    func outcome() async -> Outcome {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [self] in
                process.waitUntilExit()
                continuation.resume(
                    returning: Outcome(
                        status: process.terminationStatus,
                        output: outputSoFar,
                        errors: errorsSoFar
                    )
                )
            }
        }
    }

    /// Runs a program to its end.
    static func run(
        _ command: String,
        _ arguments: [String],
        in folder: URL,
        input: URL? = nil,
        environment: [String: String] = [:]
    ) async throws -> Outcome {
        try await ChildProcess(command, arguments, in: folder, input: input, environment: environment)
            .outcome()
    }
}

/// Looks at something again and again until it is there, within a bound.
func eventually<Value>(
    _ what: String,
    within limit: Duration = .seconds(120),
    _ body: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    while true {
        if let value = try await body() { return value }
        try #require(ContinuousClock.now < deadline, "waited in vain: \(what)")
        try await Task.sleep(for: .milliseconds(10))
    }
}
