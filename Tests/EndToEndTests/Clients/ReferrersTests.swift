import Foundation
import Testing

/// Artifacts that refer to an image, as clients without a library for them see it.
@Suite("Referrers", .serialized)
struct ReferrersClientTests {
    private static let sbom = "application/vnd.example.sbom"
    private static let emptyType = "application/vnd.oci.empty.v1+json"

    /// What stands in an entry of the list.
    private struct Referrer: Equatable {
        let digest: String
        let artifactType: String
    }

    @Test("curl lists the referrers of an image, filtered and not, and none of what is unknown")
    func list() async throws {
        try await Scene.with { scene in
            try await scene.seed("app")
            let first = try await attach(scene, to: scene.layout.image, type: Self.sbom)
            let second = try await attach(
                scene,
                to: scene.layout.image,
                type: "application/vnd.example.other"
            )
            let both = try await referrers(scene, of: scene.layout.image.digest)
            #expect(Set(both.map(\.digest)) == [first.digest, second.digest])
            let path = "/v2/app/referrers/\(scene.layout.image.digest)?artifactType=\(Self.sbom)"
            let reply = try await scene.request("GET", path)
            #expect(reply.fields["oci-filters-applied"] == "artifactType")
            let filtered = try #require(try reply.json["manifests"] as? [[String: Any]])
            #expect(filtered.map { $0["digest"] as? String } == [first.digest])
            #expect(filtered.first?["size"] as? Int == first.size)
            #expect((filtered.first?["annotations"] as? [String: String])?["note"] == "here")
            let unknown = "sha256:\(String(repeating: "0", count: 64))"
            #expect(try await referrers(scene, of: unknown).isEmpty)
            #expect(try await scene.request("GET", "/v2/app/referrers/sha256:short").status == 400)
        }
    }

    @Test("curl attaches to an index, and to what comes only later")
    func lateSubject() async throws {
        try await Scene.with { scene in
            // Nothing is in the repository yet.
            let early = try await attach(scene, to: scene.layout.index, type: Self.sbom)
            #expect(try await referrers(scene, of: scene.layout.index.digest).map(\.digest) == [early.digest])
            try await scene.seed("app")
            let found = try await referrers(scene, of: scene.layout.index.digest)
            #expect(found == [Referrer(digest: early.digest, artifactType: Self.sbom)])
        }
    }

    @Test("curl deletes a referrer, and it is listed no more")
    func delete() async throws {
        try await Scene.with { scene in
            try await scene.seed("app")
            let artifact = try await attach(scene, to: scene.layout.image, type: Self.sbom)
            let deleted = try await scene.request("DELETE", "/v2/app/manifests/\(artifact.digest)")
            #expect(deleted.status == 202)
            #expect(try await referrers(scene, of: scene.layout.image.digest).isEmpty)
        }
    }

    @Test("skopeo copies an artifact with a subject, and it is a referrer where it arrives")
    func skopeo() async throws {
        try await Scene.with { scene in
            try await scene.seed("app")
            let writer = try LayoutWriter(program: scene.program, folder: scene.file("artifact"))
            let artifact = try await makeArtifact(scene, writer, of: scene.layout.image, type: Self.sbom)
            try writer.finish([("sbom", artifact)])
            let skopeo = Skopeo(scene)
            try await skopeo.copy("oci:artifact:sbom", skopeo.remote("app:sbom"))
            #expect(try await scene.digest("app:sbom") == artifact.digest)
            let found = try await referrers(scene, of: scene.layout.image.digest)
            #expect(found == [Referrer(digest: artifact.digest, artifactType: Self.sbom)])
            // And on to a repository where the subject is not.
            try await skopeo.copy(skopeo.remote("app:sbom"), skopeo.remote("copies:sbom"))
            let copied = try await referrers(scene, of: scene.layout.image.digest, in: "copies")
            #expect(copied.map(\.digest) == [artifact.digest])
        }
    }

    /// An artifact whose kind stands in its configuration's type, which every client of today can carry.
    private func makeArtifact(
        _ scene: Scene,
        _ writer: LayoutWriter,
        of subject: SampleLayout.Entry,
        type: String
    ) async throws -> SampleLayout.Entry {
        let config = try await writer.add([:], type: type)
        let note = writer.folder.appending(path: "note")
        try Data("\(type) of \(subject.digest)".utf8).write(to: note)
        let layer = try await writer.add(note, type: "text/plain")
        let subject: [String: Any] = [
            "mediaType": subject.mediaType, "digest": subject.digest, "size": subject.size,
        ]
        return try await writer.add(
            [
                "schemaVersion": 2, "mediaType": SampleLayout.manifestType, "config": config.json,
                "layers": [layer.json], "subject": subject, "annotations": ["note": "here"],
            ],
            type: SampleLayout.manifestType
        )
    }

    /// Pushes an artifact with curl.
    private func attach(
        _ scene: Scene,
        to subject: SampleLayout.Entry,
        type: String
    ) async throws -> SampleLayout.Entry {
        let folder = scene.file("artifact-\(UUID().uuidString)")
        let writer = try LayoutWriter(program: scene.program, folder: folder)
        let artifact = try await makeArtifact(scene, writer, of: subject, type: type)
        let blobs = folder.appending(path: "blobs/sha256")
        for name in try FileManager.default.contentsOfDirectory(atPath: blobs.path)
        where !artifact.digest.hasSuffix(name) {
            let pushed = try await scene.request(
                "POST",
                "/v2/app/blobs/uploads/?digest=sha256:\(name)",
                content: blobs.appending(path: name)
            )
            try #require(pushed.status == 201)
        }
        let reply = try await scene.request(
            "PUT",
            "/v2/app/manifests/\(artifact.digest)",
            ["Content-Type: \(artifact.mediaType)"],
            content: blobs.appending(path: String(artifact.digest.dropFirst("sha256:".count)))
        )
        try #require(reply.status == 201)
        #expect(reply.fields["oci-subject"] == subject.digest)
        return artifact
    }

    private func referrers(
        _ scene: Scene,
        of digest: String,
        in repository: String = "app"
    ) async throws -> [Referrer] {
        let reply = try await scene.request("GET", "/v2/\(repository)/referrers/\(digest)")
        try #require(reply.status == 200)
        #expect(reply.fields["content-type"] == SampleLayout.indexType)
        #expect(try reply.json["mediaType"] as? String == SampleLayout.indexType)
        let entries = try #require(try reply.json["manifests"] as? [[String: Any]])
        return try entries.map {
            Referrer(
                digest: try #require($0["digest"] as? String),
                artifactType: try #require($0["artifactType"] as? String)
            )
        }
    }
}
