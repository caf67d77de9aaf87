import Foundation
import Testing

/// Layouts and archives on their way in, and what other programs make of them then.
@Suite("berth import", .serialized)
struct ImportTests {
    private func withLayout(_ body: (Program, SampleLayout) async throws -> Void) async throws {
        try await Program.with { program in
            try await body(program, try await SampleLayout(program, padding: 2_000_000))
        }
    }

    private func importing(
        _ program: Program,
        _ arguments: [String],
        input: String? = nil
    ) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            Program.path,
            ["import", "--storage", program.storage.path] + arguments,
            in: program.folder,
            input: input.map { program.folder.appending(path: $0) }
        )
    }

    private func succeed(_ program: Program, _ command: String, _ arguments: String...) async throws {
        let outcome = try await ChildProcess.run(command, arguments, in: program.folder)
        try #require(outcome.status == 0, "\(command) \(arguments): \(outcome.errors)")
    }

    private func digests(_ program: Program) async throws -> [String: String] {
        try await program.withServer { try await RegistryContents.tags(of: $0.url, program) }
    }

    @Test("A layout comes in whole, as a folder and as an archive in every form")
    func layouts() async throws {
        try await withLayout { program, layout in
            let expected = [
                "image": layout.image.digest, "foreign": layout.foreign.digest, "index": layout.index.digest,
                "nested": layout.nested.digest,
            ]
            try await succeed(program, "tar", "-C", "layout", "-cf", "plain.tar", ".")
            try await succeed(
                program,
                "tar",
                "-C",
                "layout",
                "-czf",
                "gzip.tar.gz",
                "index.json",
                "oci-layout",
                "blobs"
            )
            try await succeed(program, "zstd", "-q", "plain.tar", "-o", "zstd.tar.zst")
            for (index, (path, input)) in [
                ("layout", nil), ("plain.tar", nil), ("gzip.tar.gz", nil), ("zstd.tar.zst", nil),
                ("-", "plain.tar"), ("-", "gzip.tar.gz"),
            ].enumerated() as EnumeratedSequence<[(String, String?)]> {
                let outcome = try await importing(program, [path, "--as", "team/app\(index)"], input: input)
                #expect(outcome.status == 0, "\(path): \(outcome.errors)")
            }
            let found = try await digests(program)
            for index in 0..<6 {
                for (tag, digest) in expected { #expect(found["team/app\(index):\(tag)"] == digest) }
            }
            // All of it once, and a manifest is a row.
            let blobs = try FileManager.default.contentsOfDirectory(
                atPath: program.folder.appending(path: "layout/blobs/sha256").path
            )
            #expect(try program.stored("blobs/sha256").count == blobs.count - 4)
            #expect(try program.stored("uploads").isEmpty)
        }
    }

    @Test("What berth export has written comes back as it was, with what is attached")
    func roundTrip() async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic("app")
            for name in ["team/app:1", "ghcr.io/a/b:2"] {
                let packed = try await program.run(
                    "pack",
                    "--storage",
                    program.storage.path,
                    executable.path,
                    name
                )
                try #require(packed.status == 0, "\(packed.errors)")
            }
            let before = try await digests(program)
            let exported = try await program.run(
                "export",
                "--storage",
                program.storage.path,
                "--link",
                "exported"
            )
            try #require(exported.status == 0, "\(exported.errors)")
            let stored = try program.stored("blobs/sha256")
            try FileManager.default.removeItem(at: program.storage)
            let outcome = try await importing(program, ["exported", "--json"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let document = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
            let images = try #require(document?["imported"] as? [[String: String]])
            #expect(images.count == 2 && images.allSatisfy { before[$0["name"] ?? ""] == $0["digest"] })
            let after = try await digests(program)
            #expect(after == before)
            #expect(try program.stored("blobs/sha256") == stored)
        }
    }

    @Test("What skopeo writes as docker save's comes in, with the layers as they are, and goes out again")
    func dockerArchive() async throws {
        try await withLayout { program, layout in
            try await succeed(
                program,
                "skopeo",
                "copy",
                "-q",
                "oci:layout:image",
                "docker-archive:saved.tar:localhost:5000/team/app:1.0"
            )
            try await succeed(program, "gzip", "-k", "saved.tar")
            for path in ["saved.tar", "saved.tar.gz"] {
                let outcome = try await importing(program, [path])
                #expect(
                    outcome.status == 0 && outcome.output.hasPrefix("imported team/app:1.0 "),
                    "\(outcome.errors)"
                )
            }
            let renamed = try await importing(program, ["saved.tar", "--as", "other"])
            #expect(renamed.output.hasPrefix("imported other:1.0 "), "\(renamed.errors)")
            try await program.withServer { server in
                let manifest = try await RegistryContents.json(
                    "\(server.url)/v2/team/app/manifests/1.0",
                    program
                )
                let configuration = try #require(manifest["config"] as? [String: Any])
                #expect(configuration["digest"] as? String == layout.imageID)
                let layers = try #require(manifest["layers"] as? [[String: Any]])
                #expect(layers.count == 1)
                #expect(
                    layers[0]["mediaType"] as? String == "application/vnd.docker.image.rootfs.diff.tar"
                )
                try await succeed(
                    program,
                    "skopeo",
                    "copy",
                    "-q",
                    "--src-tls-verify=false",
                    "docker://localhost:\(server.port)/team/app:1.0",
                    "oci:again:1"
                )
                try await succeed(program, "umoci", "unpack", "--rootless", "--image", "again:1", "bundle")
                let text = try await program.tool("bundle/rootfs/hello")
                #expect(text.output == layout.greeting + "\n", "\(text.errors)")
            }
        }
    }

    @Test("What is wrong is said with the file and the fault, and nothing has a name then")
    func faults() async throws {
        try await withLayout { program, layout in
            try await succeed(program, "tar", "-C", "layout", "-cf", "whole.tar", ".")
            try await succeed(program, "sh", "-c", "head -c 1000000 whole.tar > cut.tar")
            try await succeed(program, "sh", "-c", "gzip -c whole.tar | head -c 100000 > cut.tar.gz")
            try await succeed(
                program,
                "tar",
                "--transform",
                "s,^./index,../index,",
                "-PC",
                "layout",
                "-cf",
                "tricks.tar",
                "."
            )
            try await succeed(program, "cp", "-r", "layout", "lost")
            let layer = "blobs/sha256/\(layout.layer.digest.dropFirst(7))"
            try FileManager.default.removeItem(at: program.folder.appending(path: "lost/\(layer)"))
            try await succeed(program, "cp", "-r", "layout", "damaged")
            try await succeed(
                program,
                "sh",
                "-c",
                "printf damagedddddddddd | dd of=damaged/\(layer) bs=1 seek=1000000 conv=notrunc status=none"
            )
            try Data().write(to: program.folder.appending(path: "empty"))
            try Data("text".utf8).write(to: program.folder.appending(path: "text"))
            for (path, expected) in [
                ("cut.tar", "cut.tar: the tar archive was cut off"),
                ("cut.tar.gz", "cut.tar.gz: the compressed stream was cut off"),
                ("tricks.tar", "tricks.tar: its member '../index.json' leads out"),
                ("lost", "lost: \(layout.layer.digest) is missing"),
                ("damaged", "damaged: app:image: \(layout.layer.digest) is damaged"),
                ("empty", "empty: it is empty"), ("text", "text: it is no tar archive"),
                ("none", "none: No such file"), ("/dev/null", "/dev/null: it is empty"),
            ] {
                let outcome = try await importing(program, [path, "--as", "app"])
                #expect(outcome.errors.contains(expected), "\(path): \(outcome.errors)")
                if path == "lost" {
                    // The other platform's image is whole.
                    #expect(outcome.status == 2 && outcome.output.hasPrefix("imported app:foreign "))
                    #expect(outcome.output.split(separator: "\n").count == 1)
                } else {
                    #expect(outcome.status == 1 && outcome.output.isEmpty)
                }
            }
            let unnamed = try await importing(program, ["layout"])
            #expect(unnamed.errors.contains("--as team/app"), "\(unnamed.errors)")
            let ambiguous = try await importing(program, ["layout", "--as", "x:1"])
            #expect(ambiguous.errors.contains("the name of one image"), "\(ambiguous.errors)")
            let found = try await digests(program)
            #expect(found.keys.allSatisfy { $0 == "app:foreign" }, "\(found)")
        }
    }

    @Test("One platform of several")
    func platform() async throws {
        try await withLayout { program, layout in
            let outcome = try await importing(
                program,
                ["layout", "--as", "app", "--platform", "linux/\(SampleLayout.architectures.foreign)"]
            )
            // The layout also holds an image for the other platform alone.
            #expect(outcome.status == 2, "\(outcome.errors)")
            #expect(
                outcome.errors.contains("left out app:image: layout: it is no image for"),
                "\(outcome.errors)"
            )
            let found = try await digests(program)
            #expect(
                found == [
                    "app:index": layout.foreign.digest, "app:nested": layout.foreign.digest,
                    "app:foreign": layout.foreign.digest,
                ]
            )
        }
    }
}
