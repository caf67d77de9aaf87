import OCI
import Storage
import TestSupport
import Testing

/// What every implementation of `Catalog` promises of manifests and tags.
@Suite("A catalog's manifest")
struct CatalogManifestConformance {
    typealias Implementation = CatalogImplementation

    @Test("is read by digest and tag, as it was pushed", arguments: Implementation.all)
    func read(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) == nil)
            try await scene.push(image, to: scene.app, tags: [.latest, .stable])
            let expected = ManifestRecord(
                digest: image.manifest.digest,
                mediaType: .ociManifest,
                bytes: image.manifest.bytes
            )
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) == expected)
            #expect(try await scene.manifest(.tag(.stable), in: scene.app) == expected)
            #expect(try await scene.manifest(.digest(expected.digest), in: scene.app) == expected)
            #expect(try await scene.manifest(.tag(.edge), in: scene.app) == nil)
            #expect(try await scene.manifest(.digest(Digest(of: [1])), in: scene.app) == nil)
            #expect(try await scene.manifest(.tag(.latest), in: scene.other) == nil)
            #expect(try await scene.manifest(.digest(expected.digest), in: scene.other) == nil)
            // It is no blob.
            #expect(try await scene.catalog.blob(expected.digest, in: scene.app) == nil)
        }
    }

    @Test("keeps every byte, whatever its white space and algorithm", arguments: Implementation.all)
    func bytes(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            try await scene.push(image, to: scene.app)
            let spaced = [0x20, 0x0A] + image.manifest.bytes + Array("\n\t \n".utf8)
            for algorithm in SupportedAlgorithm.allCases {
                let manifest = try ManifestFixture(spaced, algorithm: algorithm)
                #expect(try await scene.publish(manifest, in: scene.app, tags: [.latest]))
                #expect(try await scene.manifest(.tag(.latest), in: scene.app)?.bytes == spaced)
                #expect(try await scene.manifest(.tag(.latest), in: scene.app)?.digest == manifest.digest)
            }
        }
    }

    @Test("says whether its publication changed anything", arguments: Implementation.all)
    func isChange(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let first = try ImageFixture("first")
            let second = try ImageFixture("second")
            for blob in first.blobs + second.blobs { try await scene.push(blob, to: scene.app) }
            #expect(try await scene.publish(first.manifest, in: scene.app))
            #expect(try await !scene.publish(first.manifest, in: scene.app))
            #expect(try await scene.publish(first.manifest, in: scene.app, tags: [.latest]))
            #expect(try await !scene.publish(first.manifest, in: scene.app, tags: [.latest, .latest]))
            #expect(try await scene.publish(first.manifest, in: scene.app, tags: [.latest, .stable]))
            #expect(try await scene.publish(second.manifest, in: scene.app, tags: [.latest]))
            #expect(try await !scene.publish(second.manifest, in: scene.app, tags: [.latest]))
            #expect(try await scene.publish(first.manifest, in: scene.app, tags: [.latest]))
            #expect(try await scene.tags(of: scene.app) == ["latest", "stable"])
        }
    }

    @Test("moves its tags, and leaves the manifest they pointed to", arguments: Implementation.all)
    func tagMoves(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let first = try ImageFixture("first")
            let second = try ImageFixture("second")
            try await scene.push(first, to: scene.app, tags: [.latest, .stable])
            scene.clock.advance(by: .seconds(1))
            try await scene.push(second, to: scene.app, tags: [.latest])
            let page = try #require(
                await scene.catalog.tagPage(of: scene.app, after: nil, limit: 10, now: scene.clock.now)
            )
            #expect(page.elements.map(\.tag) == [.latest, .stable])
            #expect(page.elements.map(\.digest) == [second.manifest.digest, first.manifest.digest])
            let moments = page.elements.map(\.updated)
            #expect(moments == [scene.clock.now, scene.clock.now + .seconds(-1)])
            try await scene.push(second, to: scene.app, tags: [.stable])
            #expect(try await scene.manifest(.digest(first.manifest.digest), in: scene.app) != nil)
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await scene.collect() == [])
        }
    }

    @Test("names all that it refers to and the repository has not", arguments: Implementation.all)
    func missing(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let layers = (0..<4).map { BlobFixture("layer \($0)") }
            let image = try ImageFixture("app", layers: layers + [layers[1]])
            try await scene.push(layers[0], to: scene.app)
            // Elsewhere does not count.
            try await scene.push(layers[1], to: scene.other)
            try await scene.push(layers[2], to: scene.app)
            let missing = [image.configuration.digest, layers[1].digest, layers[3].digest]
            await #expect(throws: StorageError.missingReferences(missing)) {
                try await scene.publish(image.manifest, in: scene.app, tags: [.latest])
            }
            #expect(try await scene.manifest(.digest(image.manifest.digest), in: scene.app) == nil)
            #expect(try await scene.tags(of: scene.app) == [])
            let nowhere = try RepositoryName("nowhere")
            await #expect(throws: StorageError.self) { try await scene.publish(image.manifest, in: nowhere) }
            #expect(try await scene.tags(of: nowhere) == nil)
            for digest in missing { #expect(try await scene.catalog.blob(digest, in: scene.app) == nil) }
        }
    }

    @Test("waits for its blobs to be durable, and changes nothing before", arguments: Implementation.all)
    func unsynced(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let layers = (0..<3).map { BlobFixture("layer \($0)") }
            let image = try ImageFixture("app", layers: layers + [layers[0]])
            var records: Set<BlobRecord> = []
            for blob in image.blobs { records.insert(try await scene.push(blob, to: scene.app)) }
            let stranger = try await scene.push(BlobFixture("stranger"), to: scene.app)
            let synced = try #require(records.first { $0.digest == layers[1].digest })
            try await scene.catalog.markSynced([synced.id])
            records.remove(synced)

            var publication = image.manifest.publication(in: scene.app, tags: [.latest], now: scene.clock.now)
            guard case .unsynced(let waiting) = try await scene.catalog.publishManifest(publication) else {
                Issue.record("it was published")
                return
            }
            #expect(waiting.count == 3)
            #expect(Set(waiting) == records)
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) == nil)
            #expect(try await scene.catalog.unsyncedBlobs().count == 4)

            publication.synced = [waiting[0].id, waiting[2].id]
            #expect(try await scene.catalog.publishManifest(publication) == .unsynced([waiting[1]]))
            publication.synced = Set(waiting.map(\.id))
            #expect(try await scene.catalog.publishManifest(publication) == .published(isChange: true))
            #expect(try await scene.catalog.unsyncedBlobs() == [stranger])

            publication = image.manifest.publication(in: scene.app, tags: [.stable], now: scene.clock.now)
            #expect(try await scene.catalog.publishManifest(publication) == .published(isChange: true))
        }
    }

    @Test("may lack layers that only their maker distributes", arguments: Implementation.all)
    func nonDistributable(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let foreign = BlobFixture("foreign")
            let type = try MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")
            let configuration = BlobFixture("{}")
            let manifest = try ManifestFixture(
                Manifest.imageManifestBytes(
                    configuration: configuration.descriptor(.ociConfiguration),
                    layers: [foreign.descriptor(type)],
                    annotations: [:]
                )
            )
            try await scene.push(configuration, to: scene.app)
            try await scene.publish(manifest, in: scene.app, tags: [.latest])

            // Once it is there it is kept, and has to be as durable as the rest.
            let record = try await scene.push(foreign, to: scene.app)
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await scene.collect() == [])
            let again = manifest.publication(in: scene.app, tags: [.stable], now: scene.clock.now)
            #expect(try await scene.catalog.publishManifest(again) == .unsynced([record]))
            let index = try ManifestFixture.index([manifest.descriptor])
            let nested = try ManifestFixture.index([index.descriptor])
            let listing = index.publication(in: scene.app, now: scene.clock.now)
            #expect(try await scene.catalog.publishManifest(listing) == .unsynced([record]))
            try await scene.publish(index, in: scene.app)
            #expect(try await scene.catalog.unsyncedBlobs() == [])

            // The same, two levels down.
            #expect(try await scene.delete(index, in: scene.app))
            #expect(try await scene.delete(manifest, in: scene.app))
            #expect(try await scene.catalog.deleteBlob(foreign.digest, in: scene.app))
            try await scene.publish(manifest, in: scene.app)
            try await scene.publish(index, in: scene.app)
            let late = try await scene.push(foreign, to: scene.app)
            let deep = nested.publication(in: scene.app, now: scene.clock.now)
            #expect(try await scene.catalog.publishManifest(deep) == .unsynced([late]))
        }
    }

    @Test("exists in each repository by itself", arguments: Implementation.all)
    func perRepository(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            try await scene.push(image, to: scene.app, tags: [.latest])
            try await scene.push(image, to: scene.other, tags: [.stable])
            #expect(try await scene.delete(image.manifest, in: scene.app))
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) == nil)
            #expect(try await scene.manifest(.tag(.stable), in: scene.other)?.bytes == image.manifest.bytes)
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await scene.collect() == [])
            #expect(try await scene.delete(image.manifest, in: scene.other))
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await scene.collect() == Set(image.blobs.map(\.digest)))
        }
    }
}

// MARK: Deletion

extension CatalogManifestConformance {
    @Test("goes with its tags", arguments: Implementation.all)
    func delete(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let kept = try ImageFixture("kept")
            #expect(try await !scene.delete(image.manifest, in: scene.app))
            try await scene.push(image, to: scene.app, tags: [.latest, .stable])
            try await scene.push(kept, to: scene.app, tags: [.edge])
            #expect(try await !scene.delete(image.manifest, in: scene.other))
            #expect(try await scene.delete(image.manifest, in: scene.app))
            #expect(try await !scene.delete(image.manifest, in: scene.app))
            #expect(try await scene.tags(of: scene.app) == ["edge"])
            #expect(try await scene.manifest(.digest(image.manifest.digest), in: scene.app) == nil)
            // Its blobs stay for a while: pushing it again needs no upload.
            #expect(try await scene.publish(image.manifest, in: scene.app, tags: [.latest]))
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await scene.collect() == [])
        }
    }

    @Test("stays when its tag goes", arguments: Implementation.all)
    func deleteTag(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let now = scene.clock.now
            #expect(try await !scene.catalog.deleteTag(.latest, in: scene.app, now: now))
            try await scene.push(image, to: scene.app, tags: [.latest, .stable])
            #expect(try await !scene.catalog.deleteTag(.edge, in: scene.app, now: now))
            #expect(try await scene.catalog.deleteTag(.latest, in: scene.app, now: now))
            #expect(try await !scene.catalog.deleteTag(.latest, in: scene.app, now: now))
            #expect(try await scene.tags(of: scene.app) == ["stable"])
            #expect(try await scene.catalog.deleteTag(.stable, in: scene.app, now: now))
            #expect(try await scene.tags(of: scene.app) == [])
            #expect(try await scene.manifest(.digest(image.manifest.digest), in: scene.app) != nil)
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await scene.collect() == [])
            #expect(try await scene.publish(image.manifest, in: scene.app, tags: [.latest]))
        }
    }

    @Test("stays what it was over a restart", arguments: Implementation.all)
    func restart(_ implementation: Implementation) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let content = PlacedContent()
        let image = try ImageFixture("app")
        try await implementation.withScene(in: folder, content: content) { scene in
            try await scene.push(image, to: scene.app, tags: [.latest])
        }
        try await implementation.withScene(in: folder, content: content) { scene async throws in
            #expect(try await scene.manifest(.tag(.latest), in: scene.app)?.bytes == image.manifest.bytes)
            #expect(try await scene.repositories() == ["team/app"])
            #expect(try await !scene.publish(image.manifest, in: scene.app, tags: [.latest]))
        }
    }
}
