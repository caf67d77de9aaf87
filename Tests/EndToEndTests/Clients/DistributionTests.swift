import Foundation
import Testing

/// `berth pack --push` to the registry that most others are made of, which asks for a password.
///
/// Debian's release of it keeps no list of referrers.
@Suite("berth pack to docker-registry", .serialized)
struct DistributionTests {
    /// A `docker-registry` on a free port, where `me` may push with the password `p:ss wörd`.
    private struct Distribution {
        let program: Program
        let port: Int

        var host: String { "localhost:\(port)" }

        static let password = "p:ss wörd"

        static func with(_ body: (Distribution) async throws -> Void) async throws {
            try await Program.with { program in
                func write(_ text: String, _ name: String) throws {
                    try text.write(
                        to: program.folder.appending(path: name),
                        atomically: true,
                        encoding: .utf8
                    )
                }
                let accounts = try await program.tool("htpasswd", "-Bbn", "-C", "5", "me", password)
                try #require(accounts.status == 0, "\(accounts.errors)")
                try write(accounts.output, "accounts")
                try write(
                    """
                    version: 0.1
                    storage: {filesystem: {rootdirectory: \(program.folder.path)/registry}}
                    http: {addr: "127.0.0.1:0"}
                    auth: {htpasswd: {realm: test, path: \(program.folder.path)/accounts}}
                    """,
                    "registry.yml"
                )
                let process = try ChildProcess(
                    "docker-registry",
                    ["serve", "registry.yml"],
                    in: program.folder
                )
                let result: Result<Void, any Error>
                do {
                    let port = try await eventually("docker-registry listens") {
                        try #require(process.isRunning, "\(process.errorsSoFar)")
                        return process.errorsSoFar.firstMatch(of: /listening on 127\.0\.0\.1:(\d+)/)
                            .flatMap { Int($0.output.1) }
                    }
                    result = .success(try await body(Distribution(program: program, port: port)))
                } catch {
                    result = .failure(error)
                }
                process.send(SIGKILL)
                _ = await process.outcome()
                try result.get()
            }
        }

        /// Writes docker's file with credentials, and runs `berth pack`.
        func pack(_ arguments: [String], password: String?) async throws -> ChildProcess.Outcome {
            let folder = program.folder.appending(path: "docker")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let entry = password.map {
                #""\#(host)": {"auth": "\#(Data("me:\($0)".utf8).base64EncodedString())"}"#
            }
            try #"{"auths": {\#(entry ?? "")}}"#
                .write(to: folder.appending(path: "config.json"), atomically: true, encoding: .utf8)
            return try await ChildProcess.run(
                Program.path,
                ["pack"] + arguments,
                in: program.folder,
                environment: ["DOCKER_CONFIG": folder.path, "REGISTRY_AUTH_FILE": ""]
            )
        }

        func digest(_ name: String) async throws -> String? {
            let reply = try await program.tool(
                "skopeo",
                "inspect",
                "--tls-verify=false",
                "--creds",
                "me:\(Self.password)",
                "--format",
                "{{.Digest}}",
                "docker://\(host)/\(name)"
            )
            return reply.status == 0 ? reply.output.split(separator: "\n").first.map(String.init) : nil
        }
    }

    @Test("logs in, pushes, and the digest is that of an upload")
    func push() async throws {
        try await Distribution.with { distribution in
            let app = try await distribution.program.compileStatic("app").path
            for _ in 0..<2 {
                let outcome = try await distribution.pack(
                    [app, "--push", "\(distribution.host)/team/app:1"],
                    password: Distribution.password
                )
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.output.hasPrefix("\(distribution.host)/team/app:1\n"))
            }
            let digest = try await distribution.digest("team/app:1")
            try await distribution.program.withServer { server in
                let sent = try await distribution.program.tool(
                    "curl",
                    "-sS",
                    "-T",
                    app,
                    "\(server.url)/x/app"
                )
                #expect(digest != nil && sent.output.contains(digest ?? ""), "\(sent.output)")
            }
        }
    }

    @Test("asks the helper that keeps the password")
    func helper() async throws {
        try await Distribution.with { distribution in
            let app = try await distribution.program.compileStatic("app").path
            let folder = distribution.program.folder
            let helper = folder.appending(path: "docker-credential-berth-test")
            let answer = #"{"Username":"me","Secret":"\#(Distribution.password)"}"#
            try """
            #!/bin/sh
            read host
            [ "$1 $host" = "get \(distribution.host)" ] && echo '\(answer)'

            """.write(to: helper, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: helper.path)
            try #"{"credsStore": "berth-test"}"#
                .write(to: folder.appending(path: "config.json"), atomically: true, encoding: .utf8)
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
            let outcome = try await ChildProcess.run(
                Program.path,
                ["pack", app, "--push", "\(distribution.host)/team/app:1"],
                in: folder,
                environment: [
                    "DOCKER_CONFIG": folder.path, "REGISTRY_AUTH_FILE": "", "PATH": "\(folder.path):\(path)",
                ]
            )
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try await distribution.digest("team/app:1") != nil)
        }
    }

    @Test("says what is wrong with a password, or that there is none")
    func refusals() async throws {
        try await Distribution.with { distribution in
            let app = try await distribution.program.compileStatic("app").path
            for (password, expected) in [
                ("wrong", "refuses the credentials from"), (nil, "docker login \(distribution.host)"),
            ] {
                let outcome = try await distribution.pack(
                    [app, "--push", "\(distribution.host)/team/app:1"],
                    password: password
                )
                #expect(outcome.status == 1 && outcome.output.isEmpty)
                #expect(outcome.errors.contains(expected), "\(outcome.errors)")
                #expect(!outcome.errors.contains("wrong"))
            }
            #expect(try await distribution.digest("team/app:1") == nil)
        }
    }
}
