import Foundation
import Testing

/// A `docker-registry` on a free port, open to everybody, over the folder `registry`.
struct DistributionServer {
    let process: ChildProcess
    let port: Int

    var host: String { "localhost:\(port)" }
    var url: String { "http://\(host)" }

    /// Runs a body beside one; what it keeps stays.
    static func with<Value>(
        _ program: Program,
        folder: String = "registry",
        _ body: (DistributionServer) async throws -> Value
    ) async throws -> Value {
        try """
        version: 0.1
        storage: {filesystem: {rootdirectory: \(program.folder.path)/\(folder)}, delete: {enabled: true}}
        http: {addr: "127.0.0.1:0"}
        """.write(to: program.folder.appending(path: "\(folder).yml"), atomically: true, encoding: .utf8)
        let process = try ChildProcess("docker-registry", ["serve", "\(folder).yml"], in: program.folder)
        let result: Result<Value, any Error>
        do {
            let port = try await eventually("docker-registry listens") {
                try #require(process.isRunning, "\(process.errorsSoFar)")
                return process.errorsSoFar.firstMatch(of: /listening on 127\.0\.0\.1:(\d+)/)
                    .flatMap { Int($0.output.1) }
            }
            result = .success(try await body(DistributionServer(process: process, port: port)))
        } catch {
            result = .failure(error)
        }
        process.send(SIGKILL)
        _ = await process.outcome()
        return try result.get()
    }
}

/// Everything that a registry names, as its clients see it.
enum RegistryContents {
    /// The digest of each `<repository>:<tag>`.
    static func tags(of url: String, _ program: Program) async throws -> [String: String] {
        var digests: [String: String] = [:]
        let catalog = try await json("\(url)/v2/_catalog?n=1000", program)
        for repository in try #require(catalog["repositories"] as? [String]) {
            let list = try await json("\(url)/v2/\(repository)/tags/list", program)
            for tag in list["tags"] as? [String] ?? [] {
                digests["\(repository):\(tag)"] = try await digest(
                    "\(url)/v2/\(repository)/manifests/\(tag)",
                    program
                )
            }
        }
        return digests
    }

    static func digest(_ url: String, _ program: Program) async throws -> String? {
        let types = [
            "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.docker.distribution.manifest.list.v2+json",
            "application/vnd.docker.distribution.manifest.v2+json",
        ]
        let reply = try await program.tool(
            "curl",
            "-sS",
            "--head",
            "-H",
            "Accept: \(types.joined(separator: ", "))",
            url
        )
        return reply.output.firstMatch(of: /(?i)docker-content-digest: (\S+)/).map { String($0.output.1) }
    }

    static func json(_ url: String, _ program: Program) async throws -> [String: Any] {
        let reply = try await program.tool("curl", "-sS", url)
        return try #require(
            try JSONSerialization.jsonObject(with: Data(reply.output.utf8)) as? [String: Any],
            "\(url): \(reply.output) \(reply.errors)"
        )
    }
}
