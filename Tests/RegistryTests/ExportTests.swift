import Foundation
import NIOCore
import OCI
import Storage
import TestSupport
import Testing

@testable import Registry

/// Swift Testing has tags of its own.
private typealias Tag = OCI.Tag

/// What an export holds, and what it leaves where it fails.
@Suite("Export")
struct ExportTests {
    private let app = RepositoryName.test

    /// A registry, and a folder beside its storage folder on the same file system.
    private func withScene(
        policy: RegistryPolicy = RegistryPolicy(),
        _ body: (TestRegistry, TemporaryFolder) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            try await withRegistry(policy: policy) { try await body($0, folder) }
        }
    }

    private func push(
        _ blobs: [BlobFixture],
        to repository: RepositoryName,
        _ test: TestRegistry
    ) async throws {
        for blob in blobs { try await test.push(blob, to: repository) }
    }

    private func push(
        _ image: ImageFixture,
        to repository: RepositoryName,
        as tag: String? = nil,
        _ test: TestRegistry
    ) async throws {
        try await push(image.blobs, to: repository, test)
        try await push(image.manifest, to: repository, as: tag, test)
    }

    private func push(
        _ manifest: ManifestFixture,
        to repository: RepositoryName,
        as tag: String? = nil,
        _ test: TestRegistry
    ) async throws {
        _ = try await test.registry.pushManifest(
            manifest.bytes,
            contentType: nil,
            as: try tag.map { .tag(try Tag($0)) } ?? .digest(manifest.digest),
            in: repository
        )
    }

    @Test("Everything is in it: tags, indexes, what nothing names, both algorithms")
    func everything() async throws {
        try await withScene { test, folder in
            let other = try RepositoryName("a/b__c")
            let images = try (0..<4).map { try ImageFixture("app \($0)") }
            for image in images[..<3] { try await push(image, to: app, test) }
            let inner = try ManifestFixture.index([images[0].manifest.descriptor])
            let outer = try ManifestFixture.index([inner.descriptor, images[1].manifest.descriptor])
            try await push(inner, to: app, test)
            try await push(outer, to: app, as: "1.0", test)
            try await push(images[3], to: other, as: "x", test)
            try await push(images[3].manifest, to: other, as: "y", test)
            // What nothing names in two repositories, and what something names in one of two: that has its name.
            try await push(images[2], to: other, test)
            try await push(images[3], to: app, test)
            let empty = BlobFixture("{}")
            let note = BlobFixture("a note", algorithm: .sha512)
            try await push([empty, note], to: app, test)
            let artifact = try ManifestFixture(
                .object([
                    .init("schemaVersion", .integer(2)),
                    .init("mediaType", .string(MediaType.ociManifest.rawValue)),
                    .init("config", empty.descriptor(.ociEmpty).json),
                    .init("layers", .array([note.descriptor(.octetStream).json])),
                    .init("subject", outer.descriptor.json),
                ]),
                algorithm: .sha512
            )
            try await push(artifact, to: app, test)

            let path = folder.file("layout")
            let report = try await test.registry.export(.everything, to: path)
            #expect(report == ExportReport(tags: 3, manifests: 7, leftOut: 0))
            let layout = try ExportedLayout(path)
            #expect(
                layout.names == [
                    "team/app:1.0": outer.digest, "a/b__c:x": images[3].manifest.digest,
                    "a/b__c:y": images[3].manifest.digest,
                ]
            )
            #expect(
                layout.unnamed.sorted { $0.encoded < $1.encoded }
                    == [images[2].manifest.digest, artifact.digest]
                    .sorted { $0.encoded < $1.encoded }
            )
            let blobs = images.flatMap(\.blobs) + [empty, note]
            let manifests = images.map(\.manifest) + [inner, outer, artifact]
            #expect(layout.files == Set(blobs.map(\.digest) + manifests.map(\.digest)))
            #expect(layout.reached == layout.files && layout.missing.isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["layout"])
        }
    }

    @Test("Its blobs are the stored files themselves, which nobody may write to")
    func links() async throws {
        try await withScene { test, folder in
            let image = try ImageFixture("app")
            try await push(image, to: app, as: "1", test)
            for name in ["one", "two"] {
                _ = try await test.registry.export(.everything, to: folder.file(name))
                for blob in image.blobs {
                    let file = "blobs/sha256/\(blob.digest.encoded)"
                    var (stored, exported) = (stat(), stat())
                    #expect(stat(test.folder.file(file), &stored) == 0)
                    #expect(stat(folder.file("\(name)/\(file)"), &exported) == 0)
                    #expect(stored.st_ino == exported.st_ino && exported.st_mode & 0o222 == 0)
                }
            }
            // What becomes of one copy is nothing to the other.
            try FileManager.default.removeItem(atPath: folder.file("one"))
            try await test.registry.deleteManifest(.digest(image.manifest.digest), in: app)
            for blob in image.blobs { try await test.registry.deleteBlob(blob.digest, in: app) }
            #expect(try test.contents(of: "blobs/sha256").isEmpty)
            #expect(try ExportedLayout(folder.file("two")).missing.isEmpty)
        }
    }

    @Test("Repositories and tags can be chosen; what is not there is an error")
    func selection() async throws {
        try await withScene { test, folder in
            let other = try RepositoryName("other")
            let images = try (0..<3).map { try ImageFixture("app \($0)") }
            try await push(images[0], to: app, as: "a", test)
            try await push(images[1], to: app, as: "b", test)
            try await push(images[2], to: other, as: "a", test)
            let tag = try Tag("a")
            for (parts, names) in [
                ([.tag(app, tag)], ["team/app:a"]), ([.repository(app)], ["team/app:a", "team/app:b"]),
                ([.repository(other), .tag(app, tag), .tag(other, tag)], ["other:a", "team/app:a"]),
            ] as [([ImageSelection.Part], [String])] {
                let path = folder.file(names.joined().replacing("/", with: "."))
                _ = try await test.registry.export(ImageSelection(parts), to: path)
                let layout = try ExportedLayout(path)
                #expect(layout.names.keys.sorted() == names)
                #expect(layout.unnamed.isEmpty && layout.missing.isEmpty && layout.reached == layout.files)
            }
            let path = folder.file("none")
            for part in [
                .repository(try RepositoryName("no")), .tag(app, try Tag("no")),
                .tag(try RepositoryName("no"), tag),
            ] as [ImageSelection.Part] {
                await #expect(throws: ExportError.unknown(part)) {
                    try await test.registry.export(ImageSelection([.repository(other), part]), to: path)
                }
                #expect(!FileManager.default.fileExists(atPath: path))
            }
        }
    }

    @Test("Each manifest has its names, or else one line without any, however the selection overlaps")
    func duplicates() async throws {
        try await withScene { test, folder in
            let other = try RepositoryName("other")
            let empty = BlobFixture("{}")
            let image = try ImageFixture("app")
            let type = try MediaType("application/x-note")
            let notes = try ["named", "unnamed"].map { text in
                try ManifestFixture.artifact(
                    type,
                    about: image.manifest.descriptor,
                    configuration: empty,
                    layers: [BlobFixture(text).descriptor(.octetStream)]
                )
            }
            for repository in [app, other] {
                try await push(image, to: repository, as: "1", test)
                try await push([empty, BlobFixture("named"), BlobFixture("unnamed")], to: repository, test)
                try await push(notes[0], to: repository, test)
                try await push(notes[1], to: repository, test)
            }
            try await push(notes[0], to: app, as: "note", test)
            let (one, note) = (try Tag("1"), try Tag("note"))
            for (index, (parts, names)) in [
                (nil, 3), ([.repository(app), .repository(other)], 3),
                ([.tag(app, one), .tag(app, note), .repository(other)], 3),
                ([.repository(other), .tag(app, one), .tag(app, note)], 3),
                ([.tag(app, one), .tag(app, note), .tag(other, one)], 3),
            ].enumerated() as EnumeratedSequence<[([ImageSelection.Part]?, Int)]> {
                let path = folder.file("layout-\(index)")
                _ = try await test.registry.export(parts.map { .init($0) } ?? .everything, to: path)
                let layout = try ExportedLayout(path)
                #expect(layout.names.count == names && layout.missing.isEmpty)
                #expect(layout.unnamed == [notes[1].digest], "\(index)")
            }
            // Nothing names it there.
            _ = try await test.registry.export(
                ImageSelection([.tag(other, one)]),
                to: folder.file("alone")
            )
            let alone = try ExportedLayout(folder.file("alone"))
            #expect(Set(alone.unnamed) == Set(notes.map(\.digest)) && alone.unnamed.count == 2)
        }
    }

    @Test("A registry of nothing makes an empty layout, and one of many tags a whole index")
    func sizes() async throws {
        try await withScene { test, folder in
            _ = try await test.registry.export(.everything, to: folder.file("empty"))
            #expect(try ExportedLayout(folder.file("empty")).files.isEmpty)
            let image = try ImageFixture("app")
            let tags = (0..<1000).map { "tag-\($0)" }
            for tag in tags { try await push(image, to: app, as: tag, test) }
            let report = try await test.registry.export(.everything, to: folder.file("many"))
            #expect(report == ExportReport(tags: 1000, manifests: 1, leftOut: 0))
            let layout = try ExportedLayout(folder.file("many"))
            #expect(Set(layout.names.keys) == Set(tags.map { "team/app:\($0)" }))
            #expect(Set(layout.names.values) == [image.manifest.digest])
        }
    }

    @Test("Of what a repository may lack, what is there is in it")
    func sparse() async throws {
        let policy = RegistryPolicy(sparseRepositories: [try NamePattern("team/*")])
        try await withScene(policy: policy) { test, folder in
            let (here, absent) = (try ImageFixture("here"), try ImageFixture("absent"))
            try await push(here, to: app, test)
            let index = try ManifestFixture.index([here, absent].map(\.manifest.descriptor))
            try await push(index, to: app, as: "1", test)
            _ = try await test.registry.export(.everything, to: folder.file("layout"))
            let layout = try ExportedLayout(folder.file("layout"))
            #expect(layout.missing == [absent.manifest.digest])
            #expect(layout.reached == Set(here.blobs.map(\.digest) + [here.manifest.digest, index.digest]))
        }
    }

    @Test("A blob that is damaged or gone is named, and nothing is made", arguments: [true, false])
    func damage(isGone: Bool) async throws {
        try await withScene { test, folder in
            let image = try ImageFixture("app")
            try await push(image, to: app, as: "1", test)
            let layer = image.layers[0].digest
            let file = test.folder.file("blobs/sha256/\(layer.encoded)")
            if isGone {
                try FileManager.default.removeItem(atPath: file)
            } else {
                #expect(truncate(file, 3) == 0)
            }
            await #expect(throws: StorageError.corrupt(layer)) {
                try await test.registry.export(.everything, to: folder.file("layout"))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
            // Pushing it again heals it.
            try await push(image.layers, to: app, test)
            _ = try await test.registry.export(.everything, to: folder.file("layout"))
            #expect(try ExportedLayout(folder.file("layout")).missing.isEmpty)
        }
    }

    @Test(
        "A path that something is at, or that is none, is refused",
        arguments: ["", "/", "relative", "./x", "/.", "/..", "/tmp/", "/tmp/.."]
    )
    func malformedPath(path: String) async throws {
        try await withRegistry { test in
            _ = await #expect(throws: ExportError.malformedPath(path)) {
                try await test.registry.export(.everything, to: path)
            }
        }
    }

    @Test("What is at the path stays, unless it is an empty folder")
    func occupied() async throws {
        try await withScene { test, folder in
            try await push(try ImageFixture("app"), to: app, as: "1", test)
            try Data("mine".utf8).write(to: URL(filePath: folder.file("file")))
            for name in ["empty", "full"] {
                try FileManager.default.createDirectory(
                    atPath: folder.file(name),
                    withIntermediateDirectories: false
                )
            }
            try Data("mine".utf8).write(to: URL(filePath: folder.file("full/file")))
            try FileManager.default.createSymbolicLink(
                atPath: folder.file("link"),
                withDestinationPath: folder.file("empty")
            )
            for name in ["file", "full", "link"] {
                await #expect(throws: ExportError.occupied(folder.file(name))) {
                    try await test.registry.export(.everything, to: folder.file(name))
                }
            }
            _ = try await test.registry.export(.everything, to: folder.file("empty"))
            #expect(try ExportedLayout(folder.file("empty")).names.count == 1)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(left.sorted() == ["empty", "file", "full", "link"])
            #expect(FileManager.default.contents(atPath: folder.file("full/file")) == Data("mine".utf8))
        }
    }
}

extension TestRegistry {
    /// Pushes a blob.
    func push(_ blob: BlobFixture, to repository: RepositoryName) async throws {
        let content = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
            continuation.yield(ByteBuffer(bytes: blob.bytes))
            continuation.finish()
        }
        let part = Registry.UploadPart(content: content, range: nil, cut: {})
        try await registry.pushBlob(part, as: blob.digest, in: repository)
    }
}
