import OCI
import Storage
import TestSupport
import Testing

/// Tags that stay with the manifest that they were first given to.
@Suite("A catalog's immutable tag")
struct CatalogTagConformance {
    @Test("stays with its manifest, which may be pushed to it again", arguments: CatalogImplementation.all)
    func immutable(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let (first, second) = (try ImageFixture("first"), try ImageFixture("second"))
            let locked: Set<Tag> = [.stable]
            for blob in first.blobs + second.blobs { try await scene.push(blob, to: scene.app) }
            #expect(
                try await scene.publish(first.manifest, in: scene.app, tags: [.stable], immutableTags: locked)
            )
            #expect(
                try await !scene.publish(
                    first.manifest,
                    in: scene.app,
                    tags: [.stable],
                    immutableTags: locked
                )
            )
            await #expect(throws: StorageError.tagImmutable(.stable, first.manifest.digest)) {
                try await scene.publish(
                    second.manifest,
                    in: scene.app,
                    tags: [.latest, .stable],
                    immutableTags: locked
                )
            }
            // Nothing of it happened: neither the other tag nor the manifest is there.
            #expect(try await scene.manifest(.tag(.stable), in: scene.app)?.digest == first.manifest.digest)
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) == nil)
            #expect(try await scene.manifest(.digest(second.manifest.digest), in: scene.app) == nil)
            // Another tag, and the same one elsewhere, are free.
            #expect(
                try await scene.publish(
                    second.manifest,
                    in: scene.app,
                    tags: [.latest],
                    immutableTags: locked
                )
            )
            try await scene.push(second, to: scene.other, tags: [.stable])
        }
    }

    @Test("is free again once it was deleted", arguments: CatalogImplementation.all)
    func deleted(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let (first, second) = (try ImageFixture("first"), try ImageFixture("second"))
            for blob in first.blobs + second.blobs { try await scene.push(blob, to: scene.app) }
            try await scene.publish(first.manifest, in: scene.app, tags: [.stable], immutableTags: [.stable])
            #expect(try await scene.catalog.deleteTag(.stable, in: scene.app, now: scene.clock.now))
            #expect(
                try await scene.publish(
                    second.manifest,
                    in: scene.app,
                    tags: [.stable],
                    immutableTags: [.stable]
                )
            )
        }
    }
}
