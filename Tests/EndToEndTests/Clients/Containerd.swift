import Foundation
import Testing

/// A containerd of a test's own, apart from any other on the machine, and its client.
///
/// It needs root, or a sudo that asks for nothing.
struct Containerd {
    let scene: Scene
    private let process: ChildProcess

    private static let socket = "containerd/containerd.sock"

    /// Runs a body beside a containerd, which has gone when this returns.
    static func with(padding: Int = 0, _ body: (Scene, Containerd) async throws -> Void) async throws {
        try await Scene.with(padding: padding) { scene in
            let containerd = try await Containerd(scene)
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(scene, containerd))
            } catch {
                result = .failure(error)
            }
            try await containerd.stop()
            try result.get()
        }
    }

    private init(_ scene: Scene) async throws {
        let folder = scene.file("containerd")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // Without Kubernetes' part, and without the folder that is not below ours: /opt/containerd.
        let configuration = """
            version = 2
            root = "\(folder.path)/root"
            state = "\(folder.path)/state"
            disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
            [grpc]
              address = "\(scene.file(Self.socket).path)"
            """
        try Data(configuration.utf8).write(to: folder.appending(path: "config.toml"))
        self.scene = scene
        process = try Self.privileged(scene, ["containerd", "--config", "containerd/config.toml"])
        let process = process
        do {
            let _: Bool = try await eventually("containerd listens") {
                try #require(process.isRunning, "\(process.errorsSoFar)")
                let version = try Self.privileged(scene, ["ctr", "--address", Self.socket, "version"])
                return await version.outcome().status == 0 ? true : nil
            }
        } catch {
            process.send(SIGTERM)
            _ = await process.outcome()
            throw error
        }
    }

    /// Runs ctr, which has to succeed, and returns what it printed.
    @discardableResult
    func ctr(_ arguments: String...) async throws -> String {
        let words = ["ctr", "--address", scene.file(Self.socket).path] + arguments
        let outcome = try await Self.privileged(scene, words).outcome()
        try #require(
            outcome.status == 0,
            "ctr \(arguments.joined(separator: " ")): \(outcome.output) \(outcome.errors)"
        )
        return outcome.output
    }

    /// Runs the sample's program from an image that has been pulled.
    func greeting(of name: String) async throws -> String {
        let fifos = scene.file("containerd/fifos").path
        return try await ctr("run", "--rm", "--fifo-dir", fifos, name, "c-\(UUID().uuidString.prefix(8))")
    }

    private func stop() async throws {
        process.send(SIGTERM)
        _ = await process.outcome()
        let folder = scene.file("containerd").path
        let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        let left = mounts.split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst().first }
            .filter { $0.hasPrefix("\(folder)/") }
        for mount in left.sorted().reversed() {
            _ = try await Self.privileged(scene, ["umount", "--lazy", String(mount)]).outcome()
        }
        let removed = try Self.privileged(scene, ["rm", "-rf", "--one-file-system", folder])
        let outcome = await removed.outcome()
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    private static func privileged(_ scene: Scene, _ words: [String]) throws -> ChildProcess {
        let words = geteuid() == 0 ? words : ["sudo", "--non-interactive"] + words
        // Debian's runc is where only root looks.
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"
        return try ChildProcess(
            words[0],
            Array(words.dropFirst()),
            in: scene.program.folder,
            environment: ["PATH": path]
        )
    }
}
