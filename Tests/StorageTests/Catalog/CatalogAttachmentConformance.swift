import OCI
import Storage
import TestSupport
import Testing

/// Manifests that come with the one that they are about.
@Suite("What a catalog has attached to a manifest")
struct CatalogAttachmentConformance {
    typealias Implementation = CatalogImplementation

    private static let empty = BlobFixture("{}")

    /// An image, and documents about it with content of their own.
    private struct Attached {
        let image: ImageFixture
        let contents: [BlobFixture]
        let documents: [ManifestFixture]

        init(_ name: String, count: Int = 2) throws {
            let image = try ImageFixture(name)
            self.image = image
            contents = (0..<count).map { BlobFixture("document \($0) about \(name)\n") }
            documents = try contents.map { content in
                try .artifact(
                    .spdx,
                    about: image.manifest.descriptor,
                    configuration: empty,
                    layers: [content.descriptor(.spdx)]
                )
            }
        }

        var blobs: [BlobFixture] { image.blobs + [empty] + contents }
    }

    private func publication(_ scene: CatalogScene, _ attached: Attached, tags: [Tag]) -> ManifestPublication
    {
        var publication = attached.image.manifest.publication(in: scene.app, tags: tags, now: scene.clock.now)
        publication.attached = attached.documents.map { $0.publication(in: scene.app, now: scene.clock.now) }
        return publication
    }

    /// Publishes an image with its documents, syncing in one round what has to be; says whether the image is new.
    private func publish(
        _ scene: CatalogScene,
        _ attached: Attached,
        tags: [Tag] = [.latest]
    ) async throws -> Bool {
        for blob in attached.blobs { try await scene.push(blob, to: scene.app) }
        var publication = publication(scene, attached, tags: tags)
        switch try await scene.catalog.publishManifest(publication) {
        case .published(let isChange): return isChange
        case .unsynced(let blobs):
            #expect(Set(blobs).count == blobs.count)
            // Nothing has changed yet.
            #expect(try await referrers(scene, attached).count < attached.documents.count)
            publication.synced.formUnion(blobs.map(\.id))
        }
        guard case .published(let isChange) = try await scene.catalog.publishManifest(publication) else {
            Issue.record("more than one round")
            return false
        }
        return isChange
    }

    private func stage(
        _ scene: CatalogScene,
        _ attached: Attached,
        platform: String = "linux/amd64",
        missing: String = "linux/arm64"
    ) async throws -> PartPublication.Placement {
        for blob in attached.blobs { try await scene.push(blob, to: scene.app) }
        var part = PartPublication(
            image: publication(scene, attached, tags: []),
            platform: try #require(Platform(platform)),
            tag: .latest,
            isTagImmutable: false,
            key: "build",
            expected: [try #require(Platform(platform)), try #require(Platform(missing))],
            openUntil: scene.clock.now + .seconds(3600)
        )
        while true {
            switch try await scene.catalog.publishPart(part) {
            case .published(let published): return published.placement
            case .unsynced(let blobs): part.image.synced.formUnion(blobs.map(\.id))
            }
        }
    }

    private func referrers(_ scene: CatalogScene, _ attached: Attached) async throws -> Set<OCI.Digest> {
        try await scene.catalog.referrers(
            of: attached.image.manifest.digest,
            in: scene.app,
            among: attached.documents.map(\.digest)
        )
    }

    private func expectGone(_ scene: CatalogScene, _ attached: Attached) async throws {
        #expect(try await referrers(scene, attached).isEmpty)
        for document in attached.documents + [attached.image.manifest] {
            #expect(try await scene.manifest(.digest(document.digest), in: scene.app) == nil)
        }
        scene.clock.advance(by: CatalogScene.grace * 2)
        #expect(try await scene.collect().isSuperset(of: attached.contents.map(\.digest)))
    }

    @Test("is there with it, and is no change of its own", arguments: Implementation.all)
    func together(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let attached = try Attached("app")
            #expect(try await publish(scene, attached))
            #expect(try await referrers(scene, attached) == Set(attached.documents.map(\.digest)))
            #expect(try await !publish(scene, attached))
            // One more document about the same image.
            let more = try Attached("app", count: 3)
            #expect(try await !publish(scene, more))
            #expect(try await referrers(scene, more).count == 3)
            for document in more.documents {
                #expect(
                    try await scene.manifest(.digest(document.digest), in: scene.app)?.bytes == document.bytes
                )
            }
        }
    }

    @Test("is not there without all that it refers to, and then nothing is", arguments: Implementation.all)
    func missing(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let attached = try Attached("app")
            for blob in attached.blobs.dropLast() { try await scene.push(blob, to: scene.app) }
            await #expect(throws: StorageError.missingReferences([attached.contents[1].digest])) {
                _ = try await scene.catalog.publishManifest(
                    publication(scene, attached, tags: [.latest])
                )
            }
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) == nil)
            #expect(try await referrers(scene, attached).isEmpty)
        }
    }

    @Test("is not there where the tag may not move", arguments: Implementation.all)
    func immutable(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let (first, second) = (try Attached("first"), try Attached("second"))
            #expect(try await publish(scene, first))
            for blob in second.blobs { try await scene.push(blob, to: scene.app) }
            var publication = second.image.manifest.publication(
                in: scene.app,
                tags: [.latest],
                immutableTags: [.latest],
                now: scene.clock.now
            )
            publication.attached = self.publication(scene, second, tags: []).attached
            if case .unsynced(let blobs) = try await scene.catalog.publishManifest(publication) {
                publication.synced.formUnion(blobs.map(\.id))
            }
            await #expect(throws: StorageError.tagImmutable(.latest, first.image.manifest.digest)) {
                _ = try await scene.catalog.publishManifest(publication)
            }
            #expect(try await referrers(scene, second).isEmpty)
            #expect(try await referrers(scene, first).count == 2)
        }
    }

    @Test("goes when it is deleted, and leaves what others have pushed", arguments: Implementation.all)
    func deletion(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let (attached, other) = (try Attached("app"), try Attached("other"))
            #expect(try await publish(scene, attached))
            #expect(try await publish(scene, other))
            let signature = try ManifestFixture.artifact(
                .cyclonedx,
                about: attached.image.manifest.descriptor,
                configuration: Self.empty
            )
            try await scene.publish(signature, in: scene.app)
            #expect(try await scene.delete(attached.image.manifest, in: scene.app))
            #expect(try await scene.manifest(.digest(signature.digest), in: scene.app) != nil)
            try await expectGone(scene, attached)
            #expect(try await referrers(scene, other).count == 2)
            #expect(try await scene.isVisible(Self.empty, in: scene.app))
        }
    }

    @Test("stays where it was pushed besides, tagged or is in an index", arguments: Implementation.all)
    func kept(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let attached = try Attached("app", count: 4)
            // One was there before, one is pushed later, and one is listed.
            for blob in attached.blobs { try await scene.push(blob, to: scene.app) }
            try await scene.publish(attached.documents[0], in: scene.app)
            #expect(try await publish(scene, attached))
            try await scene.publish(attached.documents[1], in: scene.app, tags: [.edge])
            try await scene.publish(
                try ManifestFixture.index([attached.documents[2].descriptor]),
                in: scene.app
            )
            #expect(try await scene.delete(attached.image.manifest, in: scene.app))
            for (number, document) in attached.documents.enumerated() {
                let record = try await scene.manifest(.digest(document.digest), in: scene.app)
                #expect((record != nil) == (number < 3), "\(number)")
            }
        }
    }

    @Test("can be deleted by itself, and comes again", arguments: Implementation.all)
    func detached(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let attached = try Attached("app")
            #expect(try await publish(scene, attached))
            #expect(try await scene.delete(attached.documents[0], in: scene.app))
            #expect(try await referrers(scene, attached) == [attached.documents[1].digest])
            #expect(try await !publish(scene, attached))
            #expect(try await referrers(scene, attached).count == 2)
            #expect(try await scene.delete(attached.image.manifest, in: scene.app))
            try await expectGone(scene, attached)
        }
    }

    @Test(
        "goes with an image that was staged and replaced, or never completed",
        arguments: Implementation.all
    )
    func staged(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let (first, second) = (try Attached("first"), try Attached("second"))
            #expect(
                try await stage(scene, first) == .staged(missing: [try #require(Platform("linux/arm64"))])
            )
            #expect(try await referrers(scene, first).count == 2)
            _ = try await stage(scene, second)
            #expect(try await referrers(scene, first).isEmpty)
            #expect(try await referrers(scene, second).count == 2)
            scene.clock.advance(by: .seconds(3600))
            #expect(
                try await scene.catalog.closeGroups(
                    now: scene.clock.now,
                    keptUntil: scene.keptUntil,
                    limit: 10
                ).count == 1
            )
            try await expectGone(scene, second)
            #expect(try await scene.manifest(.digest(first.image.manifest.digest), in: scene.app) == nil)
        }
    }

    @Test("is each part's own in a group", arguments: Implementation.all)
    func group(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let (first, second) = (try Attached("first"), try Attached("second"))
            _ = try await stage(scene, first)
            _ = try await stage(scene, second, platform: "linux/arm64", missing: "linux/amd64")
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) != nil)
            for part in [first, second] { #expect(try await referrers(scene, part).count == 2) }
            let again = try await stage(scene, first)
            #expect(try await tagged(scene).map { .tagged($0) } == again)
            #expect(try await referrers(scene, first).count == 2)
        }
    }

    private func tagged(_ scene: CatalogScene) async throws -> OCI.Digest? {
        try await scene.manifest(.tag(.latest), in: scene.app)?.digest
    }
}
