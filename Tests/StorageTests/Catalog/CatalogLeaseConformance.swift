import OCI
import Storage
import TestSupport
import Testing

/// For how long what every implementation of `Catalog` has told may be told again.
@Suite("A catalog's lease")
struct CatalogLeaseConformance {
    typealias Implementation = CatalogImplementation

    private func lease(_ reference: Reference, _ scene: CatalogScene) async throws -> ReadLease? {
        try await scene.catalog.pullManifest(reference, in: scene.app, now: scene.clock.now)?.lease
    }

    @Test("on a manifest ends with any change in its repository", arguments: Implementation.all)
    func manifests(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let (image, other) = (try ImageFixture("app"), try ImageFixture("other"))
            try await scene.push(image, to: scene.app, tags: [.latest, .stable])
            for blob in other.blobs { try await scene.push(blob, to: scene.app) }
            let digest = image.manifest.digest
            let changes: [(String, () async throws -> Void)] = [
                ("a push", { try await scene.publish(other.manifest, in: scene.app, tags: [.edge]) }),
                (
                    "a tag that moves",
                    { try await scene.publish(other.manifest, in: scene.app, tags: [.latest]) }
                ),
                (
                    "a tag that goes",
                    {
                        _ = try await scene.catalog.deleteTag(.edge, in: scene.app, now: scene.clock.now)
                    }
                ),
                (
                    "a manifest that goes",
                    {
                        _ = try await scene.catalog.deleteManifest(
                            other.manifest.digest,
                            in: scene.app,
                            keptUntil: scene.keptUntil,
                            now: scene.clock.now
                        )
                    }
                ),
            ]
            for (name, change) in changes {
                let leases = [
                    try #require(try await lease(.tag(.stable), scene)),
                    try #require(try await lease(.digest(digest), scene)),
                    try #require(scene.catalog.lease(onBlobsOf: scene.app)),
                ]
                for lease in leases { #expect(lease.renew(at: scene.clock.now)) }
                try await change()
                for lease in leases { #expect(!lease.renew(at: scene.clock.now), "\(name)") }
            }
        }
    }

    @Test("outlives what adds, and changes elsewhere", arguments: Implementation.all)
    func elsewhere(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            try await scene.push(image, to: scene.app, tags: [.latest])
            let blob = BlobFixture("further")
            let lease = try #require(try await lease(.tag(.latest), scene))
            try await scene.push(blob, to: scene.app)
            try await scene.catalog.flushPulls()
            #expect(lease.renew(at: scene.clock.now))
            // Repositories share counts by chance: not all of these do.
            var held = 0
            for number in 0..<8 {
                let lease = try #require(try await self.lease(.tag(.latest), scene))
                let name = try RepositoryName("elsewhere/\(number)")
                for blob in image.blobs { try await scene.push(blob, to: name) }
                try await scene.publish(image.manifest, in: name, tags: [.latest])
                if lease.renew(at: scene.clock.now) { held += 1 }
            }
            #expect(held > 4)
        }
    }

    @Test(
        "on a tag ends when the tag does, and there is none on what nothing names",
        arguments: Implementation.all
    )
    func expiry(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            for blob in image.blobs { try await scene.push(blob, to: scene.app) }
            let end = scene.clock.now + .seconds(10)
            try await scene.publish(image.manifest, in: scene.app, tags: [.edge], expiry: [.edge: end])
            let lease = try #require(try await lease(.tag(.edge), scene))
            #expect(lease.renew(at: end - .milliseconds(1)))
            #expect(!lease.renew(at: end))
            #expect(try await scene.catalog.deleteTag(.edge, in: scene.app, now: scene.clock.now))
            // Each pull keeps it, and each must be told.
            let pulled = try await scene.catalog.pullManifest(
                .digest(image.manifest.digest),
                in: scene.app,
                now: scene.clock.now
            )
            #expect(pulled != nil && pulled?.lease == nil)
        }
    }

    @Test("on a blob there is none while it waits to be collected", arguments: Implementation.all)
    func blobs(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let (image, loose) = (try ImageFixture("app"), BlobFixture("loose"))
            try await scene.push(image, to: scene.app, tags: [.latest])
            try await scene.push(loose, to: scene.app)
            func kept(_ blob: BlobFixture) async throws -> KeptBlob? {
                try await scene.catalog.keepBlob(blob.digest, in: scene.app, until: scene.keptUntil)
            }
            let waiting = try await kept(loose)
            #expect(waiting != nil && waiting?.lease == nil)
            let lease = try #require(try await kept(image.layers[0])?.lease)
            #expect(lease.renew(at: scene.clock.now))
            let record = try #require(try await scene.catalog.blob(image.layers[0].digest, in: scene.app))
            #expect(try await scene.catalog.quarantine(record.id))
            #expect(!lease.renew(at: scene.clock.now))
            #expect(try await kept(image.layers[0]) == nil)
        }
    }
}
