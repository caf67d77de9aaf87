import Foundation
import Testing

/// Folders, by curl and by `berth pack`, and the images as other programs unpack and run them.
@Suite("Images of folders")
struct FolderTests {
    /// A folder with a program, which is also there by other names, and files of many kinds.
    private static func makeSite(_ scene: Scene) async throws -> URL {
        let site = scene.file("site")
        let assets = site.appending(path: "assets/deep/er")
        try FileManager.default.createDirectory(at: assets, withIntermediateDirectories: true)
        let program = try await scene.program.compileStatic("tool", text: "from a folder")
        try FileManager.default.createDirectory(
            at: site.appending(path: "bin"),
            withIntermediateDirectories: true
        )
        try FileManager.default.moveItem(at: program, to: site.appending(path: "bin/tool"))
        let noise = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 5) }
        try Data(noise).write(to: assets.appending(path: "noise"))
        try Data().write(to: assets.appending(path: "empty"))
        let long = String(repeating: "n", count: 120) + "ü"
        try Data("long".utf8).write(to: site.appending(path: "assets/\(long)"))
        try await scene.run("ln", ["-s", "bin/tool", site.appending(path: "app").path])
        try await scene.run("ln", [assets.appending(path: "noise").path, site.appending(path: "same").path])
        try await scene.run("chmod", ["600", assets.appending(path: "noise").path])
        return site
    }

    private static func digest(_ output: String) throws -> String {
        let line = try #require(output.split(separator: "\n").first { $0.hasPrefix("digest ") }, "\(output)")
        return String(line.split(separator: " ").last ?? "")
    }

    @Test("tar, its compressed forms and berth pack give the same digest")
    func digests() async throws {
        try await Scene.with { scene in
            let site = try await Self.makeSite(scene)
            try await scene.run("tar", ["-C", site.path, "-cf", "site.tar", "."])
            try await scene.run(
                "tar",
                ["-C", site.path, "--format=pax", "-czf", "site.tar.gz", "same", "assets", "bin", "app"]
            )
            try await scene.run("zstd", ["-q", "-k", "site.tar"])
            let target = "\(scene.server.url)/team/site?entrypoint=/app&cmd=x"
            var digests: Set<String> = []
            for file in ["site.tar", "site.tar.gz", "site.tar.zst"] {
                let sent = try await scene.run("curl", ["-sS", "-T", file, target])
                #expect(sent.hasPrefix("\(scene.host)/team/site:latest\n"), "\(sent)")
                digests.insert(try Self.digest(sent))
            }
            let chunked = try await scene.program.tool(
                "curl",
                "-sS",
                "-T",
                "-",
                target,
                input: scene.file("site.tar")
            )
            digests.insert(try Self.digest(chunked.output))
            for folder in [site.path, site.path + "/", "site/."] {
                let packed = try await scene.program.run(
                    "pack",
                    "--storage",
                    scene.program.storage.path,
                    "--entrypoint",
                    "/app",
                    "--cmd",
                    "x",
                    folder
                )
                #expect(
                    packed.output.hasPrefix("\(scene.host)/site:latest\n"),
                    "\(packed.output)\(packed.errors)"
                )
                digests.insert(try Self.digest(packed.output))
            }
            #expect(digests.count == 1, "\(digests)")
        }
    }

    @Test("berth pack refuses a folder by what is in it, and asks for its program")
    func refusals() async throws {
        try await Scene.with { scene in
            let site = try await Self.makeSite(scene)
            func pack(_ arguments: String...) async throws -> String {
                let words = ["pack", "--storage", scene.program.storage.path] + arguments + [site.path]
                return try await scene.failure(of: Program.path, words)
            }
            #expect(try await pack().contains("name the executable in it, as in --entrypoint /app"))
            #expect(try await pack("--entrypoint", "/nope").contains("there is no /nope in the archive"))
            try await scene.run("mkfifo", [site.appending(path: "assets/fifo").path])
            let fifo = try await pack("--entrypoint", "/app")
            #expect(fifo.contains("site/assets/fifo is a FIFO"), "\(fifo)")
            try await scene.run("rm", [site.appending(path: "assets/fifo").path])
            try await scene.run("ln", ["-s", "../../out", site.appending(path: "assets/out").path])
            let link = try await pack("--entrypoint", "/app")
            #expect(link.contains("the link /assets/out leads out of the root"), "\(link)")
        }
    }

    @Test("skopeo pulls what was asked for, and umoci unpacks it", arguments: ["gzip", "zstd", "none"])
    func pulls(codec: String) async throws {
        try await Scene.with { scene in
            let site = try await Self.makeSite(scene)
            let packed = try await scene.program.run(
                "pack",
                "--storage",
                scene.program.storage.path,
                "--entrypoint",
                "/app",
                site.path
            )
            try #require(packed.status == 0, "\(packed.errors)")
            try await scene.run("tar", ["-C", site.path, "-cf", "site.tar", "."])
            let target = "\(scene.server.url)/site?entrypoint=/app&compress=\(codec)&tz=1"
            try await scene.run("curl", ["-sS", "-f", "-T", "site.tar", target])
            let suffix = codec == "none" ? "" : "+\(codec)"
            #expect(try await scene.layerTypes("site") == ["application/vnd.oci.image.layer.v1.tar\(suffix)"])
            let skopeo = Skopeo(scene)
            try await skopeo.copy(skopeo.remote("site:latest"), "oci:pulled:1")
            let root = scene.file("bundle/rootfs")
            if codec == "zstd" {
                // Which umoci does not know yet.
                let layers = try await scene.manifest("site")["layers"] as? [[String: Any]]
                let layer = try #require(layers?.first?["digest"] as? String).dropFirst("sha256:".count)
                try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
                let words = [
                    "--zstd", "--no-same-owner", "-C", root.path, "-xf", "pulled/blobs/sha256/\(layer)",
                ]
                try await scene.run("tar", words)
            } else {
                let umoci = Umoci(scene)
                try await umoci.run("unpack", umoci.rights + ["--image", "pulled:1", "bundle"])
            }
            #expect(try await scene.run(root.appending(path: "app").path, []) == "from a folder\n")
            for path in ["assets/deep/er/noise", "assets/deep/er/empty", "same", "bin/tool"] {
                let (packed, original) = (root.appending(path: path), site.appending(path: path))
                #expect(try Data(contentsOf: packed) == Data(contentsOf: original), "\(path)")
            }
            #expect(
                try String(contentsOf: root.appending(path: "etc/nsswitch.conf"), encoding: .utf8)
                    == "hosts: files dns\n"
            )
            // The machine that tests run on has time zones, or the reply has said that it has none.
            let zones = FileManager.default.fileExists(atPath: "/usr/share/zoneinfo/Europe/Paris")
            let paris = root.appending(path: "usr/share/zoneinfo/Europe/Paris").path
            #expect(FileManager.default.fileExists(atPath: paris) == zones)
        }
    }

    @Test(
        "docker runs a folder's program",
        .enabled(if: ClientTests.dockerHost != nil, "no docker engine: BERTH_TEST_DOCKER_HOST is not set"),
        arguments: ["gzip", "none"]
    )
    func docker(codec: String) async throws {
        let host = try #require(ClientTests.dockerHost)
        try await Scene.with { scene in
            let site = try await Self.makeSite(scene)
            try await scene.run("tar", ["-C", site.path, "-czf", "site.tar.gz", "."])
            let target = "\(scene.server.url)/site?entrypoint=/app&compress=\(codec)"
            try await scene.run("curl", ["-sS", "-f", "-T", "site.tar.gz", target])
            let docker = Docker(program: scene.program, host: host)
            let name = "\(scene.host)/site:latest"
            let output = try await docker.run("run", "--rm", "--network", "none", name)
            _ = try await docker.run("rmi", "--force", name)
            #expect(output == "from a folder\n")
        }
    }
}
