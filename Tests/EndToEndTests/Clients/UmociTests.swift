import Foundation
import Testing

/// umoci reads and writes image layouts; another program carries them.
@Suite("umoci", .serialized)
struct UmociTests {
    @Test("umoci reads and unpacks an image that skopeo has pulled")
    func pull() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let skopeo = Skopeo(scene)
            try await skopeo.copy(skopeo.remote("team/app:image"), "oci:pulled:1")
            let umoci = Umoci(scene)
            #expect(try await umoci.run("list", ["--layout", "pulled"]) == "1\n")
            try await umoci.expectSample(in: "pulled:1")
        }
    }

    @Test("umoci makes an image, and skopeo pushes it")
    func push() async throws {
        try await Scene.with { scene in
            let umoci = Umoci(scene)
            try Data(scene.layout.greeting.utf8).write(to: scene.file("greeting"))
            try await umoci.run("init", ["--layout", "made"])
            try await umoci.run("new", ["--image", "made:1"])
            try await umoci.run("insert", umoci.rights + ["--image", "made:1", "greeting", "/greeting"])
            try await umoci.run("config", ["--image", "made:1", "--config.label", "greeting=here"])
            let skopeo = Skopeo(scene)
            try await skopeo.copy("oci:made:1", skopeo.remote("team/made:1"))
            let config = try await skopeo.inspect("team/made:1", "--format", "{{.Labels.greeting}}")
            #expect(config == "here\n")
        }
    }

    @Test("umoci changes an image that was pulled: only the new layer is pushed")
    func change() async throws {
        try await Scene.with { scene in
            let skopeo = Skopeo(scene)
            try await skopeo.copy("oci:layout:image", skopeo.remote("team/app:1"))
            try await skopeo.copy(skopeo.remote("team/app:1"), "oci:pulled:1")
            try Data(scene.layout.greeting.utf8).write(to: scene.file("greeting"))
            let umoci = Umoci(scene)
            let words = ["--image", "pulled:1", "--tag", "2", "greeting", "/greeting"]
            try await umoci.run("insert", umoci.rights + words)
            try await skopeo.copy("oci:pulled:2", skopeo.remote("team/app:2"))
            let layers = try await scene.manifest("team/app:2")["layers"] as? [[String: Any]]
            #expect(layers?.count == 2)
            #expect(layers?.first?["digest"] as? String == scene.layout.layer.digest)
        }
    }

    @Test("umoci reads and unpacks what berth has exported")
    func export() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let exported = try await scene.program.run(
                "export",
                "--link",
                "exported",
                "--storage",
                scene.program.storage.path
            )
            try #require(exported.status == 0, "\(exported.errors)")
            let umoci = Umoci(scene)
            let names = try await umoci.run("list", ["--layout", "exported"]).split(separator: "\n")
            #expect(names.sorted() == ["foreign", "image", "index", "nested"].map { "team/app:\($0)" })
            try await umoci.expectSample(in: "exported:team/app:image")
            // It is a layout for every other program too.
            let skopeo = Skopeo(scene)
            let target = skopeo.remote("copies/app:1")
            try await skopeo.copy("oci:exported:team/app:index", target, "--all")
            #expect(try await scene.digest("copies/app:1") == scene.layout.index.digest)
        }
    }
}

struct Umoci {
    let scene: Scene

    init(_ scene: Scene) { self.scene = scene }

    /// What it takes not to need root.
    var rights: [String] { geteuid() == 0 ? [] : ["--rootless"] }

    @discardableResult
    func run(_ command: String, _ arguments: [String]) async throws -> String {
        try await scene.run("umoci", [command] + arguments)
    }

    /// Unpacks an image, and runs the program in it.
    func expectSample(in name: String) async throws {
        let stat = try await run("stat", ["--image", name])
        #expect(stat.contains(scene.layout.layer.digest), "\(stat)")
        try await run("unpack", rights + ["--image", name, "bundle"])
        let output = try await scene.run(scene.file("bundle/rootfs/hello").path, [])
        #expect(output == "\(scene.layout.greeting)\n")
    }
}
