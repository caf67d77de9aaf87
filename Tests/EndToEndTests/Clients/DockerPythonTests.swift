import Foundation
import Testing

/// The `docker` library for Python, which drives the engine, and so cannot delete in a registry either.
@Suite(
    "docker for Python",
    .serialized,
    .enabled(
        if: ClientTests.dockerHost != nil && Python.packages != nil,
        "no docker engine or no Python packages: BERTH_TEST_DOCKER_HOST or BERTH_TEST_PYTHONPATH is not set"
    )
)
struct DockerPythonTests {
    private func run(_ scene: Scene, _ script: String) async throws -> [String: Any] {
        let host = try #require(ClientTests.dockerHost)
        let prelude = """
            import docker, json, os
            client = docker.from_env()
            registry = os.environ["REGISTRY"]

            """
        let epilogue = """

            # images.list() asks for each image of the engine, and other tests remove theirs meanwhile.
            try:
                client.images.remove(os.environ["IMAGE"], force=True)
            except docker.errors.ImageNotFound:
                pass
            """
        return try await Python.run(
            scene,
            prelude + script + epilogue,
            environment: ["DOCKER_HOST": host, "IMAGE": scene.layout.imageID]
        )
    }

    @Test("docker for Python pulls by tag, by digest and from an index, and runs what it pulled")
    func pull() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let found = try await run(
                scene,
                """
                repository = registry + "/team/app"
                found = {}
                for name in ("\(scene.layout.image.digest)", "image", "index"):
                    image = client.images.pull(repository, tag=name)
                    greeting = client.containers.run(image, network_mode="none", remove=True).decode()
                    found[name] = [image.id, greeting]
                    client.images.remove(image.id, force=True)
                print(json.dumps(found))
                """
            )
            for name in [scene.layout.image.digest, "image", "index"] {
                let expected = [scene.layout.imageID, "\(scene.layout.greeting)\n"]
                #expect(found[name] as? [String] == expected, "\(name)")
            }
        }
    }

    @Test("docker for Python tags and pushes, and the layers are mounted")
    func push() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let found = try await run(
                scene,
                """
                image = client.images.pull(registry + "/team/app", tag="image")
                image.tag(registry + "/copies/app", "1")
                lines = list(client.images.push(registry + "/copies/app", tag="1", stream=True, decode=True))
                print(json.dumps({
                    "errors": [line["error"] for line in lines if "error" in line],
                    "statuses": [line.get("status", "") for line in lines],
                    "digest": [line["aux"]["Digest"] for line in lines if "aux" in line][0],
                }))
                """
            )
            #expect((found["errors"] as? [String])?.isEmpty == true)
            #expect((found["statuses"] as? [String])?.contains("Mounted from team/app") == true, "\(found)")
            #expect(found["digest"] as? String == (try await scene.digest("copies/app:1")))
        }
    }

    @Test("docker for Python lists: it pulls every tag of a repository")
    func list() async throws {
        try await Scene.with { scene in
            let skopeo = Skopeo(scene)
            for tag in ["a", "b"] {
                try await skopeo.copy("oci:layout:image", skopeo.remote("team/app:\(tag)"))
            }
            let found = try await run(
                scene,
                """
                client.images.pull(registry + "/team/app", all_tags=True)
                print(json.dumps({"tags": client.images.get(registry + "/team/app:a").tags}))
                """
            )
            let tags = (found["tags"] as? [String])?.sorted()
            #expect(tags == ["\(scene.host)/team/app:a", "\(scene.host)/team/app:b"])
        }
    }

    @Test("docker for Python asks for an index: its digest, its platforms, and what is not there")
    func registryData() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let found = try await run(
                scene,
                """
                data = client.images.get_registry_data(registry + "/team/app:index")
                try:
                    client.images.get_registry_data(registry + "/team/app:absent")
                    absent = "found"
                except docker.errors.NotFound as error:
                    absent = "not found"
                image = data.pull()
                print(json.dumps({
                    "id": data.id,
                    "type": data.attrs["Descriptor"]["mediaType"],
                    "size": data.attrs["Descriptor"]["size"],
                    "platforms": [data.has_platform("linux/amd64"), data.has_platform("linux/arm64")],
                    "absent": absent,
                    "image": image.id,
                }))
                """
            )
            #expect(found["id"] as? String == scene.layout.index.digest)
            #expect(found["type"] as? String == SampleLayout.indexType)
            #expect(found["size"] as? Int == scene.layout.index.size)
            #expect(found["platforms"] as? [Bool] == [true, true])
            #expect(found["absent"] as? String == "not found")
            #expect(found["image"] as? String == scene.layout.imageID)
        }
    }
}
