import Foundation
import Testing

/// Damage that is found, told and healed, by the real program.
@Suite("berth verify")
struct VerifyTests {
    /// A storage folder with two images that share a layer.
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

    private func verify(_ program: Program, _ arguments: String...) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            Program.path,
            ["verify", "--storage", program.storage.path] + arguments,
            in: program.folder
        )
    }

    private func report(_ outcome: ChildProcess.Outcome) throws -> NSDictionary {
        try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? NSDictionary,
            "\(outcome.errors)"
        )
    }

    /// The largest blob, which both images have.
    private func layer(_ program: Program) throws -> (name: String, url: URL) {
        let folder = program.storage.appending(path: "blobs/sha256")
        let name = try #require(
            try program.stored("blobs/sha256").max { left, right in
                func size(_ name: String) throws -> Int {
                    try folder.appending(path: name).resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
                }
                return try size(left) < size(right)
            }
        )
        return (name, folder.appending(path: name))
    }

    private func status(_ program: Program, _ arguments: String...) async throws -> String {
        let outcome = try await ChildProcess.run(
            "curl",
            ["-s", "-o", "/dev/null", "-w", "%{http_code}"] + arguments,
            in: program.folder
        )
        return outcome.output
    }

    @Test("finds damage, keeps it from clients, and a push heals it", arguments: [true, false])
    func damage(withServer: Bool) async throws {
        try await withImages { program in
            let (name, url) = try layer(program)
            let whole = try Data(contentsOf: url)
            var bytes = whole
            bytes[bytes.count / 2] ^= 1

            func check(_ server: RunningServer?) async throws {
                #expect(try await verify(program).status == 0)
                try bytes.write(to: url)
                let found = try await verify(program)
                #expect(found.status == 1, "\(found.errors)")
                #expect(found.output.contains("blob sha256:\(name): its bytes are those of sha256:"))
                #expect(found.output.contains("  in team/app:1, team/app:2\n"))
                #expect(found.output.contains("1 damaged, in 2 images"))
                let json = try report(try await verify(program, "--json", "team/app:1"))
                #expect(
                    (json["findings"] as? [NSDictionary])?.first?["condition"] as? String == "wrong-bytes"
                )
                let exported = try await program.run(
                    "export",
                    "--storage",
                    program.storage.path,
                    "--link",
                    "x"
                )
                #expect(exported.status == 1 && exported.errors.contains("are damaged"), "\(exported.errors)")
                if let server {
                    let blob = "\(server.url)/v2/team/app/blobs/sha256:\(name)"
                    #expect(try await status(program, blob) == "500")
                    #expect(try await status(program, "-r", "0-5", blob) == "500")
                    #expect(try await status(program, "-I", blob) == "404")
                    let pull = try await program.tool("curl", "-s", blob)
                    #expect(pull.output.contains("push it again"))
                    let mount = "\(server.url)/v2/x/blobs/uploads/?mount=sha256:\(name)&from=team/app"
                    #expect(try await status(program, "-X", "POST", mount) == "202")
                }
                let again = try await program.run(
                    "pack",
                    "--storage",
                    program.storage.path,
                    program.folder.appending(path: "app").path,
                    "team/app:1",
                    "--env",
                    "TEXT=one"
                )
                #expect(again.status == 0, "\(again.errors)")
                #expect(try Data(contentsOf: url) == whole)
                let healed = try await verify(program)
                #expect(
                    healed.status == 0 && healed.output.contains("nothing is damaged"),
                    "\(healed.output)"
                )
            }
            if withServer {
                try await program.withServer { try await check($0) }
            } else {
                try await check(nil)
            }
        }
    }

    @Test("A server finds damage by itself, and warns of it")
    func background() async throws {
        try await withImages { program in
            let (name, url) = try layer(program)
            try Data(repeating: 0, count: try Data(contentsOf: url).count).write(to: url)
            try await program.withServer { server in
                _ = try await eventually("the server warns") {
                    server.process.errorsSoFar.contains("a blob is damaged") ? true : nil
                }
                #expect(server.process.errorsSoFar.contains(name))
                #expect(
                    try await status(program, "\(server.url)/v2/team/app/blobs/sha256:\(name)") == "500"
                )
            }
        }
    }

    @Test(
        "brings files and records into agreement, beside a server and without one",
        arguments: [true, false]
    )
    func repair(withServer: Bool) async throws {
        try await withImages { program in
            let (name, url) = try layer(program)
            let kept = program.folder.appending(path: "kept")
            try FileManager.default.moveItem(at: url, to: kept)
            let stranger = program.storage.appending(
                path: "blobs/sha256/\(String(repeating: "0", count: 64))"
            )
            try Data("stranger".utf8).write(to: stranger)

            func check() async throws {
                let told = try await verify(program)
                #expect(told.status == 1)
                #expect(told.output.contains("sha256:\(name): its file is missing"), "\(told.output)")
                #expect(told.output.contains("without a record"))
                let repaired = try await verify(program, "--repair")
                #expect(repaired.status == 1)
                // Found, and somebody may bring it back.
                #expect(repaired.output.contains("sha256:\(name): its file is missing"))
                #expect(FileManager.default.fileExists(atPath: stranger.path))
                try FileManager.default.copyItem(at: kept, to: url)
                let back = try await verify(program, "--repair")
                #expect(back.status == 0 && back.output.contains("is whole again"), "\(back.output)")
            }
            if withServer {
                try await program.withServer { _ in try await check() }
            } else {
                try await check()
            }
            let json = try report(try await verify(program, "--json"))
            #expect((json["report"] as? NSDictionary)?["whole"] as? Bool == true)
        }
    }

    @Test("finds a damaged manifest, which is never sent, and a push heals it")
    func manifest() async throws {
        try await Program.with { program in
            try await program.withServer { server in
                _ = try await program.compileStatic("app")
                let pushed = try await program.tool("curl", "-sfT", "app", "\(server.url)/team/app:1")
                try #require(pushed.status == 0)
            }
            let address = try await program.withServer { server in
                let head = try await program.tool("curl", "-sI", "\(server.url)/v2/team/app/manifests/1")
                let line = try #require(
                    head.output.split(whereSeparator: \.isNewline).first {
                        $0.lowercased().hasPrefix("docker-content-digest")
                    }
                )
                return try #require(line.split(separator: " ").last).description
            }
            let database = program.storage.appending(path: "berth.db").path
            let damaged = try await program.tool(
                "sqlite3",
                database,
                "UPDATE manifest SET bytes = replace(CAST(bytes AS TEXT), 'sha256', 'SHA256') WHERE digest = '\(address)'"
            )
            try #require(damaged.status == 0, "\(damaged.errors)")
            try await program.withServer { server in
                let found = try await verify(program, "team/app")
                #expect(
                    found.status == 1 && found.output.contains("manifest \(address): its bytes"),
                    "\(found.output)"
                )
                let manifest = "\(server.url)/v2/team/app/manifests"
                for reference in ["1", address] {
                    #expect(try await status(program, "\(manifest)/\(reference)") == "500")
                    #expect(try await status(program, "-I", "\(manifest)/\(reference)") == "404")
                }
                let again = try await program.tool("curl", "-sfT", "app", "\(server.url)/team/app:1")
                #expect(again.status == 0, "\(again.output)")
                #expect(try await status(program, "\(manifest)/1") == "200")
                #expect(try await verify(program).status == 0)
            }
        }
    }

    @Test("says what is wrong with its arguments")
    func arguments() async throws {
        try await withImages { program in
            for (arguments, status, expected) in [
                (["team/app:3"], 1, "there is no image team/app:3"),
                (["team/none"], 1, "there is no repository team/none"),
                (["team/App"], 1, "berth: "),
                (["team/app@sha256:\(String(repeating: "0", count: 64))"], 1, "by name and tag"),
                (["--repair", "team/app"], 64, "leave the names out"),
                (["--mend"], 64, "--mend"),
            ] as [([String], Int32, String)] {
                let outcome = try await ChildProcess.run(
                    Program.path,
                    ["verify", "--storage", program.storage.path] + arguments,
                    in: program.folder
                )
                #expect(outcome.status == status, "\(arguments): \(outcome.errors)")
                #expect(outcome.errors.contains(expected), "\(arguments): \(outcome.errors)")
            }
            let nowhere = try await program.run("verify", "--storage", "nowhere")
            #expect(nowhere.status == 1 && nowhere.errors.contains("there is no storage folder"))
        }
    }
}
