import Foundation
import Testing

/// Leaving the registry that most others are made of.
@Suite("berth import --from-distribution", .serialized)
struct DistributionImportTests {
    /// A `docker-registry` that skopeo has pushed to and that has stopped, and the digests that it gave.
    private func withStopped(
        _ body: (Program, SampleLayout, [String: String]) async throws -> Void
    ) async throws {
        try await Program.with { program in
            let layout = try await SampleLayout(program, padding: 3_000_000)
            let tags = try await DistributionServer.with(program) { server in
                for (name, target) in [
                    ("image", "team/app:1"), ("image", "team/app:latest"), ("index", "team/app/multi:1"),
                    ("foreign", "other:arm"),
                ] {
                    try await copy(
                        program,
                        "--all",
                        "oci:layout:\(name)",
                        "docker://\(server.host)/\(target)",
                        "--dest-tls-verify=false"
                    )
                }
                // As docker pushes it.
                try await copy(
                    program,
                    "--format",
                    "v2s2",
                    "oci:layout:image",
                    "docker://\(server.host)/docker:1",
                    "--dest-tls-verify=false"
                )
                // What has no tag any more.
                try await copy(
                    program,
                    "oci:layout:foreign",
                    "docker://\(server.host)/moved:1",
                    "--dest-tls-verify=false"
                )
                try await copy(
                    program,
                    "oci:layout:image",
                    "docker://\(server.host)/moved:1",
                    "--dest-tls-verify=false"
                )
                return try await RegistryContents.tags(of: server.url, program)
            }
            #expect(tags.count == 6 && !tags.values.contains(""))
            try await body(program, layout, tags)
        }
    }

    private func copy(_ program: Program, _ arguments: String...) async throws {
        let outcome = try await ChildProcess.run(
            "skopeo",
            ["copy", "-q", "--src-tls-verify=false"] + arguments,
            in: program.folder
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    @Test("brings every digest, pulls the same, and takes no space", arguments: [true, false])
    func everything(withServer: Bool) async throws {
        try await withStopped { program, layout, tags in
            func importAll() async throws -> ChildProcess.Outcome {
                try await program.run(
                    "import",
                    "--storage",
                    program.storage.path,
                    "--from-distribution",
                    "registry"
                )
            }
            let path = program.folder.resolvingSymlinksInPath().appending(path: "registry").path
            let outcome =
                withServer
                ? try await program.withServer { _ in try await importAll() } : try await importAll()
            #expect(outcome.status == 0, "\(outcome.errors)")
            // Two images, one in two forms, an index; "moved" has two.
            let first = outcome.output.split(separator: "\n").first.map(String.init)
            #expect(first == "imported 5 repositories, 6 tags and 8 manifests from \(path)")
            #expect(
                outcome.output.contains(" 0 copied ") || outcome.output.contains(" 0 copied"),
                "\(outcome.output)"
            )
            try await program.withServer { server in
                #expect(try await RegistryContents.tags(of: server.url, program) == tags)
                let untagged = try await RegistryContents.digest(
                    "\(server.url)/v2/moved/manifests/\(layout.foreign.digest)",
                    program
                )
                #expect(untagged == layout.foreign.digest)
                // The other registry's folder is gone: what is pulled is here.
                try FileManager.default.removeItem(at: program.folder.appending(path: "registry"))
                for (index, name) in tags.keys.sorted().enumerated() {
                    try await copy(
                        program,
                        "--all",
                        "docker://localhost:\(server.port)/\(name)",
                        "dir:pulled-\(index)"
                    )
                }
            }
            let sums = try program.stored("blobs/sha256").map { "\($0)  storage/blobs/sha256/\($0)\n" }
            try sums.joined().write(
                to: program.folder.appending(path: "sums"),
                atomically: true,
                encoding: .utf8
            )
            let checked = try await program.tool("sha256sum", "--check", "--strict", "--quiet", "sums")
            #expect(checked.status == 0 && sums.count == 4, "\(checked.output)")
        }
    }

    @Test("tells what it leaves out, and goes on where it was")
    func leftOut() async throws {
        try await withStopped { program, layout, tags in
            let layer = layout.layer.digest.dropFirst("sha256:".count)
            let file = program.folder.appending(
                path: "registry/docker/registry/v2/blobs/sha256/\(layer.prefix(2))/\(layer)/data"
            )
            let whole = try Data(contentsOf: file)
            try Data("x".utf8).write(to: file)
            let first = try await program.run(
                "import",
                "--storage",
                program.storage.path,
                "--from-distribution",
                "registry",
                "--json"
            )
            #expect(first.status == 2, "\(first.errors)")
            let report = try JSONSerialization.jsonObject(with: Data(first.output.utf8)) as? [String: Any]
            let leftOut = try #require(report?["leftOut"] as? [[String: String]])
            #expect(
                leftOut.contains { $0["name"] == "team/app:1" && $0["reason"]?.contains("damaged") == true }
            )
            #expect(!leftOut.contains { $0["name"] == "other:arm" })
            try whole.write(to: file)
            let second = try await program.run(
                "import",
                "--storage",
                program.storage.path,
                "--from-distribution",
                "registry"
            )
            #expect(second.status == 0 && second.errors.isEmpty, "\(second.errors)")
            try await program.withServer { server in
                let found = try await RegistryContents.tags(of: server.url, program)
                #expect(found == tags)
            }
        }
    }

    @Test("says what is wrong with the folder")
    func refusals() async throws {
        try await Program.with { program in
            for (arguments, expected) in [
                (["--from-distribution", "none"], "none: No such file"),
                (["--from-distribution", "."], "is not a registry's data folder"),
                ([], "Name a layout"),
            ] {
                let outcome = try await ChildProcess.run(
                    Program.path,
                    ["import", "--storage", program.storage.path] + arguments,
                    in: program.folder
                )
                #expect(outcome.status != 0 && outcome.errors.contains(expected), "\(outcome.errors)")
            }
        }
    }
}
