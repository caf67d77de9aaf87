import Foundation
import OCI
import Testing

@testable import Commands

/// A layout in a folder that somebody else has made.
@Suite("A layout's folder")
struct LayoutFolderTests {
    private func withFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "berth-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder.appending(path: "layout/blobs/sha256"),
            withIntermediateDirectories: true
        )
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("secret".utf8).write(to: folder.appending(path: "secret"))
        try await body(folder)
    }

    private func open(_ folder: URL) async throws -> ImportSource {
        try await ScratchFolder.with { scratch in
            try await ImportSource.open(folder.appending(path: "layout").path, in: scratch, number: 0)
        }
    }

    private func writeIndex(_ entries: [Descriptor], _ folder: URL) throws {
        let index = JSONValue.object([
            .init("schemaVersion", .integer(2)), .init("manifests", .array(entries.map(\.json))),
        ])
        try Data(index.canonicalBytes).write(to: folder.appending(path: "layout/index.json"))
    }

    @Test(
        "names no file that is not in it",
        arguments: ["../secret", "/etc/passwd", "blobs/../../secret", "link", "out/secret"]
    )
    func outside(path: String) async throws {
        try await withFolder { folder in
            let layout = folder.appending(path: "layout").path
            try FileManager.default.createSymbolicLink(
                atPath: "\(layout)/link",
                withDestinationPath: "../secret"
            )
            try FileManager.default.createSymbolicLink(
                atPath: "\(layout)/out",
                withDestinationPath: folder.path
            )
            let summary = #"[{"Config":"\#(path)","RepoTags":["app:1"],"Layers":[]}]"#
            try Data(summary.utf8).write(to: folder.appending(path: "layout/manifest.json"))
            let error = await #expect(throws: CommandError.self) { _ = try await open(folder) }
            #expect(error?.description == "\(layout): '\(path)' leads out of the folder")
        }
    }

    @Test("may have links within it, and may be one")
    func inside() async throws {
        try await withFolder { folder in
            let bytes = JSONValue.object([
                .init("schemaVersion", .integer(2)),
                .init("mediaType", .string(MediaType.ociIndex.rawValue)), .init("manifests", .array([])),
            ]).canonicalBytes
            var entry = ClientScene.descriptor(bytes, .ociIndex)
            try Data(bytes).write(to: folder.appending(path: "layout/index-1"))
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending(path: "layout/blobs/sha256/\(entry.digest.encoded)").path,
                withDestinationPath: "../../index-1"
            )
            try FileManager.default.moveItem(
                at: folder.appending(path: "layout"),
                to: folder.appending(path: "real")
            )
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending(path: "layout").path,
                withDestinationPath: "real"
            )
            entry.annotations[ImageLayout.referenceName] = "app:1"
            try writeIndex([entry], folder)
            let source = try await open(folder)
            #expect(source.images.count == 1)
            #expect(try await source.readManifest(entry).manifest.isIndex)
        }
    }

    @Test("has one image of a name, however often that is listed")
    func names() async throws {
        let entries = try [1, 1, 2].map { number in
            ImportEntry(
                descriptor: ClientScene.descriptor([number], .ociIndex),
                name: .image(try RepositoryName("app"), try OCI.Tag("1"))
            )
        }
        let (named, unnamed) = try RequestedName.named(Array(entries[..<2]), as: nil)
        #expect(named.map(\.name) == ["app:1"] && unnamed == 0)
        let error = #expect(throws: CommandError.self) { _ = try RequestedName.named(entries, as: nil) }
        #expect(error?.description.contains("several images that are called app:1") == true)
    }

    @Test("is read for the rest where something is missing")
    func missing() async throws {
        try await withFolder { folder in
            try writeIndex([ClientScene.descriptor([1], .ociManifest)], folder)
            let source = try await open(folder)
            #expect(source.images.map(\.name) == [.unnamed])
            let descriptor = try #require(source.images.first?.descriptor)
            let error = await #expect(throws: CommandError.self) {
                _ = try await source.steps(to: descriptor)
            }
            #expect(error?.missing == descriptor.digest)
        }
    }
}
