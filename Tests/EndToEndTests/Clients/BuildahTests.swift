import Foundation
import Testing

@Suite("buildah", .serialized)
struct BuildahTests {
    @Test(
        "buildah pushes an image made from scratch, as OCI and as Docker's schema 2",
        arguments: [
            ("oci", SampleLayout.manifestType),
            ("docker", "application/vnd.docker.distribution.manifest.v2+json"),
        ]
    )
    func push(format: String, mediaType: String) async throws {
        try await Scene.with { scene in
            let buildah = try Buildah(scene)
            try await buildah.build("made")
            let options = ["--quiet", "--format", format, "--digestfile", "digest"]
            try await buildah.run("push", options + ["made", buildah.remote("team/app:1")])
            let digest = try String(contentsOf: scene.file("digest"), encoding: .utf8)
            #expect(try await scene.digest("team/app:1") == digest)
            #expect(try await scene.manifest("team/app:1")["mediaType"] as? String == mediaType)
        }
    }

    @Test("buildah pushes layers compressed with zstd, and pulls them again")
    func zstd() async throws {
        try await Scene.with { scene in
            let buildah = try Buildah(scene)
            try await buildah.build("made")
            let options = ["--quiet", "--format", "oci", "--compression-format", "zstd"]
            try await buildah.run("push", options + ["made", buildah.remote("team/app:zstd")])
            let types = try await scene.layerTypes("team/app:zstd")
            #expect(types == ["application/vnd.oci.image.layer.v1.tar+zstd"])
            try await buildah.run("rmi", ["--all", "--force"])
            let pulled = try await buildah.run("pull", ["--quiet", buildah.remote("team/app:zstd")])
            #expect(
                try await buildah.greeting(in: pulled.trimmingCharacters(in: .newlines))
                    == scene.layout.greeting
            )
        }
    }

    @Test("buildah pulls by tag and by digest", arguments: [false, true])
    func pull(byDigest: Bool) async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let buildah = try Buildah(scene)
            let name = byDigest ? "team/app@\(scene.layout.image.digest)" : "team/app:image"
            let pulled = try await buildah.run("pull", ["--quiet", buildah.remote(name)])
            #expect("sha256:\(pulled.trimmingCharacters(in: .newlines))" == scene.layout.imageID)
        }
    }

    @Test("buildah pulls an index: the image for this machine, and that for another")
    func pullIndex() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let buildah = try Buildah(scene)
            let name = buildah.remote("team/app:index")
            let mine = try await buildah.run("pull", ["--quiet", name])
            #expect("sha256:\(mine.trimmingCharacters(in: .newlines))" == scene.layout.imageID)
            let foreign = SampleLayout.architectures.foreign
            let other = try await buildah.run("pull", ["--quiet", "--arch", foreign, name])
            let manifest = try await scene.manifest("team/app:foreign")
            let config = (manifest["config"] as? [String: Any])?["digest"] as? String
            #expect("sha256:\(other.trimmingCharacters(in: .newlines))" == config)
        }
    }

    @Test("buildah copies: what it pulled it pushes to another repository, with the same digest")
    func copy() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let buildah = try Buildah(scene)
            try await buildah.run("pull", ["--quiet", buildah.remote("team/app:image")])
            let name = "\(scene.host)/team/app:image"
            try await buildah.run("push", ["--quiet", name, buildah.remote("copies/app:1")])
            let config = try await scene.manifest("copies/app:1")["config"] as? [String: Any]
            #expect(config?["digest"] as? String == scene.layout.imageID)
            // The layer did not travel again.
            try await scene.expectRequest("POST", "/v2/copies/app/blobs/uploads/", 201)
        }
    }

    @Test("buildah makes an index of two images, pushes it, and reads it back")
    func index() async throws {
        try await Scene.with { scene in
            let buildah = try Buildah(scene)
            try await buildah.build("mine")
            try await buildah.build("other", architecture: SampleLayout.architectures.foreign)
            try await buildah.run("manifest", ["create", "list", "mine", "other"])
            let target = buildah.remote("team/list:1")
            try await buildah.run(
                "manifest",
                ["push", "--all", "--quiet", "--tls-verify=false", "list", target]
            )
            let children = try await scene.children("team/list:1")
            #expect(children.count == 2)
            for child in children {
                #expect(try await scene.digest("team/list@\(child)") == child)
            }
            let pulled = try await buildah.run("pull", ["--quiet", target])
            #expect(
                try await buildah.greeting(in: pulled.trimmingCharacters(in: .newlines))
                    == scene.layout.greeting
            )
        }
    }

    @Test("buildah adds an image that is in the registry to an index, by its digest")
    func addToIndex() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let buildah = try Buildah(scene)
            try await buildah.run("manifest", ["create", "list"])
            for entry in [scene.layout.image, scene.layout.foreign] {
                let name = buildah.remote("team/app@\(entry.digest)")
                try await buildah.run("manifest", ["add", "--tls-verify=false", "list", name])
            }
            let target = buildah.remote("team/list:1")
            try await buildah.run(
                "manifest",
                ["push", "--all", "--quiet", "--tls-verify=false", "list", target]
            )
            let expected = [scene.layout.image.digest, scene.layout.foreign.digest]
            #expect(try await scene.children("team/list:1") == expected)
        }
    }
}

/// buildah with a storage of its own, which needs no mounts.
struct Buildah {
    let scene: Scene

    init(_ scene: Scene) throws {
        self.scene = scene
        let policy = #"{"default":[{"type":"insecureAcceptAnything"}]}"#
        try Data(policy.utf8).write(to: scene.file("policy.json"))
    }

    func remote(_ name: String) -> String { "docker://\(scene.host)/\(name)" }

    /// Makes an image with one file, the greeting.
    func build(_ name: String, architecture: String = SampleLayout.architectures.host) async throws {
        try Data(scene.layout.greeting.utf8).write(to: scene.file("greeting"))
        let container = try await run("from", ["scratch"]).trimmingCharacters(in: .newlines)
        try await run("copy", ["--quiet", container, "greeting", "/greeting"])
        try await run("config", ["--os", "linux", "--arch", architecture, container])
        try await run("commit", ["--quiet", "--rm", container, name])
    }

    /// The file in an image that `build` has made.
    func greeting(in image: String) async throws -> String {
        let folder = "read-\(UUID().uuidString)"
        try await run("push", ["--quiet", "--disable-compression", image, "dir:\(folder)"])
        let bytes = try Data(contentsOf: scene.file("\(folder)/manifest.json"))
        let manifest = try JSONSerialization.jsonObject(with: bytes) as? [String: Any]
        let layers = try #require(manifest?["layers"] as? [[String: Any]])
        let digest = try #require(layers.first?["digest"] as? String)
        let path = "\(folder)/\(digest.dropFirst("sha256:".count))"
        return try await scene.run("tar", ["--extract", "--to-stdout", "--file", path, "greeting"])
    }

    @discardableResult
    func run(_ command: String, _ arguments: [String]) async throws -> String {
        var words = [
            "--root", scene.file("containers").path, "--runroot", scene.file("run").path, "--storage-driver",
            "vfs", command,
        ]
        if ["push", "pull", "from", "commit"].contains(command) {
            words += ["--signature-policy", scene.file("policy.json").path]
        }
        if ["push", "pull", "from"].contains(command) { words.append("--tls-verify=false") }
        return try await scene.run(
            "buildah",
            words + arguments,
            environment: ["BUILDAH_ISOLATION": "chroot"]
        )
    }
}
