import Foundation
import Testing

/// The built program, and what a test does with it: its own folder, its own port.
struct Program {
    /// A folder that goes with the test.
    let folder: URL

    static let path: String = {
        if let path = ProcessInfo.processInfo.environment["BERTH_TEST_PROGRAM"] { return path }
        return URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: ".build/debug/berth").path
    }()

    var storage: URL { folder.appending(path: "storage") }

    static func with<Value>(_ body: (Program) async throws -> Value) async throws -> Value {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "berth-e2e-\(UUID().uuidString.prefix(8))"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(Program(folder: folder))
    }

    /// Runs a command to its end.
    func run(_ arguments: String..., environment: [String: String] = [:]) async throws -> ChildProcess.Outcome
    {
        try await ChildProcess.run(Self.path, arguments, in: folder, environment: environment)
    }

    func tool(
        _ command: String,
        _ arguments: String...,
        input: URL? = nil
    ) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(command, arguments, in: folder, input: input)
    }

    /// Runs a body beside a server on a free port.
    func withServer<Value>(_ body: (RunningServer) async throws -> Value) async throws -> Value {
        let server = try await RunningServer(self)
        do {
            let value = try await body(server)
            await server.stop(SIGTERM)
            return value
        } catch {
            await server.stop(SIGKILL)
            throw error
        }
    }

    /// What lies in a folder of the storage, sorted.
    func stored(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: storage.appending(path: path).path).sorted()
    }

    /// A static program, made on the spot.
    func compileStatic(_ name: String = "program", text: String = "hello") async throws -> URL {
        let source = folder.appending(path: "\(name).c")
        try #"#include <stdio.h>\#nint main(void) { puts("\#(text)"); return 0; }\#n"#
            .write(to: source, atomically: true, encoding: .utf8)
        let result = try await tool("gcc", "-static", "-O1", "-o", name, source.path)
        try #require(result.status == 0, "\(result.errors)")
        return folder.appending(path: name)
    }
}

/// `berth serve` on a free port.
struct RunningServer {
    let process: ChildProcess
    let port: Int

    /// `prefix`: a command that runs the command behind it, as `prlimit` does.
    init(_ program: Program, _ arguments: [String] = [], prefix: [String] = []) async throws {
        let command =
            prefix + [Program.path, "serve", "--port", "0", "--storage", program.storage.path] + arguments
        process = try ChildProcess(command[0], Array(command[1...]), in: program.folder)
        let process = process
        port = try await eventually("the server listens") {
            try #require(process.isRunning, "\(process.errorsSoFar)")
            let lines = process.outputSoFar.split(separator: "\n")
            guard lines.count >= 3, let digits = lines[0].split(separator: ":").last else { return nil }
            return Int(digits)
        }
    }

    var url: String { "http://localhost:\(port)" }

    @discardableResult
    func stop(_ signal: Int32) async -> ChildProcess.Outcome {
        process.send(signal)
        return await process.outcome()
    }
}
