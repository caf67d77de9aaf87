import Foundation
import Testing

/// An export that lies anywhere, as other programs read it and as it comes back.
@Suite("berth export --output", .serialized)
struct ExportArchiveTests {
    /// A storage folder with an image and what is attached to it, and an index of images for two platforms.
    private func withImages(_ body: (Program, SampleLayout) async throws -> Void) async throws {
        try await Program.with { program in
            let layout = try await SampleLayout(program)
            let executable = try await program.compileStatic("app")
            try await succeed(
                program,
                Program.path,
                "pack",
                "--storage",
                "storage",
                executable.path,
                "team/app:1"
            )
            try await succeed(
                program,
                Program.path,
                "import",
                "--storage",
                "storage",
                "layout",
                "--as",
                "multi"
            )
            try await body(program, layout)
        }
    }

    @discardableResult
    private func succeed(_ program: Program, _ command: String, _ arguments: String...) async throws -> String
    {
        let outcome = try await ChildProcess.run(command, arguments, in: program.folder)
        try #require(outcome.status == 0, "\(command) \(arguments): \(outcome.errors)")
        return outcome.output
    }

    private func digests(_ program: Program) async throws -> [String: String] {
        try await program.withServer { try await RegistryContents.tags(of: $0.url, program) }
    }

    @Test("Everything comes back as it was, from an archive, a folder and a pipe")
    func roundTrip() async throws {
        try await withImages { program, layout in
            let before = try await digests(program)
            #expect(before.count == 5)
            let stored = try program.stored("blobs/sha256")
            try await succeed(program, Program.path, "export", "--storage", "storage", "--output", "all.tar")
            try await succeed(program, Program.path, "export", "--storage", "storage", "--output", "all/")
            try await succeed(
                program,
                "sh",
                "-c",
                "'\(Program.path)' export --storage storage --output - | gzip > piped.tar.gz"
            )
            for source in ["all.tar", "all", "piped.tar.gz"] {
                try FileManager.default.removeItem(at: program.storage)
                try await succeed(program, Program.path, "import", "--storage", "storage", source)
                let after = try await digests(program)
                #expect(after == before, "\(source)")
                let blobs = try program.stored("blobs/sha256")
                #expect(blobs == stored, "\(source)")
            }
            let referrers = try await program.withServer { server in
                let digest = before["team/app:1"] ?? ""
                return try await RegistryContents.json(
                    "\(server.url)/v2/team/app/referrers/\(digest)",
                    program
                )
            }
            #expect((referrers["manifests"] as? [Any])?.count == 3)
        }
    }

    @Test("skopeo and tar read the archive, in both of its forms")
    func readers() async throws {
        try await withImages { program, layout in
            try await succeed(
                program,
                Program.path,
                "export",
                "--storage",
                "storage",
                "--output",
                "app.tar",
                "team/app:1",
                "multi:image"
            )
            try await succeed(program, "tar", "-tf", "app.tar")
            try await succeed(program, "skopeo", "copy", "-q", "oci-archive:app.tar:multi:image", "dir:one")
            let manifest = try Data(contentsOf: program.folder.appending(path: "one/manifest.json"))
            #expect(try manifest == Data(contentsOf: layout.file(layout.image)))
            try await succeed(
                program,
                "skopeo",
                "copy",
                "-q",
                "docker-archive:app.tar:multi:image",
                "oci:two:x"
            )
            let foreign = "linux/\(SampleLayout.architectures.foreign)"
            try await succeed(
                program,
                Program.path,
                "export",
                "--storage",
                "storage",
                "--output",
                "single/",
                "--platform",
                foreign,
                "multi:index"
            )
            try FileManager.default.removeItem(at: program.storage)
            try await succeed(
                program,
                Program.path,
                "import",
                "--storage",
                "storage",
                "single",
                "--as",
                "x:1"
            )
            let found = try await digests(program)
            #expect(found == ["x:1": layout.foreign.digest])
        }
    }

    @Test("has an image once, however often it is named")
    func names() async throws {
        try await withImages { program, layout in
            let names = ["multi:image", "multi", "team/app:1", "team/app:1"]
            let outcome = try await ChildProcess.run(
                Program.path,
                ["export", "--storage", "storage", "--output", "all", "--json"] + names,
                in: program.folder
            )
            #expect(outcome.status == 0, "\(outcome.errors)")
            let report = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? NSDictionary
            #expect(report?["tags"] as? Int == 5 && report?["leftOut"] as? Int == 0, "\(outcome.output)")
        }
    }

    @Test("says what is wrong, and leaves nothing behind")
    func refusals() async throws {
        try await withImages { program, _ in
            try Data("kept".utf8).write(to: program.folder.appending(path: "file"))
            for (arguments, expected) in [
                (["--output", "x.tar", "team/none"], "team/none"),
                (["--output", "x.tar", "team/app:2"], "team/app:2"),
                (["--output", "layout"], "is there already"), (["--output", "file"], "is there already"),
                (["--output", "none/x.tar"], "none/x.tar: No such file"),
                (["--output", "x.tar.gz"], "name it x.tar"),
                (["--output", "storage/x.tar"], "in the storage folder"),
                (["--output", "storage/blobs/x/"], "in the storage folder"),
                (["--output", "storage/none/../none/x"], "in the storage folder"),
                (
                    ["--output", "x.tar", "team/app@sha256:\(String(repeating: "0", count: 64))"],
                    "by name and tag"
                ),
                (["--output", "x", "--link", "y"], "either"),
                (["--link", "y", "--platform", "linux/amd64"], "goes with"),
                ([], "either"),
            ] {
                let outcome = try await ChildProcess.run(
                    Program.path,
                    ["export", "--storage", program.storage.path] + arguments,
                    in: program.folder
                )
                #expect(
                    outcome.status != 0 && outcome.errors.contains(expected),
                    "\(arguments): \(outcome.errors)"
                )
            }
            for output in ["storage/x.tar", "storage/x"] {
                let packed = try await program.run("pack", "--storage", "storage", "app", "--output", output)
                #expect(packed.status == 1 && packed.errors.contains("in the storage folder"))
            }
            #expect(try !program.stored("").contains { $0.hasPrefix("x") })
            let names = try FileManager.default.contentsOfDirectory(atPath: program.folder.path)
            #expect(!names.contains { $0.contains("partial") || $0.hasPrefix("x") })
        }
    }
}
