import OCI
import Storage
import TestSupport
import Testing

/// Tags that are there for a time, and tags whose own push says that they stay.
@Suite("A catalog's tag with a time to live")
struct CatalogExpiryConformance {
    @Test("is there until its moment, and then for nobody", arguments: CatalogImplementation.all)
    func expires(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("first")
            for blob in image.blobs { try await scene.push(blob, to: scene.app) }
            let end = scene.clock.now + .seconds(60)
            try await scene.publish(
                image.manifest,
                in: scene.app,
                tags: [.latest, .stable],
                expiry: [.latest: end]
            )
            func tags() async throws -> [TagRecord] {
                let page = try await scene.catalog.tagPage(
                    of: scene.app,
                    after: nil,
                    limit: 9,
                    now: scene.clock.now
                )
                let names = try await scene.catalog.tagNamePage(
                    of: scene.app,
                    after: nil,
                    limit: 9,
                    now: scene.clock.now
                )
                #expect(names?.elements == page?.elements.map(\.tag))
                return page?.elements ?? []
            }
            #expect(try await tags().map(\.expires) == [end, nil])
            scene.clock.advance(by: .milliseconds(59_999))
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) != nil)
            scene.clock.advance(by: .milliseconds(1))
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) == nil)
            #expect(try await tags().map(\.tag) == [.stable])
            #expect(try await !scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now))
            // What it pointed to is there.
            #expect(try await scene.manifest(.digest(image.manifest.digest), in: scene.app) != nil)
            // To be there again is a change.
            #expect(try await scene.publish(image.manifest, in: scene.app, tags: [.latest]))
            #expect(try await tags().map(\.expires) == [nil, nil])
        }
    }

    @Test("is there for as long as its last push says", arguments: CatalogImplementation.all)
    func lastPush(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("first")
            for blob in image.blobs { try await scene.push(blob, to: scene.app) }
            func push(_ seconds: Int64?) async throws -> Bool {
                try await scene.publish(
                    image.manifest,
                    in: scene.app,
                    tags: [.latest],
                    expiry: seconds.map { [.latest: scene.clock.now + .seconds($0)] } ?? [:]
                )
            }
            #expect(try await push(10))
            #expect(try await !push(100))
            scene.clock.advance(by: .seconds(50))
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) != nil)
            #expect(try await !push(nil))
            scene.clock.advance(by: .seconds(500))
            #expect(try await scene.manifest(.tag(.latest), in: scene.app) != nil)
        }
    }

    @Test("that cannot be moved can be once its time is over", arguments: CatalogImplementation.all)
    func lockedUntil(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let (first, second) = (try ImageFixture("first"), try ImageFixture("second"))
            for blob in first.blobs + second.blobs { try await scene.push(blob, to: scene.app) }
            let end = scene.clock.now + .seconds(60)
            try await scene.publish(
                first.manifest,
                in: scene.app,
                tags: [.latest],
                expiry: [.latest: end],
                locksTags: true
            )
            // Nobody shortens or lengthens it by pushing the same.
            for expiry in [[:], [Tag.latest: end + .seconds(5)]] {
                #expect(
                    try await !scene.publish(first.manifest, in: scene.app, tags: [.latest], expiry: expiry)
                )
            }
            await #expect(throws: StorageError.tagImmutable(.latest, first.manifest.digest)) {
                try await scene.publish(second.manifest, in: scene.app, tags: [.latest])
            }
            scene.clock.move(to: end)
            #expect(try await scene.publish(second.manifest, in: scene.app, tags: [.latest]))
            // The lock went with what it held.
            #expect(try await scene.publish(first.manifest, in: scene.app, tags: [.latest]))
        }
    }

    @Test("A lock goes with a tag that is deleted, and may come later", arguments: CatalogImplementation.all)
    func locks(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let (first, second) = (try ImageFixture("first"), try ImageFixture("second"))
            for blob in first.blobs + second.blobs { try await scene.push(blob, to: scene.app) }
            try await scene.publish(first.manifest, in: scene.app, tags: [.latest])
            try await scene.publish(first.manifest, in: scene.app, tags: [.latest], locksTags: true)
            await #expect(throws: StorageError.tagImmutable(.latest, first.manifest.digest)) {
                try await scene.publish(second.manifest, in: scene.app, tags: [.latest])
            }
            #expect(try await scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now))
            #expect(try await scene.publish(second.manifest, in: scene.app, tags: [.latest]))
            #expect(try await scene.publish(first.manifest, in: scene.app, tags: [.latest]))
        }
    }

    @Test(
        "A group's tag that it has locked takes its further platforms",
        arguments: CatalogImplementation.all
    )
    func groups(_ implementation: CatalogImplementation) async throws {
        let groups = CatalogGroupConformance()
        try await implementation.withScene { scene in
            let end = scene.clock.now + .seconds(60)
            let first = try CatalogGroupConformance.Part("a", Platform(os: "linux", architecture: "amd64"))
            let second = try CatalogGroupConformance.Part("a", Platform(os: "linux", architecture: "arm64"))
            let other = try CatalogGroupConformance.Part("b", Platform(os: "linux", architecture: "amd64"))
            _ = try await groups.publish(first, scene, locksTag: true, expires: end)
            let both = try await groups.publish(second, scene, locksTag: true, expires: end)
            #expect(both.placement == .tagged(CatalogGroupConformance.index([first, second])))
            let digest = try #require(try await groups.tagged(scene))
            await #expect(throws: StorageError.tagImmutable(.latest, digest)) {
                _ = try await groups.publish(other, scene)
            }
            // Nor does its own group take an image from it.
            let replaced = try CatalogGroupConformance.Part("a", second.platform, "new")
            await #expect(throws: StorageError.tagImmutable(.latest, digest)) {
                _ = try await groups.publish(replaced, scene)
            }
            #expect(try await groups.tagged(scene) == digest)
            scene.clock.move(to: end)
            #expect(try await groups.tagged(scene) == nil)
            #expect(try await groups.publish(other, scene).placement == .tagged(other.image.manifest.digest))
        }
    }
}
