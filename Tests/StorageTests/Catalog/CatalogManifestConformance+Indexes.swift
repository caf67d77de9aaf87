import OCI
import Storage
import TestSupport
import Testing

extension CatalogManifestConformance {
    @Test("that is an index has its manifests in the repository", arguments: Implementation.all)
    func index(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let images = try (0..<3).map { try ImageFixture("app \($0)") }
            let index = try ManifestFixture.index(images.map(\.manifest.descriptor))
            try await scene.push(images[0], to: scene.app)
            try await scene.push(images[1], to: scene.other)
            let missing = images[1...].map(\.manifest.digest)
            await #expect(throws: StorageError.missingReferences(missing)) {
                try await scene.publish(index, in: scene.app)
            }
            try await scene.push(images[1], to: scene.app)
            try await scene.push(images[2], to: scene.app)
            #expect(try await scene.publish(index, in: scene.app, tags: [.latest]))
            #expect(try await scene.manifest(.tag(.latest), in: scene.app)?.mediaType == .ociIndex)
        }
    }

    @Test("that is an index may list blobs, as build caches do", arguments: Implementation.all)
    func indexOfBlobs(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let blob = BlobFixture("cache")
            let index = try ManifestFixture.index([blob.descriptor(.ociLayerGzip)])
            await #expect(throws: StorageError.missingReferences([blob.digest])) {
                try await scene.publish(index, in: scene.app)
            }
            let record = try await scene.push(blob, to: scene.app)
            let publication = index.publication(in: scene.app, now: scene.clock.now)
            #expect(try await scene.catalog.publishManifest(publication) == .unsynced([record]))
            #expect(try await scene.publish(index, in: scene.app))
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await scene.collect() == [])
            await #expect(throws: StorageError.blobInUse(blob.digest)) {
                try await scene.catalog.deleteBlob(blob.digest, in: scene.app)
            }
            #expect(try await scene.delete(index, in: scene.app))
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await scene.collect() == [blob.digest])
        }
    }

    @Test(
        "may lack what it refers to where that is allowed",
        arguments: Implementation.all
    )
    func sparseIndex(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let images = try (0..<2).map { try ImageFixture("app \($0)") }
            let index = try ManifestFixture.index(images.map(\.manifest.descriptor))
            try await scene.push(images[0], to: scene.app)
            #expect(try await scene.publish(index, in: scene.app, tags: [.latest], isSparse: true))
            #expect(try await scene.manifest(.tag(.latest), in: scene.app)?.digest == index.digest)
            try await scene.publish(images[1].manifest, in: scene.app, isSparse: true)
            // What is missing may come later, and is kept like any other.
            for blob in images[1].blobs { try await scene.push(blob, to: scene.app) }
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await scene.collect() == [])
            do {
                _ = try await scene.delete(images[1].manifest, in: scene.app)
                Issue.record("a manifest that an index lists was deleted")
            } catch StorageError.manifestInUse(images[1].manifest.digest, by: [index.digest]) {}
            #expect(try await scene.delete(index, in: scene.app))
            #expect(try await scene.delete(images[1].manifest, in: scene.app))
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await Set(scene.collect()) == Set(images[1].blobs.map(\.digest)))
        }
    }

    @Test("that an index lists is not deleted before it", arguments: Implementation.all)
    func inUse(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let indexes = try ["a", "b"].map {
                try ManifestFixture.index([image.manifest.descriptor], annotations: ["name": $0])
            }
            try await scene.push(image, to: scene.app, tags: [.latest])
            try await scene.push(image, to: scene.other)
            for index in indexes { try await scene.publish(index, in: scene.app) }
            do {
                _ = try await scene.delete(image.manifest, in: scene.app)
                Issue.record("it was deleted")
            } catch StorageError.manifestInUse(let digest, let parents) {
                #expect(digest == image.manifest.digest)
                #expect(Set(parents) == Set(indexes.map(\.digest)))
            }
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) != nil)
            #expect(try await scene.delete(image.manifest, in: scene.other))
            #expect(try await scene.delete(indexes[0], in: scene.app))
            await #expect(throws: StorageError.manifestInUse(image.manifest.digest, by: [indexes[1].digest]))
            {
                try await scene.delete(image.manifest, in: scene.app)
            }
            #expect(try await scene.delete(indexes[1], in: scene.app))
            #expect(try await scene.delete(image.manifest, in: scene.app))
        }
    }

    @Test("is deleted though an image has a layer of the same bytes", arguments: Implementation.all)
    func sameBytesAsLayer(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let inner = try ImageFixture("inner")
            let outer = try ImageFixture("outer", layers: [BlobFixture(inner.manifest.bytes)])
            try await scene.push(inner, to: scene.app)
            try await scene.push(outer, to: scene.app)
            #expect(try await scene.delete(inner.manifest, in: scene.app))
            #expect(try await scene.isVisible(outer.layers[0], in: scene.app))
        }
    }

    @Test("may say something about one that does not exist", arguments: Implementation.all)
    func subject(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let empty = BlobFixture("{}")
            let type = try MediaType("application/spdx+json")
            let artifact = try ManifestFixture.artifact(
                type,
                about: image.manifest.descriptor,
                configuration: empty,
                layers: []
            )
            try await scene.push(empty, to: scene.app)
            #expect(try await scene.publish(artifact, in: scene.app))
            try await scene.push(image, to: scene.app)
            // A subject is no reference: nothing is in the way of its deletion.
            #expect(try await scene.delete(image.manifest, in: scene.app))
            #expect(try await scene.manifest(.digest(artifact.digest), in: scene.app) != nil)
        }
    }
}
