import Foundation
import Testing

/// A registry of a test's own and images to try a client with.
///
/// The tests of one client run one after the other, and beside those of the others: each starts dozens of processes, and
/// all of them at once would only wait for each other.
struct Scene {
    let program: Program
    let server: RunningServer
    let layout: SampleLayout

    static func with(padding: Int = 0, _ body: (Scene) async throws -> Void) async throws {
        try await Program.with { program in
            let layout = try await SampleLayout(program, padding: padding)
            try await program.withServer { server in
                try await body(Scene(program: program, server: server, layout: layout))
            }
        }
    }

    /// The registry as clients name it.
    var host: String { "localhost:\(server.port)" }

    func file(_ path: String) -> URL { program.folder.appending(path: path) }

    /// Runs a client, which has to succeed, and returns what it printed.
    @discardableResult
    func run(
        _ command: String,
        _ arguments: [String],
        environment: [String: String] = [:]
    ) async throws -> String {
        let outcome = try await outcome(of: command, arguments, environment)
        try #require(
            outcome.status == 0,
            "\(command) \(arguments.joined(separator: " ")): \(outcome.output) \(outcome.errors)"
        )
        return outcome.output
    }

    /// Runs a client, which has to fail, and returns what it said.
    func failure(
        of command: String,
        _ arguments: [String],
        environment: [String: String] = [:]
    ) async throws -> String {
        let outcome = try await outcome(of: command, arguments, environment)
        try #require(outcome.status != 0, "\(command) \(arguments.joined(separator: " ")): \(outcome.output)")
        return outcome.output + outcome.errors
    }

    private func outcome(
        of command: String,
        _ arguments: [String],
        _ environment: [String: String]
    ) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(command, arguments, in: program.folder, environment: environment)
    }
}

// MARK: - What the registry has

extension Scene {
    struct Reply {
        let status: Int
        /// By their names in lower case.
        let fields: [String: String]
        let content: Data

        var json: [String: Any] {
            get throws {
                try #require(
                    try JSONSerialization.jsonObject(with: content) as? [String: Any],
                    "\(String(decoding: content, as: UTF8.self))"
                )
            }
        }
    }

    /// Sends a request with curl; a path is one below the server's address.
    func request(
        _ method: String = "GET",
        _ path: String,
        _ fields: [String] = [],
        content: URL? = nil,
        at url: String? = nil
    ) async throws -> Reply {
        let id = UUID().uuidString
        var arguments = ["-sS", "-D", "head-\(id)", "-o", "content-\(id)", "-w", "%{http_code}"]
        arguments += method == "HEAD" ? ["--head"] : ["-X", method]
        arguments += fields.flatMap { ["-H", $0] }
        if let content { arguments += ["--data-binary", "@\(content.path)"] }
        let output = try await run("curl", arguments + ["\(url ?? server.url)\(path)"])
        let head = try String(contentsOf: file("head-\(id)"), encoding: .utf8)
        var found: [String: String] = [:]
        for line in head.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            found[line[..<colon].lowercased()] = value
        }
        let bytes = method == "HEAD" ? Data() : (try? Data(contentsOf: file("content-\(id)"))) ?? Data()
        return Reply(status: try #require(Int(output)), fields: found, content: bytes)
    }

    /// The digest of what stands at `repository:tag` or `repository@digest`; nil where nothing does.
    func digest(_ name: String) async throws -> String? {
        let reply = try await request("HEAD", Self.manifestPath(name))
        return reply.status == 200 ? reply.fields["docker-content-digest"] : nil
    }

    func manifest(_ name: String) async throws -> [String: Any] {
        let reply = try await request("GET", Self.manifestPath(name))
        try #require(reply.status == 200, "\(name): \(reply.status)")
        return try reply.json
    }

    /// The media types of a manifest's layers.
    func layerTypes(_ name: String) async throws -> [String] {
        let layers = try await manifest(name)["layers"] as? [[String: Any]]
        return try #require(layers).compactMap { $0["mediaType"] as? String }
    }

    /// The digests that an index lists.
    func children(_ name: String) async throws -> [String] {
        let children = try await manifest(name)["manifests"] as? [[String: Any]]
        return try #require(children).compactMap { $0["digest"] as? String }
    }

    func tags(_ repository: String) async throws -> [String] {
        let reply = try await request("GET", "/v2/\(repository)/tags/list")
        try #require(reply.status == 200, "\(repository): \(reply.status)")
        return try #require(try reply.json["tags"] as? [String])
    }

    private static func manifestPath(_ name: String) -> String {
        if let at = name.firstIndex(of: "@") {
            return "/v2/\(name[..<at])/manifests/\(name[name.index(after: at)...])"
        }
        let parts = name.split(separator: ":", maxSplits: 1)
        return "/v2/\(parts[0])/manifests/\(parts.count > 1 ? parts[1] : "latest")"
    }

    /// Waits until the access log has a request; it is written behind the reply.
    func expectRequest(_ method: String, _ path: String, _ status: Int) async throws {
        _ = try await eventually("\(method) \(path) \(status) in the log") {
            let wanted = " \(method) \(path) \(status) "
            return server.process.errorsSoFar.contains(wanted) ? true : nil
        }
    }

    /// Puts the sample into a repository, as the tags `image`, `foreign`, `index` and `nested`, with nothing but curl.
    func seed(_ repository: String) async throws {
        let blobs = try FileManager.default.contentsOfDirectory(
            at: layout.folder.appending(path: "blobs/sha256"),
            includingPropertiesForKeys: nil
        )
        let manifests = [layout.image, layout.foreign, layout.index, layout.nested]
        for blob in blobs where !manifests.contains(where: { $0.digest.hasSuffix(blob.lastPathComponent) }) {
            let target = "/v2/\(repository)/blobs/uploads/?digest=sha256:\(blob.lastPathComponent)"
            let reply = try await request("POST", target, content: blob)
            try #require(reply.status == 201, "\(target): \(reply.status)")
        }
        for (tag, entry) in zip(["image", "foreign", "index", "nested"], manifests) {
            let reply = try await request(
                "PUT",
                "/v2/\(repository)/manifests/\(tag)",
                ["Content-Type: \(entry.mediaType)"],
                content: layout.file(entry)
            )
            try #require(reply.status == 201, "\(tag): \(reply.status)")
            try #require(reply.fields["docker-content-digest"] == entry.digest)
        }
    }
}
