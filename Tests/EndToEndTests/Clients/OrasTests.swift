import Foundation
import Testing

/// The `oras` library for Python.
///
/// The package has no command of its own, so everything is done from scripts.
@Suite(
    "oras for Python",
    .serialized,
    .enabled(if: Python.packages != nil, "no Python packages: BERTH_TEST_PYTHONPATH is not set")
)
struct OrasTests {
    private func run(_ scene: Scene, _ script: String) async throws -> [String: Any] {
        let prelude = """
            import json, os
            import oras.client, oras.oci
            from oras.layout import layout
            registry = os.environ["REGISTRY"]
            client = oras.client.OrasClient(insecure=True)

            """
        return try await Python.run(scene, prelude + script)
    }

    /// Files for an artifact: one, a folder with another, and one that is large enough for several chunks.
    private func writeFiles(_ scene: Scene) throws {
        try Data("one".utf8).write(to: scene.file("one.txt"))
        try FileManager.default.createDirectory(at: scene.file("folder"), withIntermediateDirectories: true)
        try Data("two".utf8).write(to: scene.file("folder/two.txt"))
        try Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) })
            .write(to: scene.file("large"))
    }

    @Test("oras pushes files and a folder as an artifact, whole and in chunks", arguments: [false, true])
    func push(chunked: Bool) async throws {
        try await Scene.with { scene in
            try writeFiles(scene)
            let found = try await run(
                scene,
                """
                reply = client.push(
                    target=registry + "/team/artifact:1", files=["one.txt:text/plain", "folder", "large"],
                    manifest_annotations={"note": "here"}, do_chunked=\(chunked ? "True" : "False"),
                    chunk_size=1_000_000, quiet=True)
                print(json.dumps({"status": reply.status_code, "digest": reply.headers["Docker-Content-Digest"]}))
                """
            )
            #expect(found["status"] as? Int == 201)
            #expect(found["digest"] as? String == (try await scene.digest("team/artifact:1")))
            let manifest = try await scene.manifest("team/artifact:1")
            #expect(manifest["annotations"] as? [String: String] == ["note": "here"])
            let layers = try #require(manifest["layers"] as? [[String: Any]])
            let titles = layers.map {
                ($0["annotations"] as? [String: String])?["org.opencontainers.image.title"]
            }
            #expect(titles == ["one.txt", "folder", "large"])
            #expect(layers.first?["mediaType"] as? String == "text/plain")
            let digest = try #require(layers.last?["digest"] as? String)
            let content = try await scene.request("GET", "/v2/team/artifact/blobs/\(digest)").content
            #expect(try content == Data(contentsOf: scene.file("large")))
        }
    }

    @Test("oras pulls an artifact by tag and by digest")
    func pull() async throws {
        try await Scene.with { scene in
            try writeFiles(scene)
            _ = try await run(
                scene,
                """
                reply = client.push(
                    target=registry + "/team/artifact:1", files=["one.txt", "folder", "large"], quiet=True)
                digest = reply.headers["Docker-Content-Digest"]
                client.pull(target=registry + "/team/artifact:1", outdir="by-tag")
                client.pull(target=registry + "/team/artifact@" + digest, outdir="by-digest")
                print("{}")
                """
            )
            for folder in ["by-tag", "by-digest"] {
                for path in ["one.txt", "folder/two.txt", "large"] {
                    let content = try Data(contentsOf: scene.file("\(folder)/\(path)"))
                    #expect(try content == Data(contentsOf: scene.file(path)), "\(folder)/\(path)")
                }
            }
        }
    }

    @Test("oras lists tags, from page to page")
    func list() async throws {
        try await Scene.with { scene in
            try writeFiles(scene)
            let found = try await run(
                scene,
                """
                name = registry + "/team/artifact"
                for tag in ("a", "b", "c", "d", "e"):
                    client.push(target=name + ":" + tag, files=["one.txt"], quiet=True)
                pages = []
                first = "http://" + client.get_container(name).tags_url(N=2)
                client._do_paginated_request(first, lambda reply: pages.append(reply.json()["tags"]) or True)
                print(json.dumps({
                    "all": client.get_tags(name), "three": client.get_tags(name, N=3), "pages": pages}))
                """
            )
            #expect(found["all"] as? [String] == ["a", "b", "c", "d", "e"])
            #expect(found["three"] as? [String] == ["a", "b", "c"])
            #expect(found["pages"] as? [[String]] == [["a", "b"], ["c", "d"], ["e"]])
        }
    }

    @Test("oras deletes tags with what they name")
    func delete() async throws {
        try await Scene.with { scene in
            try writeFiles(scene)
            let found = try await run(
                scene,
                """
                name = registry + "/team/artifact"
                for tag, file in (("a", "one.txt"), ("b", "large")):
                    client.push(target=name + ":" + tag, files=[file], quiet=True)
                deleted = client.delete_tags(name, ["a", "absent"])
                print(json.dumps({"deleted": deleted, "left": client.get_tags(name)}))
                """
            )
            #expect(found["deleted"] as? [String] == ["a"])
            #expect(found["left"] as? [String] == ["b"])
            #expect(try await scene.digest("team/artifact:a") == nil)
        }
    }

    @Test(
        "oras copies an index, and one that lists an index, to a layout and to another repository",
        arguments: ["index", "nested"]
    )
    func copyIndex(tag: String) async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            _ = try await run(
                scene,
                """
                copy = layout.NewLayoutFromRegistry("copied", client, registry + "/team/app:\(tag)", "\(tag)")
                copy.push_to_registry(client, registry + "/copies/app:1", "\(tag)")
                print("{}")
                """
            )
            let expected = tag == "index" ? scene.layout.index.digest : scene.layout.nested.digest
            #expect(try await scene.digest("copies/app:1") == expected)
            let foreign = scene.layout.foreign.digest
            #expect(try await scene.digest("copies/app@\(foreign)") == foreign)
        }
    }

    @Test("oras reads manifests of every kind", arguments: ["oci", "v2s2"])
    func manifests(format: String) async throws {
        try await Scene.with { scene in
            let skopeo = Skopeo(scene)
            try await skopeo.copy(
                "oci:layout:index",
                skopeo.remote("team/app:1"),
                "--all",
                "--format",
                format
            )
            let child = try #require(try await scene.children("team/app:1").first)
            let found = try await run(
                scene,
                """
                name = registry + "/team/app"
                print(json.dumps({
                    "index": client.get_manifest(name + ":1"),
                    "image": client.get_manifest(name + "@\(child)"),
                    # A type that it is not: what is there is answered with none the less.
                    "unasked": client.get_manifest(name + ":1", allowed_media_type=["application/x-other"])}))
                """
            )
            let index = try await scene.manifest("team/app:1") as NSDictionary
            #expect(found["index"] as? NSDictionary == index)
            #expect(found["unasked"] as? NSDictionary == index)
            #expect(
                found["image"] as? NSDictionary == (try await scene.manifest("team/app@\(child)"))
                    as NSDictionary
            )
        }
    }

    @Test("oras attaches artifacts to an image, and finds them as its referrers")
    func referrers() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            try writeFiles(scene)
            let found = try await run(
                scene,
                """
                name = registry + "/team/app"
                subject = oras.oci.Subject("\(SampleLayout.manifestType)", "\(scene.layout.image.digest)", \(scene.layout.image.size))
                replies = {}
                for kind in ("sbom", "signature"):
                    open(kind + ".json", "w").write("{}")
                    replies[kind] = client.push(
                        target=name + ":" + kind, files=["one.txt"], subject=subject, quiet=True,
                        manifest_config=kind + ".json:application/vnd.example." + kind,
                        manifest_annotations={"kind": kind})
                url = "http://" + registry + "/v2/team/app/referrers/" + subject.digest
                every = client.do_request(url, "GET")
                filtered = client.do_request(url + "?artifactType=application/vnd.example.sbom", "GET")
                print(json.dumps({
                    "subjects": [reply.headers.get("OCI-Subject") for reply in replies.values()],
                    "pushed": {kind: reply.headers["Docker-Content-Digest"] for kind, reply in replies.items()},
                    "type": every.headers["Content-Type"],
                    "every": {entry["annotations"]["kind"]: entry["digest"] for entry in every.json()["manifests"]},
                    "filtered": [entry["artifactType"] for entry in filtered.json()["manifests"]],
                    "applied": filtered.headers.get("OCI-Filters-Applied")}))
                """
            )
            #expect(found["subjects"] as? [String] == Array(repeating: scene.layout.image.digest, count: 2))
            #expect(found["type"] as? String == SampleLayout.indexType)
            let pushed = try #require(found["pushed"] as? [String: String])
            #expect(found["every"] as? [String: String] == pushed)
            #expect(found["filtered"] as? [String] == ["application/vnd.example.sbom"])
            #expect(found["applied"] as? String == "artifactType")
        }
    }
}
