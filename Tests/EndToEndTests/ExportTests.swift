import Foundation
import Testing

/// An export as other programs read it.
@Suite("berth export")
struct ExportTests {
    /// A storage folder with two images.
    private func withImages(_ body: (Program) async throws -> Void) async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic("app")
            for (tag, text) in [("1", "one"), ("2", "two")] {
                let packed = try await program.run(
                    "pack",
                    "--storage",
                    program.storage.path,
                    executable.path,
                    "team/app:\(tag)",
                    "--env",
                    "TEXT=\(text)"
                )
                try #require(packed.status == 0, "\(packed.errors)")
            }
            try await body(program)
        }
    }

    private func export(_ program: Program, _ arguments: String...) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            Program.path,
            ["export", "--storage", program.storage.path] + arguments,
            in: program.folder
        )
    }

    private func succeed(_ program: Program, _ command: String, _ arguments: String...) async throws -> String
    {
        let outcome = try await ChildProcess.run(command, arguments, in: program.folder)
        try #require(outcome.status == 0, "\(command) \(arguments): \(outcome.errors)")
        return outcome.output
    }

    /// The digest of an image in the live registry.
    private func digest(_ program: Program, _ name: String) async throws -> String {
        let outcome = try await program.run("inspect", "--json", "--storage", program.storage.path, name)
        let document = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        return try #require(document?["digest"] as? String, "\(outcome.errors)")
    }

    @Test("skopeo and umoci read it, beside a server and without one", arguments: [true, false])
    func readers(withServer: Bool) async throws {
        try await withImages { program in
            let exported =
                withServer
                ? try await program.withServer { _ in try await export(program, "--link", "layout") }
                : try await export(program, "--link", "layout")
            #expect(exported.status == 0, "\(exported.errors)")
            let path = program.folder.resolvingSymlinksInPath().appending(path: "layout").path
            // With the three that are attached to each image.
            #expect(exported.output == "exported 2 tags and 8 manifests to \(path)\n")

            _ = try await succeed(program, "skopeo", "copy", "-q", "oci:layout:team/app:1", "dir:copied")
            let manifest = try Data(contentsOf: program.folder.appending(path: "copied/manifest.json"))
            let stored = try await digest(program, "team/app:1").split(separator: ":")[1]
            let exportedManifest = program.folder.appending(path: "layout/blobs/sha256/\(stored)")
            #expect(try manifest == Data(contentsOf: exportedManifest))

            _ = try await succeed(program, "cp", "-a", "layout", "copy")
            let tags = try await succeed(program, "umoci", "list", "--layout", "copy")
            #expect(tags.split(separator: "\n").sorted() == ["team/app:1", "team/app:2"])
            let history = try await succeed(program, "umoci", "stat", "--image", "copy:team/app:2")
            #expect(history.contains("/app"))
            _ = try await succeed(
                program,
                "umoci",
                "unpack",
                "--rootless",
                "--image",
                "copy:team/app:1",
                "bundle"
            )
            let (unpacked, original) = ("bundle/rootfs/app", "app")
            _ = try await succeed(program, "cmp", unpacked, original)
        }
    }

    @Test("Whatever a tool does to it, the live registry stays whole")
    func writers() async throws {
        try await withImages { program in
            try await program.withServer { server in
                // Without what is attached to the images, which would keep them: skopeo copies none of that.
                let names = ["bare/app:1", "bare/app:2"]
                for name in names {
                    let source = name.replacing("bare", with: "team")
                    _ = try await succeed(
                        program,
                        "skopeo",
                        "copy",
                        "-q",
                        "--src-tls-verify=false",
                        "--dest-tls-verify=false",
                        "docker://localhost:\(server.port)/\(source)",
                        "docker://localhost:\(server.port)/\(name)"
                    )
                }
                #expect(try await export(program, "--link", "layout", names[0], names[1]).status == 0)
                let stored = try program.stored("blobs/sha256")
                let before = try await digest(program, "team/app:1")
                _ = try await succeed(program, "umoci", "rm", "--image", "layout:bare/app:1")
                _ = try await succeed(program, "umoci", "gc", "--layout", "layout")
                let folder = program.folder.appending(path: "layout/blobs/sha256").path
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 3)
                _ = try await succeed(
                    program,
                    "umoci",
                    "config",
                    "--image",
                    "layout:bare/app:2",
                    "--config.user",
                    "root"
                )
                _ = try await succeed(program, "rm", "-r", "layout")
                #expect(try program.stored("blobs/sha256") == stored)
                let sums = stored.map { "\($0)  storage/blobs/sha256/\($0)\n" }.joined()
                try sums.write(
                    to: program.folder.appending(path: "sums"),
                    atomically: true,
                    encoding: .utf8
                )
                _ = try await succeed(program, "sha256sum", "--check", "--strict", "--quiet", "sums")
                _ = try await succeed(
                    program,
                    "skopeo",
                    "copy",
                    "-q",
                    "--src-tls-verify=false",
                    "docker://localhost:\(server.port)/team/app:1",
                    "dir:pulled"
                )
                #expect(try await digest(program, "team/app:1") == before)
            }
        }
    }

    @Test("takes names, and says what is wrong with its arguments")
    func arguments() async throws {
        try await withImages { program in
            let one = try await export(program, "--link", "one", "team/app:2", "--json")
            let report = try JSONSerialization.jsonObject(with: Data(one.output.utf8)) as? NSDictionary
            #expect(report?["tags"] as? Int == 1 && report?["manifests"] as? Int == 4, "\(one.errors)")
            #expect(try await export(program, "--link", "both/", "team/app").status == 0)
            let storage = program.storage.path
            for (arguments, expected) in [
                (["--link", "one"], "one is there already"),
                (["--link", "new/one"], "there is no folder new"),
                (["--link", "\(storage)/x"], "in the storage folder"),
                (["--link", storage], "in the storage folder"),
                (["--link", "x", "team/app:3"], "there is no image team/app:3"),
                (["--link", "x", "team/none"], "there is no repository team/none"),
                (["--link", "x", "team/App"], "berth: "),
                (["--link", "x", "team/app@sha256:\(String(repeating: "0", count: 64))"], "by name and tag"),
            ] {
                let outcome = try await program.run(
                    "export",
                    "--storage",
                    storage,
                    arguments[0],
                    arguments[1],
                    arguments.count > 2 ? arguments[2] : "team/app"
                )
                #expect(outcome.status == 1)
                #expect(outcome.errors.contains(expected), "\(arguments): \(outcome.errors)")
            }
            let bare = try await program.run("export", "--storage", storage)
            #expect(bare.status == 64)
            #expect(bare.errors.contains("Name either --link DIR"))
            let folders = try FileManager.default.contentsOfDirectory(atPath: program.folder.path)
            #expect(!folders.contains { $0.contains("partial") || $0 == "x" || $0 == "new" }, "\(folders)")
        }
    }
}
