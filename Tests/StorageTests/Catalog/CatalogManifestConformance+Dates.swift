import OCI
import Storage
import TestSupport
import Testing

extension CatalogManifestConformance {
    @Test(
        "knows when a manifest came, and since when a tag points to it",
        arguments: CatalogImplementation.all
    )
    func dates(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let digest = Reference.digest(image.manifest.digest)
            func dates(_ reference: Reference, in repository: RepositoryName) async throws -> ManifestDates? {
                try await scene.catalog.dates(of: reference, in: repository, now: scene.clock.now)
            }
            #expect(try await dates(digest, in: scene.app) == nil)
            let pushed = scene.clock.now
            try await scene.push(image, to: scene.app, tags: [.stable])
            scene.clock.advance(by: .seconds(60))
            let tagged = scene.clock.now
            try await scene.publish(image.manifest, in: scene.app, tags: [.latest])
            #expect(try await dates(digest, in: scene.app) == ManifestDates(pushed: pushed))
            #expect(
                try await dates(.tag(.stable), in: scene.app) == ManifestDates(pushed: pushed, tagged: pushed)
            )
            #expect(
                try await dates(.tag(.latest), in: scene.app) == ManifestDates(pushed: pushed, tagged: tagged)
            )
            #expect(try await dates(.tag(.latest), in: scene.other) == nil)
            #expect(try await dates(digest, in: scene.other) == nil)
            #expect(try await scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now))
            #expect(try await dates(.tag(.latest), in: scene.app) == nil)
        }
    }

    @Test("knows when a tag will be gone, and nothing of one that is", arguments: CatalogImplementation.all)
    func expiringDates(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            for blob in image.blobs { try await scene.push(blob, to: scene.app) }
            let (start, end) = (scene.clock.now, scene.clock.now + .seconds(60))
            try await scene.publish(image.manifest, in: scene.app, tags: [.latest], expiry: [.latest: end])
            func dates() async throws -> ManifestDates? {
                try await scene.catalog.dates(of: .tag(.latest), in: scene.app, now: scene.clock.now)
            }
            #expect(try await dates() == ManifestDates(pushed: start, tagged: start, expires: end))
            scene.clock.advance(by: .seconds(60))
            #expect(try await dates() == nil)
        }
    }
}
