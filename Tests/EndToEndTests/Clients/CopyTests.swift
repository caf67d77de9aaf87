import Foundation
import Testing

/// Copies between Berth and the registry that most others are made of, in each direction.
@Suite("berth copy", .serialized)
struct CopyTests {
    private func copy(_ program: Program, _ arguments: String...) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            Program.path,
            ["copy", "--storage", program.storage.path] + arguments,
            in: program.folder
        )
    }

    /// A layout in the storage folder, as `team/app:image` and so on.
    private func withImages(_ body: (Program, SampleLayout) async throws -> Void) async throws {
        try await Program.with { program in
            let layout = try await SampleLayout(program, padding: 3_000_000)
            let outcome = try await program.run(
                "import",
                "--storage",
                program.storage.path,
                "layout",
                "--as",
                "team/app"
            )
            try #require(outcome.status == 0, "\(outcome.errors)")
            try await body(program, layout)
        }
    }

    @Test(
        "goes out, between two repositories, and comes back with the same digests",
        arguments: [true, false]
    )
    func wayAndBack(withServer: Bool) async throws {
        try await withImages { program, layout in
            func run() async throws {
                try await DistributionServer.with(program) { other in
                    for arguments in [
                        ["team/app:nested", "\(other.host)/x/app:1"],
                        ["--all-tags", "team/app", "\(other.host)/y"],
                        ["\(other.host)/y:index", "\(other.host)/z"],
                        ["\(other.host)/x/app@\(layout.image.digest)", "back/digest"],
                        ["--all-tags", "\(other.host)/y", "back/tags"],
                        [
                            "--platform", "linux/\(SampleLayout.architectures.foreign)",
                            "\(other.host)/x/app:1",
                            "back/one",
                        ],
                    ] {
                        let outcome = try await ChildProcess.run(
                            Program.path,
                            ["copy", "--storage", program.storage.path] + arguments,
                            in: program.folder
                        )
                        #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
                    }
                    let found = try await RegistryContents.tags(of: other.url, program)
                    #expect(
                        found["x/app:1"] == layout.nested.digest && found["z:index"] == layout.index.digest
                    )
                    #expect(
                        found["y:image"] == layout.image.digest && found["y:foreign"] == layout.foreign.digest
                    )
                }
            }
            if withServer { try await program.withServer { _ in try await run() } } else { try await run() }
            try await program.withServer { server in
                let found = try await RegistryContents.tags(of: server.url, program)
                #expect(found["back/tags:nested"] == layout.nested.digest)
                #expect(found["back/tags:index"] == layout.index.digest)
                #expect(found["back/one:1"] == layout.foreign.digest)
                let byDigest = try await RegistryContents.digest(
                    "\(server.url)/v2/back/digest/manifests/\(layout.image.digest)",
                    program
                )
                #expect(byDigest == layout.image.digest)
            }
        }
    }

    @Test("brings what refers to an image where it is asked to, also where the other registry keeps no list")
    func referrers() async throws {
        try await Program.with { program in
            let executable = try await program.compileStatic("app")
            let packed = try await program.run(
                "pack",
                "--storage",
                program.storage.path,
                executable.path,
                "app:1"
            )
            try #require(packed.status == 0, "\(packed.errors)")
            func count(_ url: String, _ digest: String) async throws -> Int {
                let list = try await RegistryContents.json("\(url)/\(digest)", program)
                return (list["manifests"] as? [Any])?.count ?? 0
            }
            try await DistributionServer.with(program) { other in
                let plain = try await copy(program, "app:1", "\(other.host)/plain")
                let all = try await copy(program, "--referrers", "app:1", "\(other.host)/all", "--json")
                let back = try await copy(program, "--referrers", "\(other.host)/all:1", "back")
                #expect(
                    plain.status == 0 && all.status == 0 && back.status == 0,
                    "\(all.errors)\(back.errors)"
                )
                let found = try await RegistryContents.tags(of: other.url, program)
                #expect(found.keys.filter { $0.hasPrefix("plain:") }.count == 1)
                let digest = try #require(found["all:1"])
                #expect(found.keys.contains("all:\(digest.replacing(":", with: "-"))"))
                try await program.withServer { server in
                    let before = try await count("\(server.url)/v2/app/referrers", digest)
                    let after = try await count("\(server.url)/v2/back/referrers", digest)
                    #expect(before == 3 && after == 3)
                }
            }
        }
    }

    @Test("says what is wrong")
    func refusals() async throws {
        try await withImages { program, _ in
            for (arguments, expected) in [
                (["team/app:none", "x"], "has no team/app:none"),
                (["team/app", "team/app"], "is the destination"),
                (["--all-tags", "team/app:image", "x"], "name no tag"),
                (["https://a/b", "x"], "without https://"),
                (["team/app:image", "localhost:1/x"], "cannot reach localhost:1"),
                (["--platform", "linux/none", "team/app:index", "x"], "it is for linux/"),
                (["--platform", "amd64", "team/app:index", "x"], "linux/arm64"),
                (
                    ["--platform", "linux/\(SampleLayout.architectures.foreign)", "team/app:image", "x"],
                    "it is for linux/\(SampleLayout.architectures.host)"
                ),
                (["team/app:none", "x"], "the storage folder has no team/app:none"),
            ] {
                let outcome = try await ChildProcess.run(
                    Program.path,
                    ["copy", "--storage", program.storage.path] + arguments,
                    in: program.folder
                )
                #expect(outcome.status != 0 && outcome.errors.contains(expected), "\(outcome.errors)")
            }
            for (source, expected) in [
                ("localhost:1/x", "cannot reach"), ("team/app:image", "no storage folder"),
            ] {
                let outcome = try await program.run("copy", "--storage", "mistyped", source, "x:1")
                #expect(outcome.status == 1 && outcome.errors.contains(expected), "\(outcome.errors)")
                let path = program.folder.appending(path: "mistyped").path
                #expect(!FileManager.default.fileExists(atPath: path))
            }
        }
    }
}
