import Foundation
import Testing

/// Debian's docker 20.10 against an engine of the tests' own.
///
/// It cannot delete in a registry, takes no layers compressed with zstd, and knows no referrers; those stand with other
/// clients. Its engine is started without a bridge, so containers run without a network.
@Suite(
    "docker",
    .serialized,
    .enabled(if: ClientTests.dockerHost != nil, "no docker engine: BERTH_TEST_DOCKER_HOST is not set")
)
struct DockerClientTests {
    private func with(
        padding: Int = 0,
        _ body: (Scene, Docker) async throws -> Void
    ) async throws {
        let host = try #require(ClientTests.dockerHost)
        try await Scene.with(padding: padding) { scene in
            let docker = Docker(program: scene.program, host: host)
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(scene, docker))
            } catch {
                result = .failure(error)
            }
            // The engine outlives the test: nothing of it stays there.
            let images = try await docker.run("images", "--quiet", "--no-trunc", "--all")
            if images.contains(scene.layout.imageID) {
                _ = try await docker.run("rmi", "--force", scene.layout.imageID)
            }
            try result.get()
        }
    }

    @Test("docker pulls by tag and by digest, and runs what it pulled", arguments: [false, true])
    func pull(byDigest: Bool) async throws {
        try await with { scene, docker in
            try await scene.seed("team/app")
            let digest = scene.layout.image.digest
            let name = "\(scene.host)/team/app\(byDigest ? "@\(digest)" : ":image")"
            let output = try await docker.run("pull", name)
            #expect(output.contains("Digest: \(digest)"), "\(output)")
            let id = try await docker.run("image", "inspect", "--format", "{{.Id}}", name)
            #expect(id == "\(scene.layout.imageID)\n")
            let greeting = try await docker.run("run", "--rm", "--network", "none", name)
            #expect(greeting == "\(scene.layout.greeting)\n")
        }
    }

    @Test(
        "docker pulls from an index the image for this machine, by tag and by digest",
        arguments: [false, true]
    )
    func pullIndex(byDigest: Bool) async throws {
        try await with { scene, docker in
            try await scene.seed("team/app")
            let digest = scene.layout.index.digest
            let name = "\(scene.host)/team/app\(byDigest ? "@\(digest)" : ":index")"
            let output = try await docker.run("pull", name)
            #expect(output.contains("Digest: \(digest)"), "\(output)")
            let greeting = try await docker.run("run", "--rm", "--network", "none", name)
            #expect(greeting == "\(scene.layout.greeting)\n")
        }
    }

    /// docker 20.10 does not look into an index that an index lists; it has to get far enough to say so.
    @Test("docker reads an index that lists an index")
    func nestedIndex() async throws {
        try await with { scene, docker in
            try await scene.seed("team/app")
            let message = try await docker.failure("pull", "\(scene.host)/team/app:nested")
            #expect(message.contains("no matching manifest"), "\(message)")
            try await scene.expectRequest("GET", "/v2/team/app/manifests/\(scene.layout.nested.digest)", 200)
        }
    }

    @Test("docker pushes schema 2, by the digest of which the image is pulled again")
    func push() async throws {
        try await with { scene, docker in
            // Loaded from a file, so that the engine knows no registry that has it.
            let name = "\(scene.host)/team/pushed:1"
            try await scene.run(
                "skopeo",
                ["--insecure-policy", "copy", "oci:layout:image", "docker-archive:image.tar:\(name)"]
            )
            _ = try await docker.run("load", "--input", "image.tar")
            let pushed = try await docker.run("push", name)
            let digest = try #require(try await scene.digest("team/pushed:1"))
            #expect(pushed.contains("digest: \(digest)"), "\(pushed)")
            let type = try await scene.manifest("team/pushed:1")["mediaType"] as? String
            #expect(type == "application/vnd.docker.distribution.manifest.v2+json")
            _ = try await docker.run("rmi", "--force", scene.layout.imageID)
            let again = "\(scene.host)/team/pushed@\(digest)"
            let pulled = try await docker.run("pull", again)
            #expect(pulled.contains("Downloaded newer image"), "\(pulled)")
            let greeting = try await docker.run("run", "--rm", "--network", "none", again)
            #expect(greeting == "\(scene.layout.greeting)\n")
        }
    }

    @Test("docker copies to another repository, and the layers are mounted")
    func copy() async throws {
        try await with { scene, docker in
            try await scene.seed("team/app")
            _ = try await docker.run("pull", "\(scene.host)/team/app:image")
            _ = try await docker.run("tag", "\(scene.host)/team/app:image", "\(scene.host)/copies/app:1")
            let pushed = try await docker.run("push", "\(scene.host)/copies/app:1")
            #expect(pushed.contains("Mounted from team/app"), "\(pushed)")
            #expect(try await scene.digest("copies/app:1") != nil)
        }
    }

    @Test("docker pushes all tags, and pulls all that are listed")
    func list() async throws {
        try await with { scene, docker in
            try await scene.seed("team/app")
            _ = try await docker.run("pull", "\(scene.host)/team/app:image")
            for tag in ["a", "b", "c"] {
                _ = try await docker.run(
                    "tag",
                    "\(scene.host)/team/app:image",
                    "\(scene.host)/many/app:\(tag)"
                )
            }
            _ = try await docker.run("push", "--all-tags", "\(scene.host)/many/app")
            #expect(try await scene.tags("many/app") == ["a", "b", "c"])
            _ = try await docker.run("rmi", "--force", scene.layout.imageID)
            _ = try await docker.run("pull", "--all-tags", "\(scene.host)/many/app")
            let names = try await docker.run(
                "images",
                "--format",
                "{{.Repository}}:{{.Tag}}",
                "\(scene.host)/many/app"
            )
            let expected = ["a", "b", "c"].map { "\(scene.host)/many/app:\($0)" }
            #expect(names.split(separator: "\n").map(String.init).sorted() == expected)
        }
    }

    @Test("docker makes an index of images that are in the registry, pushes it, and pulls from it")
    func index() async throws {
        try await with { scene, docker in
            try await scene.seed("team/app")
            // `docker manifest` lists only Docker's own media types.
            let skopeo = Skopeo(scene)
            try await skopeo.copy(
                "oci:layout:index",
                skopeo.remote("team/docker:1"),
                "--all",
                "--format",
                "v2s2"
            )
            let children = try await scene.children("team/docker:1")
            let list = "\(scene.host)/team/docker:list"
            let members = children.map { "\(scene.host)/team/docker@\($0)" }
            _ = try await docker.run(["manifest", "create", "--insecure", list] + members)
            let pushed = try await docker.run("manifest", "push", "--insecure", list)
            let digest = try #require(try await scene.digest("team/docker:list"))
            #expect(pushed.contains(digest), "\(pushed)")
            #expect(try await scene.children("team/docker:list").sorted() == children.sorted())
            let output = try await docker.run("pull", list)
            #expect(output.contains("Digest: \(digest)"), "\(output)")
        }
    }

    @Test("docker shows an index that is in the registry")
    func inspectIndex() async throws {
        try await with { scene, docker in
            try await scene.seed("team/app")
            let text = try await docker.run(
                "manifest",
                "inspect",
                "--insecure",
                "\(scene.host)/team/app:index"
            )
            #expect(text.contains(scene.layout.image.digest) && text.contains(scene.layout.foreign.digest))
        }
    }

    @Test("docker goes on with a pull that broke off, from where it was")
    func resumedPull() async throws {
        try await with(padding: 24_000_000) { scene, docker in
            try await scene.seed("team/app")
            try await BrokenLine.with(scene, .toClient, after: 12_000_000) { line in
                let output = try await docker.run("pull", "localhost:\(line.port)/team/app:image")
                #expect(line.hasBroken)
                #expect(output.contains("Digest: \(scene.layout.image.digest)"), "\(output)")
            }
            let blob = "/v2/team/app/blobs/\(scene.layout.layer.digest)"
            try await scene.expectRequest("GET", blob, 206)
        }
    }

    @Test("docker goes on with a push that broke off")
    func retriedPush() async throws {
        try await with(padding: 24_000_000) { scene, docker in
            try await scene.seed("team/app")
            let name = "\(scene.host)/team/app:image"
            _ = try await docker.run("pull", name)
            try await BrokenLine.with(scene, .toServer, after: 12_000_000) { line in
                let other = "localhost:\(line.port)/copies/app:1"
                _ = try await docker.run("tag", name, other)
                _ = try await docker.run("push", other)
                #expect(line.hasBroken)
            }
            let layers = try await scene.manifest("copies/app:1")["layers"] as? [[String: Any]]
            #expect(layers?.count == 1)
        }
    }

    @Test("docker says what a registry says about what is not there")
    func missing() async throws {
        try await with { scene, docker in
            try await scene.seed("team/app")
            let message = try await docker.failure("pull", "\(scene.host)/team/app:absent")
            #expect(message.contains("there is no manifest absent in this repository"), "\(message)")
        }
    }
}
