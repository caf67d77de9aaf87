import Foundation
import Testing

/// ctr cannot list or delete in a registry; those stand with other clients.
@Suite("containerd's ctr", .serialized)
struct ContainerdTests {
    @Test("ctr pulls by tag and by digest, and runs what it pulled", arguments: [false, true])
    func pull(byDigest: Bool) async throws {
        try await Containerd.with { scene, containerd in
            try await scene.seed("team/app")
            let name = "\(scene.host)/team/app\(byDigest ? "@\(scene.layout.image.digest)" : ":image")"
            try await containerd.ctr("images", "pull", "--plain-http", name)
            let names = try await containerd.ctr("images", "list")
            #expect(names.contains(scene.layout.image.digest), "\(names)")
            #expect(try await containerd.greeting(of: name) == "\(scene.layout.greeting)\n")
        }
    }

    @Test("ctr pushes what it imported, and the digest stays")
    func push() async throws {
        try await Containerd.with { scene, containerd in
            let name = "\(scene.host)/team/app:1"
            try await scene.run(
                "skopeo",
                ["--insecure-policy", "copy", "oci:layout:image", "oci-archive:image.tar:1"]
            )
            try await containerd.ctr("images", "import", "--base-name", "\(scene.host)/team/app", "image.tar")
            try await containerd.ctr("images", "push", "--plain-http", name)
            #expect(try await scene.digest("team/app:1") == scene.layout.image.digest)
            let layer = "/v2/team/app/blobs/\(scene.layout.layer.digest)"
            let content = try await scene.request("GET", layer).content
            #expect(try content == Data(contentsOf: scene.layout.file(scene.layout.layer)))
        }
    }

    @Test("ctr copies to another repository, and the layers are mounted")
    func copy() async throws {
        try await Containerd.with { scene, containerd in
            try await scene.seed("team/app")
            try await containerd.ctr("images", "pull", "--plain-http", "\(scene.host)/team/app:image")
            let target = "\(scene.host)/copies/app:1"
            try await containerd.ctr("images", "tag", "\(scene.host)/team/app:image", target)
            try await containerd.ctr("images", "push", "--plain-http", target)
            #expect(try await scene.digest("copies/app:1") == scene.layout.image.digest)
            try await scene.expectRequest("POST", "/v2/copies/app/blobs/uploads/", 201)
            #expect(!scene.server.process.errorsSoFar.contains(" PUT /v2/copies/app/blobs/"))
        }
    }

    @Test(
        "ctr pulls an index and one that lists an index, runs them, and pushes them",
        arguments: ["index", "nested"]
    )
    func index(tag: String) async throws {
        try await Containerd.with { scene, containerd in
            try await scene.seed("team/app")
            let source = "\(scene.host)/team/app:\(tag)"
            try await containerd.ctr("images", "pull", "--plain-http", "--all-platforms", source)
            #expect(try await containerd.greeting(of: source) == "\(scene.layout.greeting)\n")
            let target = "\(scene.host)/copies/app:1"
            try await containerd.ctr("images", "tag", source, target)
            try await containerd.ctr("images", "push", "--plain-http", target)
            let expected = tag == "index" ? scene.layout.index.digest : scene.layout.nested.digest
            #expect(try await scene.digest("copies/app:1") == expected)
            let foreign = scene.layout.foreign.digest
            #expect(try await scene.digest("copies/app@\(foreign)") == foreign)
        }
    }

    @Test("ctr pulls and runs Docker's schema 2")
    func schema2() async throws {
        try await Containerd.with { scene, containerd in
            let skopeo = Skopeo(scene)
            try await skopeo.copy(
                "oci:layout:index",
                skopeo.remote("team/app:1"),
                "--all",
                "--format",
                "v2s2"
            )
            let name = "\(scene.host)/team/app:1"
            try await containerd.ctr("images", "pull", "--plain-http", name)
            #expect(try await containerd.greeting(of: name) == "\(scene.layout.greeting)\n")
        }
    }

    @Test("ctr pulls and runs layers compressed with zstd, and pushes them")
    func zstd() async throws {
        try await Containerd.with { scene, containerd in
            let skopeo = Skopeo(scene)
            let options = ["--dest-compress-format", "zstd", "--format", "oci"]
            try await skopeo.copy("oci:layout:image", skopeo.remote("team/app:zstd"), options)
            let types = try await scene.layerTypes("team/app:zstd")
            #expect(types == ["application/vnd.oci.image.layer.v1.tar+zstd"])
            let name = "\(scene.host)/team/app:zstd"
            try await containerd.ctr("images", "pull", "--plain-http", name)
            #expect(try await containerd.greeting(of: name) == "\(scene.layout.greeting)\n")
            let target = "\(scene.host)/copies/app:1"
            try await containerd.ctr("images", "tag", name, target)
            try await containerd.ctr("images", "push", "--plain-http", target)
            #expect(try await scene.digest("copies/app:1") == scene.digest("team/app:zstd"))
        }
    }

    @Test("ctr fetches and pushes single blobs")
    func objects() async throws {
        try await Containerd.with { scene, containerd in
            try await scene.seed("team/app")
            let id = scene.layout.imageID
            let source = "\(scene.host)/team/app@\(id)"
            let text = try await containerd.ctr("content", "fetch-object", "--plain-http", source, id)
            #expect(try Data(text.utf8) == Data(contentsOf: scene.layout.file(scene.layout.blobs[0])))
            try await containerd.ctr("images", "pull", "--plain-http", "\(scene.host)/team/app:image")
            let target = "\(scene.host)/copies/app:1"
            let type = SampleLayout.configType
            try await containerd.ctr("content", "push-object", "--plain-http", target, id, type)
            #expect(try await scene.request("HEAD", "/v2/copies/app/blobs/\(id)").status == 200)
        }
    }

    @Test("ctr goes on with a pull that broke off, from where it was")
    func resumedPull() async throws {
        try await Containerd.with(padding: 24_000_000) { scene, containerd in
            try await scene.seed("team/app")
            try await BrokenLine.with(scene, .toClient, after: 12_000_000) { line in
                let name = "localhost:\(line.port)/team/app:image"
                try await containerd.ctr("images", "pull", "--plain-http", name)
                #expect(line.hasBroken)
                #expect(try await containerd.greeting(of: name) == "\(scene.layout.greeting)\n")
            }
            let blob = "/v2/team/app/blobs/\(scene.layout.layer.digest)"
            try await scene.expectRequest("GET", blob, 206)
        }
    }
}
