import OCI
import Storage
import TestSupport
import Testing

/// What every implementation of `Catalog` promises of blobs.
@Suite("A catalog's blob")
struct CatalogBlobConformance {
    typealias Implementation = CatalogImplementation

    let blob = BlobFixture("content")

    @Test("is visible only where it was pushed or mounted", arguments: Implementation.all)
    func visibility(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            #expect(try await !scene.isVisible(blob, in: scene.app))
            let record = try await scene.push(blob, to: scene.app)
            #expect(record.digest == blob.digest)
            #expect(record.size == blob.size)
            #expect(try await scene.catalog.blob(blob.digest, in: scene.app) == record)
            #expect(try await !scene.isVisible(blob, in: scene.other))
            #expect(try await scene.keep(blob, in: scene.other) == nil)
            #expect(try await scene.catalog.blob(BlobFixture("else").digest, in: scene.app) == nil)
            #expect(try await scene.catalog.blob(Digest("md5:abc"), in: scene.app) == nil)

            #expect(try await scene.mount(blob, from: scene.app, to: scene.other) == record)
            #expect(try await scene.catalog.blob(blob.digest, in: scene.other) == record)
            // It is no manifest, and makes no repository that is listed.
            #expect(try await scene.manifest(.digest(blob.digest), in: scene.app) == nil)
            #expect(try await scene.repositories() == [])
            #expect(try await scene.tags(of: scene.app) == [])
        }
    }

    @Test("is mounted from where it is visible, or from anywhere", arguments: Implementation.all)
    func mount(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let third = try RepositoryName("third")
            #expect(try await scene.mount(blob, from: scene.app, to: third) == nil)
            #expect(try await scene.mount(blob, from: nil, to: third) == nil)
            let record = try await scene.push(blob, to: scene.app)
            #expect(try await scene.mount(blob, from: scene.other, to: third) == nil)
            #expect(try await scene.mount(blob, from: third, to: third) == nil)
            // A mount that found nothing made nothing.
            #expect(try await scene.tags(of: third) == nil)
            #expect(try await scene.mount(blob, from: nil, to: third) == record)
            #expect(try await scene.mount(blob, from: third, to: scene.other) == record)
            #expect(try await scene.mount(blob, from: third, to: third) == record)
            #expect(try await scene.catalog.unsyncedBlobs() == [record])
        }
    }

    @Test("is put in its place once, whoever pushes it", arguments: Implementation.all)
    func placement(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let first = try await scene.push(blob, to: scene.app)
            let copy = try #require(scene.content.copy(of: blob.digest))
            #expect(try await scene.push(blob, to: scene.other) == first)
            #expect(try await scene.push(blob, to: scene.app) == first)
            #expect(scene.content.copy(of: blob.digest) == copy)
        }
    }

    @Test(
        "whose bytes went missing is healed by a push, and not durable until synced",
        arguments: Implementation.all
    )
    func heal(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app", layers: [blob])
            try await scene.push(image, to: scene.app, tags: [.latest])
            #expect(try await scene.catalog.unsyncedBlobs() == [])
            let lost = try #require(await scene.catalog.blob(blob.digest, in: scene.app))

            scene.content.remove(blob.digest)
            try await scene.push(blob, to: scene.other)
            #expect(scene.content.copy(of: blob.digest) != nil)
            let healed = try #require(await scene.catalog.blob(blob.digest, in: scene.app))
            #expect(try await scene.catalog.blob(blob.digest, in: scene.other) == healed)
            #expect(try await scene.catalog.unsyncedBlobs() == [healed])
            // What was said of the lost copy does not count for the new one.
            #expect(healed.id != lost.id)
            try await scene.catalog.markSynced([lost.id])
            #expect(try await scene.catalog.unsyncedBlobs() == [healed])
            let publication = image.manifest.publication(
                in: scene.app,
                tags: [.stable],
                synced: [lost.id],
                now: scene.clock.now
            )
            #expect(try await scene.catalog.publishManifest(publication) == .unsynced([healed]))
            try await scene.publish(image.manifest, in: scene.app, tags: [.stable])
            #expect(try await scene.catalog.unsyncedBlobs() == [])
        }
    }

    @Test("does not exist where its bytes cannot be placed", arguments: Implementation.all)
    func failedPlacement(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            for failure in [StorageError.full, .readOnly, .failed(operation: "rename", path: "/x", code: 5)] {
                scene.content.fail(with: failure)
                await #expect(throws: failure) { try await scene.push(blob, to: scene.app) }
                #expect(try await !scene.isVisible(blob, in: scene.app))
                #expect(try await scene.tags(of: scene.app) == nil)
                #expect(try scene.catalog.unknownBlobs(among: [blob.digest]) == [blob.digest])
            }
            scene.content.fail(with: nil)
            try await scene.push(blob, to: scene.app)
            #expect(try await scene.isVisible(blob, in: scene.app))
            #expect(
                try scene.catalog.unknownBlobs(among: [blob.digest, Digest(of: [1])]) == [Digest(of: [1])]
            )
            #expect(try scene.catalog.unknownBlobs(among: []) == [])
        }
    }

    @Test("is deleted from one repository, and from the store with the last", arguments: Implementation.all)
    func delete(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            #expect(try await !scene.catalog.deleteBlob(blob.digest, in: scene.app))
            try await scene.push(blob, to: scene.app)
            #expect(try await !scene.catalog.deleteBlob(blob.digest, in: scene.other))
            _ = try await scene.mount(blob, from: scene.app, to: scene.other)

            #expect(try await scene.catalog.deleteBlob(blob.digest, in: scene.app))
            #expect(try await !scene.catalog.deleteBlob(blob.digest, in: scene.app))
            #expect(try await !scene.isVisible(blob, in: scene.app))
            #expect(try await scene.isVisible(blob, in: scene.other))
            #expect(try await scene.sweep() == [])
            #expect(scene.content.digests == [blob.digest])

            #expect(try await scene.catalog.deleteBlob(blob.digest, in: scene.other))
            #expect(try await !scene.isVisible(blob, in: scene.other))
            #expect(try await scene.mount(blob, from: nil, to: scene.app) == nil)
            #expect(try await scene.sweep() == [blob.digest])
            #expect(scene.content.digests == [])
            #expect(try await scene.catalog.nextGarbage() == nil)
        }
    }

    @Test("that a manifest of the repository refers to is not deleted there", arguments: Implementation.all)
    func inUse(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            try await scene.push(image, to: scene.app)
            for blob in image.blobs {
                try await scene.push(blob, to: scene.other)
                await #expect(throws: StorageError.blobInUse(blob.digest)) {
                    try await scene.catalog.deleteBlob(blob.digest, in: scene.app)
                }
                #expect(try await scene.catalog.deleteBlob(blob.digest, in: scene.other))
            }
            #expect(try await scene.delete(image.manifest, in: scene.app))
            for blob in image.blobs {
                #expect(try await scene.catalog.deleteBlob(blob.digest, in: scene.app))
            }
        }
    }
}

// MARK: Durability

extension CatalogBlobConformance {
    @Test("is not known to be durable before it is marked", arguments: Implementation.all)
    func markSynced(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let blobs = (0..<3).map { BlobFixture("blob \($0)") }
            var records: [BlobRecord] = []
            for blob in blobs { records.append(try await scene.push(blob, to: scene.app)) }
            #expect(try await Set(scene.catalog.unsyncedBlobs()) == Set(records))
            try await scene.catalog.markSynced([records[0].id, records[2].id])
            #expect(try await scene.catalog.unsyncedBlobs() == [records[1]])
            try await scene.catalog.markSynced([])
            try await scene.catalog.markSynced(records.map(\.id))
            #expect(try await scene.catalog.unsyncedBlobs() == [])
        }
    }

    @Test("is forgotten everywhere where its bytes could not be made durable", arguments: Implementation.all)
    func dropUnsynced(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let record = try await scene.push(blob, to: scene.app)
            let bystander = try await scene.push(BlobFixture("else"), to: scene.app)
            _ = try await scene.mount(blob, from: scene.app, to: scene.other)
            try await scene.catalog.dropUnsynced(record.id, removing: { scene.content.remove($0) })
            #expect(try await !scene.isVisible(blob, in: scene.app))
            #expect(try await !scene.isVisible(blob, in: scene.other))
            #expect(scene.content.digests == [bystander.digest])
            #expect(try await scene.catalog.unsyncedBlobs() == [bystander])
            #expect(try scene.catalog.unknownBlobs(among: [blob.digest]) == [blob.digest])

            // The name of the copy that went is nobody's any more.
            let again = try await scene.push(blob, to: scene.app)
            #expect(again.id != record.id)
            try await scene.catalog.dropUnsynced(record.id, removing: { scene.content.remove($0) })
            try await scene.catalog.markSynced([record.id])
            #expect(try await scene.catalog.blob(blob.digest, in: scene.app) == again)
            #expect(try await scene.catalog.unsyncedBlobs().contains(again))
            #expect(scene.content.copy(of: blob.digest) != nil)
        }
    }

    @Test("is not forgotten once it is durable", arguments: Implementation.all)
    func dropSynced(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let record = try await scene.push(blob, to: scene.app)
            try await scene.catalog.markSynced([record.id])
            try await scene.catalog.dropUnsynced(record.id, removing: { scene.content.remove($0) })
            #expect(try await scene.isVisible(blob, in: scene.app))
            #expect(scene.content.digests == [blob.digest])
        }
    }

    @Test("is not forgotten where its bytes cannot be removed", arguments: Implementation.all)
    func dropFails(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let record = try await scene.push(blob, to: scene.app)
            await #expect(throws: StorageError.readOnly) {
                try await scene.catalog.dropUnsynced(
                    record.id,
                    removing: { _ in throw StorageError.readOnly }
                )
            }
            #expect(try await scene.catalog.blob(blob.digest, in: scene.app) == record)
            #expect(try await scene.catalog.unsyncedBlobs() == [record])
        }
    }

    @Test("stays what it was over a restart", arguments: Implementation.all)
    func restart(_ implementation: Implementation) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let content = PlacedContent()
        let synced = BlobFixture("synced")
        try await implementation.withScene(in: folder, content: content) { scene in
            try await scene.push(blob, to: scene.app)
            try await scene.catalog.markSynced([scene.push(synced, to: scene.app).id])
        }
        try await implementation.withScene(in: folder, content: content) { scene async throws in
            #expect(try await scene.isVisible(blob, in: scene.app))
            #expect(try await scene.isVisible(synced, in: scene.app))
            #expect(try await scene.catalog.unsyncedBlobs().map(\.digest) == [blob.digest])
            #expect(try await scene.catalog.nextGarbage() == scene.keptUntil)
        }
    }
}
