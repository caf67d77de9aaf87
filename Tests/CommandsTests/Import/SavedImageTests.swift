import Archive
import Foundation
import OCI
import Testing

@testable import Commands

/// What `docker save` writes without a layout, and what somebody else may have made of it.
@Suite("An image of docker save")
struct SavedImageTests {
    private struct Saved {
        var layers: [[UInt8]] = [Array("one".utf8), Array("two".utf8)]
        var diffIDs: [Digest]?
        var paths = ["a/layer.tar", "b/layer.tar"]
        var configuration = "config.json"
        var isConfigurationThere = true

        /// Writes an archive, and opens it.
        func open() async throws -> ImportSource {
            let configurationBytes = JSONValue.object([
                .init("os", .string("linux")),
                .init(
                    "rootfs",
                    .object([
                        .init(
                            "diff_ids",
                            .strings((diffIDs ?? layers.map { Digest(of: $0) }).map(\.description))
                        )
                    ])
                ),
            ]).canonicalBytes
            let name =
                configuration == "DIGEST" ? "\(Digest(of: configurationBytes).encoded).json" : configuration
            let summary = JSONValue.array([
                .object([
                    .init("Config", .string(name)), .init("RepoTags", .strings(["docker.io/library/app:1"])),
                    .init("Layers", .strings(paths)),
                ])
            ]).canonicalBytes
            var members = Array(zip(["a/layer.tar", "b/layer.tar"], layers)) + [("manifest.json", summary)]
            if isConfigurationThere { members.append((name, configurationBytes)) }
            var bytes: [UInt8] = []
            for (path, content) in members {
                let size = UInt64(content.count)
                bytes += try TarEntry(.file(size: size), path: path, mode: 0o644).header + content
                bytes += [UInt8](repeating: 0, count: Tar.paddingSize(afterContentsOfSize: size))
            }
            let archive = bytes + Tar.end
            return try await ScratchFolder.with { scratch in
                let path = "\(scratch.path)/saved.tar"
                try Data(archive).write(to: URL(filePath: path))
                return try await ImportSource.open(path, in: scratch, number: 0)
            }
        }
    }

    @Test(
        "keeps its layers and configuration, and gets the manifest that says what they are",
        arguments: ["DIGEST", "c"]
    )
    func whole(configuration: String) async throws {
        let saved = Saved(configuration: configuration)
        let source = try await saved.open()
        let entry = try #require(source.images.first)
        #expect(entry.name == .image(try RepositoryName("app"), try OCI.Tag("1")) && source.images.count == 1)
        let manifest = try await source.readManifest(entry.descriptor).manifest
        #expect(manifest.mediaType == .dockerManifest)
        guard case .image(let configuration, let layers) = manifest.content else {
            Issue.record("no image")
            return
        }
        #expect(configuration.mediaType == .dockerConfiguration)
        #expect(layers.map(\.digest) == saved.layers.map { Digest(of: $0) } && layers.map(\.size) == [3, 3])
        #expect(
            layers.allSatisfy { $0.mediaType.rawValue == "application/vnd.docker.image.rootfs.diff.tar" }
        )
    }

    @Test("is refused where something is missing, damaged or somewhere else")
    func faults() async throws {
        let other = Digest(of: [9])
        for (saved, expected) in [
            (Saved(isConfigurationThere: false), "config.json is missing"),
            (Saved(diffIDs: [other, other]), "a/layer.tar is damaged"),
            (Saved(diffIDs: [other]), "1 layer, and"),
            (Saved(paths: ["a/layer.tar", "../b"]), "../b is missing"),
            (Saved(paths: ["a/layer.tar", "/etc/passwd"]), "/etc/passwd is missing"),
            (Saved(configuration: "\(other.encoded).json"), "is damaged"),
            (Saved(layers: [[0x1F, 0x8B, 8, 0], [1]]), "a/layer.tar: the compressed stream"),
        ] {
            let error = await #expect(throws: CommandError.self) { _ = try await saved.open() }
            let text = error?.description ?? ""
            #expect(text.contains(expected) && text.contains("saved.tar: "), "\(text)")
        }
    }
}
