import Foundation
import Testing

@Suite("skopeo", .serialized)
struct SkopeoClientTests {
    @Test("skopeo pushes by tag, and what is stored is what it had")
    func push() async throws {
        try await Scene.with { scene in
            let skopeo = Skopeo(scene)
            try await skopeo.copy("oci:layout:image", skopeo.remote("team/app:1"))
            #expect(try await scene.digest("team/app:1") == scene.layout.image.digest)
            let config = try await scene.request("GET", "/v2/team/app/blobs/\(scene.layout.imageID)")
            #expect(try config.content == Data(contentsOf: scene.layout.file(scene.layout.blobs[0])))
        }
    }

    @Test("skopeo pushes by digest, without any tag")
    func pushByDigest() async throws {
        try await Scene.with { scene in
            let skopeo = Skopeo(scene)
            let name = "team/app@\(scene.layout.image.digest)"
            try await skopeo.copy("oci:layout:image", skopeo.remote(name), "--preserve-digests")
            #expect(try await scene.digest(name) == scene.layout.image.digest)
            #expect(try await scene.tags("team/app").isEmpty)
        }
    }

    @Test("skopeo pulls by tag and by digest, byte for byte", arguments: [false, true])
    func pull(byDigest: Bool) async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let skopeo = Skopeo(scene)
            let image = scene.layout.image
            let name = byDigest ? "team/app@\(image.digest)" : "team/app:image"
            try await skopeo.copy(skopeo.remote(name), "dir:back")
            let manifest = try Data(contentsOf: scene.file("back/manifest.json"))
            #expect(try manifest == Data(contentsOf: scene.layout.file(image)))
            let layer = scene.layout.layer
            let content = try Data(contentsOf: scene.file("back/\(layer.digest.dropFirst(7))"))
            #expect(try content == Data(contentsOf: scene.layout.file(layer)))
        }
    }

    @Test("skopeo copies between repositories, and the layers are mounted")
    func copyBetweenRepositories() async throws {
        try await Scene.with { scene in
            let skopeo = Skopeo(scene)
            // It offers to mount what it knows to be somewhere, so it has to have pushed it.
            try await skopeo.copy("oci:layout:image", skopeo.remote("team/app:1"))
            try await skopeo.copy(skopeo.remote("team/app:1"), skopeo.remote("other/app:2"))
            #expect(try await scene.digest("other/app:2") == scene.layout.image.digest)
            // A mount is answered with 201, the beginning of an upload with 202.
            try await scene.expectRequest("POST", "/v2/other/app/blobs/uploads/", 201)
        }
    }

    @Test("skopeo copies from one registry to another")
    func copyBetweenRegistries() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let second = scene.file("second")
            let other = try await RunningServer(scene.program, ["--storage", second.path])
            let skopeo = Skopeo(scene)
            let target = "docker://localhost:\(other.port)/mirror/app:1"
            try await skopeo.copy(skopeo.remote("team/app:index"), target, "--all")
            let index = try await scene.request("HEAD", "/v2/mirror/app/manifests/1", at: other.url)
            #expect(index.fields["docker-content-digest"] == scene.layout.index.digest)
            await other.stop(SIGTERM)
        }
    }

    @Test("skopeo copies an index with all its images, by tag and by digest", arguments: [false, true])
    func index(byDigest: Bool) async throws {
        try await Scene.with { scene in
            let skopeo = Skopeo(scene)
            try await skopeo.copy("oci:layout:index", skopeo.remote("team/app:1"), "--all")
            let digest = scene.layout.index.digest
            #expect(try await scene.digest("team/app:1") == digest)
            let source = byDigest ? "team/app@\(digest)" : "team/app:1"
            try await skopeo.copy(skopeo.remote(source), skopeo.remote("copies/app:1"), "--all")
            #expect(try await scene.digest("copies/app:1") == digest)
            let foreign = scene.layout.foreign.digest
            #expect(try await scene.digest("copies/app@\(foreign)") == foreign)
            // Without --all it takes the image for this machine.
            try await skopeo.copy(skopeo.remote(source), "dir:mine")
            let manifest = try Data(contentsOf: scene.file("mine/manifest.json"))
            #expect(try manifest == Data(contentsOf: scene.layout.file(scene.layout.image)))
        }
    }

    @Test("skopeo is refused an index whose images are missing")
    func sparseIndex() async throws {
        try await Scene.with { scene in
            let skopeo = Skopeo(scene)
            let message = try await skopeo.failure(
                "copy",
                ["--multi-arch", "index-only", "oci:layout:index", skopeo.remote("team/app:1")]
            )
            #expect(message.contains(scene.layout.foreign.digest), "\(message)")
            #expect(try await scene.digest("team/app:1") == nil)
        }
    }

    /// skopeo 1.9 copies no index inside an index: "Unexpectedly received a manifest list instead of a
    /// manifest".
    ///
    /// So it is asked for the document alone.
    @Test("skopeo reads an index that lists an index")
    func nestedIndex() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let skopeo = Skopeo(scene)
            let raw = try await skopeo.inspect("team/app:nested", "--raw")
            #expect(try Data(raw.utf8) == Data(contentsOf: scene.layout.file(scene.layout.nested)))
        }
    }

    @Test("skopeo converts to Docker's schema 2 and back, images and indexes")
    func schema2() async throws {
        try await Scene.with { scene in
            let skopeo = Skopeo(scene)
            let docker = "application/vnd.docker.distribution.manifest"
            try await skopeo.copy(
                "oci:layout:index",
                skopeo.remote("team/app:1"),
                "--all",
                "--format",
                "v2s2"
            )
            #expect(
                try await scene.manifest("team/app:1")["mediaType"] as? String == "\(docker).list.v2+json"
            )
            let child = try #require(try await scene.children("team/app:1").first)
            #expect(
                try await scene.manifest("team/app@\(child)")["mediaType"] as? String == "\(docker).v2+json"
            )
            let gzip = "application/vnd.docker.image.rootfs.diff.tar.gzip"
            #expect(try await scene.layerTypes("team/app@\(child)") == [gzip])
            let source = skopeo.remote("team/app:1")
            try await skopeo.copy(source, skopeo.remote("back/app:1"), "--all", "--format", "oci")
            #expect(try await scene.manifest("back/app:1")["mediaType"] as? String == SampleLayout.indexType)
        }
    }

    @Test("skopeo pushes layers compressed with zstd, and pulls them again")
    func zstd() async throws {
        try await Scene.with { scene in
            let skopeo = Skopeo(scene)
            let options = ["--dest-compress-format", "zstd", "--format", "oci"]
            try await skopeo.copy("oci:layout:image", skopeo.remote("team/app:zstd"), options)
            let types = try await scene.layerTypes("team/app:zstd")
            #expect(types == ["application/vnd.oci.image.layer.v1.tar+zstd"])
            try await skopeo.copy(skopeo.remote("team/app:zstd"), "dir:back")
            let digest = try await scene.digest("team/app:zstd")
            let manifest = try await scene.run("sha256sum", ["back/manifest.json"])
            #expect(digest == "sha256:\(manifest.prefix(64))")
        }
    }

    @Test("skopeo inspects an image, its configuration, and an index as it is")
    func inspect() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let skopeo = Skopeo(scene)
            let digest = try await skopeo.inspect("team/app:image", "--format", "{{.Digest}}")
            #expect(digest.trimmingCharacters(in: .newlines) == scene.layout.image.digest)
            let tags = try await skopeo.inspect(
                "team/app@\(scene.layout.image.digest)",
                "--format",
                "{{.RepoTags}}"
            )
            #expect(tags.trimmingCharacters(in: .newlines) == "[foreign image index nested]")
            let config = try await skopeo.inspect("team/app:image", "--config", "--raw")
            #expect(try Data(config.utf8) == Data(contentsOf: scene.layout.file(scene.layout.blobs[0])))
            let raw = try await skopeo.inspect("team/app:index", "--raw")
            #expect(try Data(raw.utf8) == Data(contentsOf: scene.layout.file(scene.layout.index)))
        }
    }

    @Test("skopeo lists tags, also more of them than fit on a page")
    func listTags() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            _ = try await scene.run(
                "curl",
                [
                    "-sS", "--fail", "-o", "/dev/null", "-X", "PUT", "-H",
                    "Content-Type: \(SampleLayout.manifestType)", "--data-binary",
                    "@\(scene.layout.file(scene.layout.image).path)",
                    "\(scene.server.url)/v2/team/app/manifests/t[0-1000]",
                ]
            )
            let output = try await Skopeo(scene).run("list-tags", [Skopeo(scene).remote("team/app")])
            let document = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
            let expected = ["foreign", "image", "index", "nested"] + (0...1000).map { "t\($0)" }
            #expect(document?["Tags"] as? [String] == expected.sorted())
        }
    }

    @Test("skopeo deletes an image by its tag and by its digest", arguments: [false, true])
    func delete(byDigest: Bool) async throws {
        try await Scene.with { scene in
            let skopeo = Skopeo(scene)
            try await skopeo.copy("oci:layout:image", skopeo.remote("team/app:1"))
            try await skopeo.copy("oci:layout:foreign", skopeo.remote("team/app:2"))
            let digest = scene.layout.image.digest
            let name = byDigest ? "team/app@\(digest)" : "team/app:1"
            try await skopeo.run("delete", [skopeo.remote(name)])
            #expect(try await scene.digest("team/app@\(digest)") == nil)
            #expect(try await scene.tags("team/app") == ["2"])
        }
    }

    @Test("skopeo is refused the deletion of an image that an index lists")
    func deleteChild() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let skopeo = Skopeo(scene)
            let name = "team/app@\(scene.layout.foreign.digest)"
            let message = try await skopeo.failure("delete", [skopeo.remote(name)])
            #expect(message.contains("index"), "\(message)")
            #expect(try await scene.digest(name) == scene.layout.foreign.digest)
        }
    }

    @Test("skopeo syncs a repository to a folder, and the folder to another repository")
    func sync() async throws {
        try await Scene.with { scene in
            let skopeo = Skopeo(scene)
            try await skopeo.copy("oci:layout:index", skopeo.remote("team/app:1"), "--all")
            try await skopeo.copy("oci:layout:image", skopeo.remote("team/app:2"))
            let name = "\(scene.host)/team/app"
            try await skopeo.run("sync", ["--all", "--src", "docker", "--dest", "dir", name, "synced"])
            try await skopeo.run(
                "sync",
                ["--all", "--src", "dir", "--dest", "docker", "synced", "\(scene.host)/mirror"]
            )
            #expect(try await scene.digest("mirror/app:1") == scene.layout.index.digest)
            #expect(try await scene.digest("mirror/app:2") == scene.layout.image.digest)
        }
    }

    /// skopeo 1.9 does not go on with what breaks off, but gives it up; whoever runs it again begins anew.
    @Test("skopeo pulls again what broke off")
    func pullAfterBreak() async throws {
        try await Scene.with(padding: 24_000_000) { scene in
            try await scene.seed("team/app")
            try await BrokenLine.with(scene, .toClient, after: 12_000_000) { line in
                let skopeo = Skopeo(scene)
                let source = "docker://localhost:\(line.port)/team/app:image"
                let message = try await skopeo.failure("copy", [source, "dir:back"])
                #expect(message.contains("unexpected EOF"), "\(message)")
                #expect(line.hasBroken)
                try await skopeo.copy(source, "dir:back")
            }
            let layer = scene.layout.layer
            let content = try Data(contentsOf: scene.file("back/\(layer.digest.dropFirst(7))"))
            #expect(try content == Data(contentsOf: scene.layout.file(layer)))
        }
    }

    @Test("skopeo pushes again what broke off")
    func pushAfterBreak() async throws {
        try await Scene.with(padding: 24_000_000) { scene in
            try await BrokenLine.with(scene, .toServer, after: 12_000_000) { line in
                let skopeo = Skopeo(scene)
                let target = "docker://localhost:\(line.port)/team/app:1"
                _ = try await skopeo.failure("copy", ["oci:layout:image", target])
                #expect(line.hasBroken)
                #expect(try await scene.digest("team/app:1") == nil)
                try await skopeo.copy("oci:layout:image", target)
            }
            #expect(try await scene.digest("team/app:1") == scene.layout.image.digest)
        }
    }
}

/// skopeo, which needs to be told that a registry speaks plain HTTP.
struct Skopeo {
    let scene: Scene

    init(_ scene: Scene) { self.scene = scene }

    func remote(_ name: String) -> String { "docker://\(scene.host)/\(name)" }

    func copy(_ source: String, _ target: String, _ options: String...) async throws {
        try await copy(source, target, options)
    }

    func copy(_ source: String, _ target: String, _ options: [String]) async throws {
        try await run("copy", options + [source, target])
    }

    func inspect(_ name: String, _ options: String...) async throws -> String {
        try await run("inspect", options + [remote(name)])
    }

    @discardableResult
    func run(_ command: String, _ arguments: [String]) async throws -> String {
        try await scene.run("skopeo", Self.words(command, arguments))
    }

    func failure(_ command: String, _ arguments: [String]) async throws -> String {
        try await scene.failure(of: "skopeo", Self.words(command, arguments))
    }

    private static func words(_ command: String, _ arguments: [String]) -> [String] {
        let options =
            ["copy", "sync"].contains(command)
            ? ["--src-tls-verify=false", "--dest-tls-verify=false"] : ["--tls-verify=false"]
        return ["--insecure-policy", command] + options + arguments
    }
}
