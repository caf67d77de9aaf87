import Foundation
import Testing

/// The requests of the specification one by one, as a client in a script makes them, and above all what is interrupted.
@Suite("curl", .serialized)
struct CurlTests {
    @Test("curl pushes a blob in chunks, and recovers from a chunk at the wrong place")
    func chunks() async throws {
        try await Scene.with { scene in
            let layer = scene.layout.layer
            let middle = layer.size / 2
            try split(scene, at: middle)
            let location = try await openUpload(scene, "team/app")
            let first = try await scene.request(
                "PATCH",
                location,
                ["Content-Range: 0-\(middle - 1)"],
                content: scene.file("first")
            )
            #expect(first.status == 202)
            #expect(first.fields["range"] == "0-\(middle - 1)")
            let early = try await scene.request(
                "PATCH",
                location,
                ["Content-Range: \(middle + 1)-\(layer.size)"],
                content: scene.file("second")
            )
            #expect(early.status == 416)
            let told = try #require(early.fields["range"])
            #expect(told == "0-\(middle - 1)")
            try await finish(scene, "team/app", try #require(early.fields["location"]), from: middle)
        }
    }

    @Test(
        "curl goes on with an upload that broke off, also after a restart of the server",
        arguments: [false, true]
    )
    func resumedUpload(restart: Bool) async throws {
        try await Program.with { program in
            let layout = try await SampleLayout(program, padding: 24_000_000)
            let first = try await RunningServer(program)
            let scene = Scene(program: program, server: first, layout: layout)
            let location = try await openUpload(scene, "team/app")
            try await BrokenLine.with(scene, .toServer, after: 12_000_000) { line in
                _ = try await scene.failure(
                    of: "curl",
                    [
                        "-sS", "-X", "PATCH", "-H", "Content-Type: application/octet-stream", "-T",
                        layout.file(layout.layer).path, "http://localhost:\(line.port)\(location)",
                    ]
                )
                #expect(line.hasBroken)
            }
            if restart { await first.stop(SIGKILL) }
            let second = restart ? try await RunningServer(program) : first
            let again = Scene(program: program, server: second, layout: layout)
            // What came last may still be on its way to the disk; a client that was told too little is told again.
            let _: Bool = try await eventually("the rest is taken") {
                let reply = try await again.request("GET", location)
                #expect(reply.status == 204)
                let end = try #require(reply.fields["range"]?.split(separator: "-").last.flatMap { Int($0) })
                guard end > 0 else { return nil }
                #expect(end < 12_000_000)
                try split(again, at: end + 1)
                let rest = try await again.request(
                    "PATCH",
                    location,
                    ["Content-Range: \(end + 1)-\(layout.layer.size - 1)"],
                    content: again.file("second")
                )
                return rest.status == 202 ? true : nil
            }
            let closed = try await again.request("PUT", "\(location)?digest=\(layout.layer.digest)")
            #expect(closed.status == 201)
            try await expectLayer(again, "team/app")
            await second.stop(SIGTERM)
        }
    }

    @Test(
        "curl goes on with a download that broke off, also after a restart of the server",
        arguments: [false, true]
    )
    func resumedDownload(restart: Bool) async throws {
        try await Program.with { program in
            let layout = try await SampleLayout(program, padding: 24_000_000)
            let first = try await RunningServer(program)
            let scene = Scene(program: program, server: first, layout: layout)
            try await scene.seed("team/app")
            let path = "/v2/team/app/blobs/\(layout.layer.digest)"
            try await BrokenLine.with(scene, .toClient, after: 12_000_000) { line in
                let url = "http://localhost:\(line.port)\(path)"
                _ = try await scene.failure(of: "curl", ["-sS", "-o", "back", url])
                #expect(line.hasBroken)
            }
            let size = try #require(try scene.file("back").resourceValues(forKeys: [.fileSizeKey]).fileSize)
            #expect((1..<12_000_000).contains(size))
            if restart { await first.stop(SIGKILL) }
            let second = restart ? try await RunningServer(program) : first
            let again = Scene(program: program, server: second, layout: layout)
            try await again.run("curl", ["-sS", "--fail", "-C", "-", "-o", "back", second.url + path])
            try await again.expectRequest("GET", path, 206)
            #expect(try Data(contentsOf: again.file("back")) == Data(contentsOf: layout.file(layout.layer)))
            await second.stop(SIGTERM)
        }
    }

    @Test("curl mounts a blob, and is told where there is none to mount")
    func mount() async throws {
        try await Scene.with { scene in
            try await scene.seed("team/app")
            let digest = scene.layout.layer.digest
            let mounted = try await scene.request(
                "POST",
                "/v2/other/blobs/uploads/?mount=\(digest)&from=team/app"
            )
            #expect(mounted.status == 201)
            try await expectLayer(scene, "other")
            let absent = "sha256:\(String(repeating: "0", count: 64))"
            let opened = try await scene.request(
                "POST",
                "/v2/other/blobs/uploads/?mount=\(absent)&from=team/app"
            )
            #expect(opened.status == 202)
            let location = try #require(opened.fields["location"])
            #expect(try await scene.request("DELETE", location).status == 204)
        }
    }

    @Test("curl lists repositories and tags, following the links from page to page")
    func lists() async throws {
        try await Scene.with { scene in
            for repository in ["a", "a/b", "b"] { try await scene.seed(repository) }
            var pages: [[String]] = []
            var next: String? = "/v2/a/tags/list?n=3"
            while let path = next {
                let reply = try await scene.request("GET", path)
                pages.append(try #require(try reply.json["tags"] as? [String]))
                next = reply.fields["link"].map { String($0.dropFirst().prefix { $0 != ">" }) }
            }
            #expect(pages == [["foreign", "image", "index"], ["nested"]])
            let catalog = try await scene.request("GET", "/v2/_catalog?n=2")
            #expect(try catalog.json["repositories"] as? [String] == ["a", "a/b"])
            let rest = try await scene.request("GET", "/v2/_catalog?n=2&last=a/b")
            #expect(try rest.json["repositories"] as? [String] == ["b"])
            #expect(rest.fields["link"] == nil)
        }
    }

    @Test("curl deletes a tag, then an index before its images, then a blob that nothing refers to")
    func deletes() async throws {
        try await Scene.with { scene in
            try await scene.seed("app")
            let (layout, manifests) = (scene.layout, "/v2/app/manifests")
            func delete(_ path: String) async throws -> Int { try await scene.request("DELETE", path).status }
            #expect(try await delete("\(manifests)/image") == 202)
            #expect(try await scene.digest("app:image") == nil)
            #expect(try await scene.digest("app@\(layout.image.digest)") == layout.image.digest)
            #expect(try await delete("\(manifests)/\(layout.image.digest)") == 409)
            #expect(try await delete("/v2/app/blobs/\(layout.layer.digest)") == 409)
            #expect(try await delete("\(manifests)/\(layout.nested.digest)") == 202)
            #expect(try await delete("\(manifests)/\(layout.index.digest)") == 202)
            #expect(try await delete("\(manifests)/\(layout.image.digest)") == 202)
            #expect(try await delete("/v2/app/blobs/\(layout.layer.digest)") == 202)
            #expect(try await scene.request("HEAD", "/v2/app/blobs/\(layout.layer.digest)").status == 404)
            #expect(try await scene.tags("app") == ["foreign"])
        }
    }

    // MARK: - Uploads

    private func openUpload(_ scene: Scene, _ repository: String) async throws -> String {
        let opened = try await scene.request("POST", "/v2/\(repository)/blobs/uploads/")
        try #require(opened.status == 202)
        return try #require(opened.fields["location"])
    }

    /// Writes the layer's bytes before and behind an offset into the files `first` and `second`.
    private func split(_ scene: Scene, at offset: Int) throws {
        let bytes = try Data(contentsOf: scene.layout.file(scene.layout.layer))
        try bytes.prefix(offset).write(to: scene.file("first"))
        try bytes.dropFirst(offset).write(to: scene.file("second"))
    }

    private func finish(
        _ scene: Scene,
        _ repository: String,
        _ location: String,
        from offset: Int
    ) async throws {
        let layer = scene.layout.layer
        let rest = try await scene.request(
            "PATCH",
            location,
            ["Content-Range: \(offset)-\(layer.size - 1)"],
            content: scene.file("second")
        )
        #expect(rest.status == 202)
        let target = try #require(rest.fields["location"])
        let closed = try await scene.request("PUT", "\(target)?digest=\(layer.digest)")
        #expect(closed.status == 201)
        #expect(closed.fields["docker-content-digest"] == layer.digest)
        try await expectLayer(scene, repository)
    }

    private func expectLayer(_ scene: Scene, _ repository: String) async throws {
        let layer = scene.layout.layer
        let reply = try await scene.request("GET", "/v2/\(repository)/blobs/\(layer.digest)")
        #expect(reply.status == 200)
        #expect(try reply.content == Data(contentsOf: scene.layout.file(layer)))
    }
}
