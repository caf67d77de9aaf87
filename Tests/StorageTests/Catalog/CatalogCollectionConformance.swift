import OCI
import Storage
import TestSupport
import Testing

/// What every implementation of `Catalog` promises of collection.
@Suite("A catalog's collection")
struct CatalogCollectionConformance {
    typealias Implementation = CatalogImplementation

    let blob = BlobFixture("content")

    @Test("has nothing to do where everything is referred to", arguments: Implementation.all)
    func nothing(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            #expect(try await scene.catalog.nextGarbage() == nil)
            #expect(try await scene.catalog.markGarbage(now: scene.clock.now, limit: 10) == 0)
            #expect(try await scene.sweep() == [])
            let image = try ImageFixture("app")
            try await scene.push(image, to: scene.app, tags: [.latest])
            #expect(try await scene.catalog.nextGarbage() == nil)
            scene.clock.advance(by: .seconds(10 * 365 * 86_400))
            #expect(try await scene.collect() == [])
            for blob in image.blobs { #expect(try await scene.isVisible(blob, in: scene.app)) }
        }
    }

    @Test("takes a blob at the moment until which it was kept, not before", arguments: Implementation.all)
    func due(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            try await scene.push(blob, to: scene.app)
            #expect(try await scene.catalog.nextGarbage() == scene.keptUntil)
            scene.clock.advance(by: CatalogScene.grace - .milliseconds(1))
            #expect(try await scene.collect() == [])
            #expect(try await scene.isVisible(blob, in: scene.app))
            scene.clock.advance(by: .milliseconds(1))
            #expect(try await scene.collect() == [blob.digest])
            #expect(scene.content.digests == [])
            #expect(try await scene.catalog.nextGarbage() == nil)
        }
    }

    /// What may be done to a blob that waits, and what moves the moment at which it goes.
    enum Use: CaseIterable { case keep, mount, push }

    @Test("waits for whoever was told of the blob", arguments: Implementation.all, Use.allCases)
    func kept(_ implementation: Implementation, _ use: Use) async throws {
        try await implementation.withScene { scene in
            try await scene.push(blob, to: scene.app)
            scene.clock.advance(by: CatalogScene.grace - .seconds(1))
            let record = try await Self.use(use, blob, scene)
            #expect(record?.digest == blob.digest)
            #expect(try await scene.catalog.nextGarbage() == scene.keptUntil)
            scene.clock.advance(by: .seconds(1))
            #expect(try await scene.collect() == [])
            scene.clock.advance(by: CatalogScene.grace - .seconds(2))
            #expect(try await scene.collect() == [])
            scene.clock.advance(by: .seconds(1))
            #expect(try await scene.collect() == [blob.digest])
        }
    }

    @Test("is too late for a blob that is asked for afterwards", arguments: Implementation.all, Use.allCases)
    func keptTooLate(_ implementation: Implementation, _ use: Use) async throws {
        try await implementation.withScene { scene in
            try await scene.push(blob, to: scene.app)
            scene.clock.advance(by: CatalogScene.grace)
            #expect(try await scene.catalog.markGarbage(now: scene.clock.now, limit: 10) == 1)
            let record = try await Self.use(use, blob, scene)
            if use == .push {
                #expect(record != nil)
                #expect(try await scene.sweep() == [])
                #expect(scene.content.digests == [blob.digest])
            } else {
                #expect(record == nil)
                #expect(try await scene.sweep() == [blob.digest])
            }
        }
    }

    static func use(_ use: Use, _ blob: BlobFixture, _ scene: CatalogScene) async throws -> BlobRecord? {
        switch use {
        case .keep: try await scene.keep(blob, in: scene.app)
        case .mount: try await scene.mount(blob, from: nil, to: scene.app)
        case .push: try await scene.push(blob, to: scene.app)
        }
    }

    @Test("is never brought forward", arguments: Implementation.all)
    func neverEarlier(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            try await scene.push(blob, to: scene.app)
            let due = scene.keptUntil
            for moment in [scene.clock.now, Timestamp.distantPast, due] {
                #expect(try await scene.catalog.keepBlob(blob.digest, in: scene.app, until: moment) != nil)
                #expect(try await scene.catalog.nextGarbage() == due)
            }
            _ = try await scene.catalog.mountBlob(
                blob.digest,
                from: nil,
                to: scene.app,
                keptUntil: scene.clock.now,
                now: scene.clock.now
            )
            #expect(try await scene.catalog.nextGarbage() == due)
        }
    }

    @Test("takes a blob out of one repository while another keeps it", arguments: Implementation.all)
    func perRepository(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            try await scene.push(blob, to: scene.app)
            scene.clock.advance(by: .seconds(60))
            _ = try await scene.mount(blob, from: scene.app, to: scene.other)
            scene.clock.advance(by: CatalogScene.grace - .seconds(60))
            #expect(try await scene.collect() == [])
            #expect(try await !scene.isVisible(blob, in: scene.app))
            #expect(try await scene.isVisible(blob, in: scene.other))
            scene.clock.advance(by: .seconds(60))
            #expect(try await scene.collect() == [blob.digest])
        }
    }

    @Test("forgets a blob that has been referred to meanwhile", arguments: Implementation.all)
    func referred(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            for blob in image.blobs { try await scene.push(blob, to: scene.app) }
            scene.clock.advance(by: CatalogScene.grace + .seconds(1))
            try await scene.publish(image.manifest, in: scene.app)
            #expect(try await scene.collect() == [])
            for blob in image.blobs { #expect(try await scene.isVisible(blob, in: scene.app)) }
        }
    }
}

// MARK: The two steps

extension CatalogCollectionConformance {
    @Test("hides a blob from everybody between its steps", arguments: Implementation.all)
    func hidden(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app", layers: [blob])
            try await scene.push(blob, to: scene.app)
            scene.clock.advance(by: CatalogScene.grace)
            #expect(try await scene.catalog.markGarbage(now: scene.clock.now, limit: 10) == 1)
            let next = try #require(await scene.catalog.nextGarbage())
            #expect(next <= scene.clock.now)
            #expect(try await scene.catalog.unsyncedBlobs() == [])
            #expect(try await !scene.isVisible(blob, in: scene.app))
            #expect(try await !scene.catalog.deleteBlob(blob.digest, in: scene.app))
            // Its bytes still have an owner, who will remove them.
            #expect(try scene.catalog.unknownBlobs(among: [blob.digest]) == [])
            try await scene.push(image.configuration, to: scene.app)
            await #expect(throws: StorageError.missingReferences([blob.digest])) {
                try await scene.publish(image.manifest, in: scene.app)
            }
        }
    }

    @Test("does not remove content that was pushed again between its steps", arguments: Implementation.all)
    func pushedBetween(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let old = try await scene.push(blob, to: scene.app)
            try await scene.catalog.markSynced([old.id])
            let copy = scene.content.copy(of: blob.digest)
            #expect(try await scene.catalog.deleteBlob(blob.digest, in: scene.app))
            let new = try await scene.push(blob, to: scene.other)
            #expect(new.id != old.id)
            #expect(scene.content.copy(of: blob.digest) != copy)
            #expect(try await scene.catalog.unsyncedBlobs() == [new])
            #expect(try await scene.sweep() == [])
            #expect(try await scene.catalog.blob(blob.digest, in: scene.other) == new)
            #expect(try await !scene.isVisible(blob, in: scene.app))
            #expect(scene.content.digests == [blob.digest])
        }
    }

    @Test("can be repeated where bytes could not be removed", arguments: Implementation.all)
    func removalFails(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let blobs = (0..<3).map { BlobFixture("blob \($0)") }
            for blob in blobs {
                try await scene.push(blob, to: scene.app)
                #expect(try await scene.catalog.deleteBlob(blob.digest, in: scene.app))
            }
            let stubborn = blobs[1].digest
            await #expect(throws: StorageError.readOnly) {
                try await scene.catalog.sweepGarbage(limit: 10) { digest in
                    if digest == stubborn { throw StorageError.readOnly }
                    scene.content.remove(digest)
                }
            }
            #expect(try await scene.catalog.nextGarbage() != nil)
            for blob in blobs { #expect(try await !scene.isVisible(blob, in: scene.app)) }
            _ = try await scene.sweep()
            #expect(scene.content.digests == [])
            #expect(try scene.catalog.unknownBlobs(among: blobs.map(\.digest)).count == 3)
        }
    }

    @Test("proceeds in portions, the oldest first", arguments: Implementation.all)
    func portions(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let blobs = (0..<7).map { BlobFixture("blob \($0)") }
            for blob in blobs {
                try await scene.push(blob, to: scene.app)
                scene.clock.advance(by: .seconds(1))
            }
            scene.clock.advance(by: CatalogScene.grace - .seconds(2))
            // Six are due.
            #expect(try await scene.catalog.markGarbage(now: scene.clock.now, limit: 4) == 4)
            for (index, blob) in blobs.enumerated() {
                #expect(try await scene.isVisible(blob, in: scene.app) == (index >= 4))
            }
            #expect(try await scene.catalog.markGarbage(now: scene.clock.now, limit: 4) == 2)
            #expect(try await scene.catalog.markGarbage(now: scene.clock.now, limit: 4) == 0)
            let removed = try await scene.catalog.sweepGarbage(
                limit: 4,
                removing: { scene.content.remove($0) }
            )
            #expect(removed.count == 4)
            #expect(try await scene.sweep().count == 2)
            #expect(scene.content.digests == [blobs[6].digest])
        }
    }

    @Test("takes what a deleted manifest alone referred to, after its time", arguments: Implementation.all)
    func manifestDeleted(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let shared = BlobFixture("shared")
            let first = try ImageFixture("first", layers: [shared, BlobFixture("one")])
            let second = try ImageFixture("second", layers: [shared, BlobFixture("two")])
            try await scene.push(first, to: scene.app, tags: [.latest])
            try await scene.push(second, to: scene.app, tags: [.stable])
            for blob in first.blobs { _ = try await scene.mount(blob, from: scene.app, to: scene.other) }
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await scene.collect() == [])
            for blob in first.blobs { #expect(try await !scene.isVisible(blob, in: scene.other)) }

            #expect(try await scene.delete(first.manifest, in: scene.app))
            scene.clock.advance(by: CatalogScene.grace - .milliseconds(1))
            #expect(try await scene.collect() == [])
            scene.clock.advance(by: .milliseconds(1))
            #expect(try await scene.collect() == [first.configuration.digest, BlobFixture("one").digest])
            for blob in second.blobs { #expect(try await scene.isVisible(blob, in: scene.app)) }
            #expect(scene.content.digests == Set(second.blobs.map(\.digest)))
        }
    }

    @Test(
        "takes a blob that an index listed as its manifest, once nothing does",
        arguments: Implementation.all
    )
    func blobAndManifest(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let index = try ManifestFixture.index([image.manifest.descriptor])
            try await scene.push(image, to: scene.app)
            try await scene.publish(index, in: scene.app)
            // Some clients push a manifest's bytes as a blob as well.
            let bytes = BlobFixture(image.manifest.bytes)
            try await scene.push(bytes, to: scene.app)
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await scene.collect() == [])
            #expect(try await scene.delete(index, in: scene.app))
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await scene.collect() == [bytes.digest])
            #expect(try await scene.manifest(.digest(image.manifest.digest), in: scene.app) != nil)
        }
    }
}
