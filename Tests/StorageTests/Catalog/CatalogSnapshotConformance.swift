import Dispatch
import OCI
import Storage
import TestSupport
import Testing

/// What every implementation of `Catalog` promises of a snapshot.
@Suite("A catalog's snapshot")
struct CatalogSnapshotConformance {
    typealias Implementation = CatalogImplementation

    /// A snapshot in a form that can leave its body.
    private struct Contents: Sendable, Equatable {
        var manifests: [String] = []
        var entries: [String] = []
        var blobs: Set<Digest> = []

        init() {}

        init(_ snapshot: any CatalogSnapshot, _ selection: ImageSelection) throws {
            var contents = Contents()
            try snapshot.forEachManifest(of: selection) { manifest in
                contents.manifests.append("\(manifest.repository)@\(manifest.record.digest)")
                contents.blobs.formUnion(manifest.blobs.map(\.digest))
                #expect(Digest(of: manifest.record.bytes) == manifest.record.digest)
            }
            try snapshot.forEachEntry(of: selection) { entry in
                contents.entries.append(
                    "\(entry.repository):\(entry.tag?.rawValue ?? "-") \(entry.manifest.digest)"
                )
            }
            self = contents
        }
    }

    private func contents(
        _ scene: CatalogScene,
        _ selection: ImageSelection = .everything
    ) async throws -> Contents {
        try await scene.catalog.withSnapshot(now: scene.clock.now) { try Contents($0, selection) }
    }

    @Test(
        "has every manifest in each of its repositories, and all that leads to them",
        arguments: Implementation.all
    )
    func everything(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            #expect(try await contents(scene) == Contents())
            let (first, second) = (try ImageFixture("first"), try ImageFixture("second"))
            try await scene.push(first, to: scene.app, tags: [Tag("b"), Tag("a")])
            try await scene.push(second, to: scene.app)
            try await scene.push(second, to: scene.other)
            let index = try ManifestFixture.index([first.manifest.descriptor])
            try await scene.publish(index, in: scene.app)
            let found = try await contents(scene)
            let (app, other) = (scene.app, scene.other)
            #expect(
                Set(found.manifests) == [
                    "\(app)@\(first.manifest.digest)", "\(app)@\(second.manifest.digest)",
                    "\(app)@\(index.digest)", "\(other)@\(second.manifest.digest)",
                ]
            )
            #expect(found.manifests.count == 4)
            #expect(found.blobs == Set((first.blobs + second.blobs).map(\.digest)))
            // "other" comes before "team/app" in the list; which repository tells of a manifest is left open.
            #expect(
                Set(found.entries.filter { !$0.hasSuffix("\(second.manifest.digest)") }) == [
                    "\(app):a \(first.manifest.digest)", "\(app):b \(first.manifest.digest)",
                    "\(app):- \(index.digest)",
                ]
            )
            #expect(found.entries.count { $0.hasSuffix(":- \(second.manifest.digest)") } == 1)
            #expect(found.entries.count == 4)
        }
    }

    @Test(
        "has of a tag what it points to and what that lists, and of a repository all",
        arguments: Implementation.all
    )
    func selection(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let images = try (0..<4).map { try ImageFixture("app \($0)") }
            for image in images { try await scene.push(image, to: scene.app) }
            try await scene.push(images[3], to: scene.other)
            let blob = BlobFixture("cache")
            try await scene.push(blob, to: scene.app)
            let inner = try ManifestFixture.index([
                images[0].manifest.descriptor, blob.descriptor(.ociLayerGzip),
            ])
            let outer = try ManifestFixture.index([inner.descriptor, images[1].manifest.descriptor])
            let absent = try ManifestFixture.index([try ImageFixture("absent").manifest.descriptor])
            try await scene.publish(inner, in: scene.app)
            try await scene.publish(outer, in: scene.app, tags: [.latest])
            try await scene.publish(absent, in: scene.app, tags: [Tag("sparse")], isSparse: true)
            let app = scene.app

            let tag = try await contents(scene, ImageSelection([.tag(app, .latest)]))
            let below = [images[0].manifest, images[1].manifest, inner, outer].map { "\(app)@\($0.digest)" }
            #expect(Set(tag.manifests) == Set(below) && tag.manifests.count == 4)
            #expect(tag.blobs == Set((images[0].blobs + images[1].blobs + [blob]).map(\.digest)))
            #expect(tag.entries == ["\(app):latest \(outer.digest)"])

            let sparse = try await contents(scene, ImageSelection([.tag(app, Tag("sparse"))]))
            #expect(sparse.manifests == ["\(app)@\(absent.digest)"] && sparse.blobs.isEmpty)

            let whole = ImageSelection([
                .tag(app, .latest), .repository(app), .tag(app, .latest), .repository(app),
            ])
            #expect(whole.parts == [.repository(app)])
            let repository = try await contents(scene, whole)
            #expect(repository.manifests.count == 7)
            #expect(
                Set(repository.entries) == [
                    "\(app):latest \(outer.digest)", "\(app):sparse \(absent.digest)",
                    "\(app):- \(images[2].manifest.digest)", "\(app):- \(images[3].manifest.digest)",
                ]
            )
            let none = try await contents(scene, ImageSelection([]))
            #expect(none.manifests.isEmpty && none.entries.isEmpty)
        }
    }

    @Test("has of a tag what is attached to that and to what it lists, once", arguments: Implementation.all)
    func attachments(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let images = try (0..<3).map { try ImageFixture("app \($0)") }
            for image in images { try await scene.push(image, to: scene.app) }
            let empty = BlobFixture("{}")
            try await scene.push(empty, to: scene.app)
            func attached(_ type: String, to subject: Descriptor) throws -> ManifestFixture {
                try .artifact(MediaType("application/\(type)"), about: subject, configuration: empty)
            }
            let signature = try attached("signature", to: images[0].manifest.descriptor)
            let countersignature = try attached("signature", to: signature.descriptor)
            let list = try attached("list", to: images[1].manifest.descriptor)
            let other = try attached("list", to: images[2].manifest.descriptor)
            let index = try ManifestFixture.index([
                images[0].manifest.descriptor, images[1].manifest.descriptor, list.descriptor,
            ])
            for manifest in [signature, countersignature, list, other] {
                try await scene.publish(manifest, in: scene.app)
            }
            let tags = try [Tag("a"), Tag("b")]
            try await scene.publish(index, in: scene.app, tags: tags)
            let app = scene.app
            let further = [signature, countersignature]
            for selected in [[tags[0]], tags] {
                let found = try await contents(scene, ImageSelection(selected.map { .tag(app, $0) }))
                let manifests = [images[0].manifest, images[1].manifest, index, list] + further
                #expect(Set(found.manifests) == Set(manifests.map { "\(app)@\($0.digest)" }))
                // What the index lists is found through it.
                let entries =
                    selected.map { "\(app):\($0) \(index.digest)" } + further.map { "\(app):- \($0.digest)" }
                #expect(found.entries.sorted() == entries.sorted())
            }
        }
    }

    @Test("knows what there is, and which indexes list a manifest", arguments: Implementation.all)
    func lookups(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            try await scene.push(image, to: scene.app, tags: [.latest])
            let index = try ManifestFixture.index([image.manifest.descriptor])
            try await scene.publish(index, in: scene.app)
            let (app, other) = (scene.app, scene.other)
            let latest = Tag.latest
            let known = try await scene.catalog.withSnapshot(now: scene.clock.now) { snapshot in
                #expect(try snapshot.indexes(listing: image.manifest.digest, in: app) == [index.digest])
                #expect(try snapshot.indexes(listing: image.manifest.digest, in: other) == [])
                #expect(try snapshot.indexes(listing: index.digest, in: app) == [])
                return try [
                    .repository(app), .repository(other), .tag(app, latest), .tag(app, Tag("x")),
                    .tag(other, latest),
                ]
                .map { (part: ImageSelection.Part) in try snapshot.contains(part) }
            }
            #expect(known == [true, false, true, false, false])
            #expect(try scene.catalog.hasManifest(index.digest, in: app))
            #expect(try !scene.catalog.hasManifest(index.digest, in: other))
        }
    }

    @Test("stays as it is while everything changes, and holds nobody up", arguments: Implementation.all)
    func isolation(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let (old, new) = (try ImageFixture("old"), try ImageFixture("new"))
            try await scene.push(old, to: scene.app, tags: [.latest])
            let (before, after, live) = try await scene.catalog.withSnapshot(now: scene.clock.now) {
                snapshot in
                let before = try Contents(snapshot, .everything)
                let done = DispatchSemaphore(value: 0)
                Task.detached {
                    try? await scene.push(new, to: scene.app, tags: [.latest])
                    _ = try? await scene.delete(old.manifest, in: scene.app)
                    done.signal()
                }
                done.wait()
                let live = try [old, new].map {
                    try scene.catalog.hasManifest($0.manifest.digest, in: scene.app)
                }
                return (before, try Contents(snapshot, .everything), live)
            }
            #expect(before == after)
            #expect(before.manifests == ["\(scene.app)@\(old.manifest.digest)"])
            #expect(live == [false, true])
            #expect(try await contents(scene).manifests == ["\(scene.app)@\(new.manifest.digest)"])
        }
    }

    @Test("passes on what its body throws", arguments: Implementation.all)
    func errors(_ implementation: Implementation) async throws {
        struct Broken: Error {}
        try await implementation.withScene { scene in
            try await scene.push(try ImageFixture("app"), to: scene.app)
            await #expect(throws: Broken.self) {
                try await scene.catalog.withSnapshot(now: scene.clock.now) { snapshot in
                    try snapshot.forEachManifest(of: .everything) { _ in throw Broken() }
                }
            }
            #expect(try await contents(scene).manifests.count == 1)
        }
    }
}
