import Foundation
import Testing

/// What uploads attach to their images, as the formats' own libraries read it.
@Suite(
    "Documents of uploads",
    .serialized,
    .enabled(if: Python.packages != nil, "no Python packages: BERTH_TEST_PYTHONPATH is not set")
)
struct AttestationTests {
    /// Runs a script that has `app`, a static program, and the functions of `AttestationScript`.
    private func run(
        _ scene: Scene,
        _ script: String,
        environment: [String: String] = [:]
    ) async throws -> [String: Any] {
        _ = try await scene.program.compileStatic("app")
        return try await Python.run(
            scene,
            AttestationScript.functions + "\n" + script,
            environment: environment
        )
    }

    private func expectValid(_ found: [String: Any], _ comment: Comment? = nil) throws {
        let faults = try #require(found["faults"] as? [String: [String]])
        #expect(faults.count == 3 && faults.values.allSatisfy(\.isEmpty), "\(faults) \(comment ?? "")")
        #expect(found["differences"] as? [String] == [], comment)
        let digest = try #require(found["digest"] as? String)
        #expect(
            found["subject"] as? [String: String] == ["sha256": String(digest.dropFirst("sha256:".count))]
        )
        #expect(found["packages"] as? [String] == found["components"] as? [String], comment)
    }

    @Test(
        "of the example are valid, and tell what Go's own tool does",
        .enabled(if: ClientTests.contributors != nil, "BERTH_TEST_CONTRIBUTORS is not set")
    )
    func example() async throws {
        let executable = try #require(ClientTests.contributors)
        let go = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "examples/contributors/go").path
        try await Scene.with { scene in
            let built = try await scene.run(go, ["version", "-m", executable])
            let lines = built.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace) }
            let release = try #require(lines.first?.last).dropFirst("go".count)
            let module = try #require(lines.first { $0.first == "mod" })[1]
            let found = try await run(
                scene,
                """
                os.symlink("\(executable)", "contributors")
                upload("contributors")
                print(json.dumps(report("contributors")))
                """
            )
            try expectValid(found)
            let components = try #require(found["components"] as? [String])
            #expect(components.first?.hasPrefix(String(module)) == true, "\(components)")
            #expect(components.dropFirst() == ["stdlib \(release)"], "\(components)")
        }
    }

    @Test("of programs in other languages are valid")
    func otherLanguages() async throws {
        try await Scene.with { scene in
            let found = try await run(
                scene,
                """
                upload("app")
                crates = {"packages": [
                    {"name": "adler", "version": "0.2.3", "source": "crates.io"},
                    {"name": "cc", "version": "1.0.0", "source": "crates.io", "kind": "build"},
                    {"name": "rusty", "version": "4.5.6", "source": "local", "root": True, "dependencies": [0, 1]}]}
                section(".dep-v0", zlib.compress(json.dumps(crates).encode()), "rust")
                upload("rust")
                note = json.dumps({"type": "deb", "os": "debian", "name": "packaged", "version": "1:1.2-3+b1",
                                   "architecture": "amd64"}).encode()
                section(".note.package", struct.pack("<III", 4, len(note), 0xcafe1a7e) + b"FDO\\0" + note
                        + bytes(-len(note) % 4), "packaged")
                upload("packaged")
                print(json.dumps({name: report(name) for name in ("app", "rust", "packaged")}))
                """
            )
            for (name, components) in [
                ("app", ["app "]), ("rust", ["rusty 4.5.6", "adler 0.2.3"]),
                ("packaged", ["packaged 1:1.2-3+b1"]),
            ] {
                let report = try #require(found[name] as? [String: Any])
                try expectValid(report)
                #expect(report["components"] as? [String] == components)
            }
        }
    }

    @Test("are valid whatever a program says", arguments: [UInt64.random(in: 0...UInt64.max)])
    func hostile(seed: UInt64) async throws {
        try await Scene.with { scene in
            let found = try await run(
                scene,
                """
                random.seed(int(os.environ["SEED"]))
                for number in range(4):
                    section(".go.buildinfo", go_block(hostile_lines()), f"hostile{number}")
                    upload(f"hostile{number}")
                print(json.dumps({str(number): report(f"hostile{number}") for number in range(4)}))
                """,
                environment: ["SEED": String(seed)]
            )
            for (number, report) in found {
                let report = try #require(report as? [String: Any])
                try expectValid(report, "seed \(seed), program \(number)")
                let components = try #require(report["components"] as? [String])
                #expect(components.count > 50, "seed \(seed)")
            }
        }
    }

    @Test("are found by oras from the image, and pulled to files")
    func oras() async throws {
        try await Scene.with { scene in
            let found = try await run(
                scene,
                """
                import oras.client
                upload("app")
                client = oras.client.OrasClient(insecure=True)
                registry = os.environ["REGISTRY"]
                _, digest = get("/v2/app/manifests/latest")
                url = f"http://{registry}/v2/app/referrers/{digest}"
                listed = client.do_request(url, "GET").json()["manifests"]
                files = {}
                for artifact in listed:
                    for path in client.pull(f"{registry}/app@{artifact['digest']}", outdir="out"):
                        files[os.path.basename(path)] = artifact["artifactType"]
                        json.load(open(path))
                filtered = client.do_request(url + "?artifactType=application/spdx%2Bjson", "GET").json()["manifests"]
                print(json.dumps({"files": files, "filtered": [each["artifactType"] for each in filtered]}))
                """
            )
            #expect(
                found["files"] as? [String: String] == [
                    "app.spdx.json": "application/spdx+json",
                    "app.cdx.json": "application/vnd.cyclonedx+json",
                    "app.intoto.json": "application/vnd.in-toto+json",
                ]
            )
            #expect(found["filtered"] as? [String] == ["application/spdx+json"])
        }
    }
}
