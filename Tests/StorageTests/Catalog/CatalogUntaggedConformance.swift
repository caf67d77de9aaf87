import OCI
import Storage
import TestSupport
import Testing

/// What becomes of manifests that had a tag, or belonged to one that had.
@Suite("A catalog's manifest without a tag")
struct CatalogUntaggedConformance {
    typealias Implementation = CatalogImplementation

    static let period = Duration.seconds(1000)

    @Test("goes when its time is over, and not before", arguments: Implementation.all)
    func due(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let (first, second) = (try ImageFixture("first"), try ImageFixture("second"))
            try await scene.push(first, to: scene.app, tags: [.latest])
            try await scene.push(first, to: scene.other, tags: [.latest])
            scene.clock.advance(by: .seconds(5000))
            #expect(try await scene.removeUntagged() == [])
            try await scene.push(second, to: scene.app, tags: [.latest])
            let moved = scene.clock.now
            scene.clock.advance(by: Self.period - .milliseconds(1))
            #expect(try await scene.removeUntagged() == [])
            scene.clock.advance(by: .milliseconds(1))
            let removed = try await scene.removeUntagged()
            #expect(removed.map(\.digest) == [first.manifest.digest])
            #expect(removed.map(\.untagged) == [moved])
            #expect(removed.map(\.repository) == [scene.app])
            #expect(removed.map(\.size) == [Int64(first.manifest.bytes.count)])
            #expect(try await scene.manifest(.digest(first.manifest.digest), in: scene.app) == nil)
            #expect(try await scene.manifest(.tag(.latest), in: scene.other) != nil)
            // What it alone referred to stays for the time of grace, as for every push that may come.
            #expect(try await scene.isVisible(first.layers[0], in: scene.app))
            scene.clock.advance(by: CatalogScene.grace)
            try await scene.collect()
            #expect(try await !scene.isVisible(first.layers[0], in: scene.app))
            #expect(try await scene.isVisible(first.layers[0], in: scene.other))
            #expect(try await scene.isVisible(second.layers[0], in: scene.app))
        }
    }

    @Test("stays where it never had one, or has one again", arguments: Implementation.all)
    func stays(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let (untagged, again) = (try ImageFixture("untagged"), try ImageFixture("again"))
            try await scene.push(untagged, to: scene.app)
            try await scene.push(again, to: scene.app, tags: [.latest])
            #expect(try await scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now))
            scene.clock.advance(by: .seconds(500))
            try await scene.publish(again.manifest, in: scene.app, tags: [.stable])
            scene.clock.advance(by: .seconds(1_000_000))
            #expect(try await scene.removeUntagged() == [])
        }
    }

    @Test("goes after the period of its repository, if that has one", arguments: Implementation.all)
    func periods(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let third = try RepositoryName("third")
            for name in [scene.app, scene.other, third] {
                try await scene.push(image, to: name, tags: [.latest])
                #expect(try await scene.catalog.deleteTag(.latest, in: name, now: scene.clock.now))
            }
            let periods: [RepositoryName: Duration] = [scene.app: .seconds(10), scene.other: .seconds(20)]
            scene.clock.advance(by: .seconds(15))
            #expect(try await scene.removeUntagged { periods[$0] }.map(\.repository) == [scene.app])
            scene.clock.advance(by: .seconds(5))
            #expect(try await scene.removeUntagged { periods[$0] }.map(\.repository) == [scene.other])
            scene.clock.advance(by: .seconds(1_000_000))
            #expect(try await scene.removeUntagged { periods[$0] } == [])
            #expect(try await scene.repositories() == ["third"])
        }
    }

    @Test("stays with the index that lists it, and goes with it", arguments: Implementation.all)
    func children(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let (child, own) = (try ImageFixture("child"), try ImageFixture("own"))
            let index = try ManifestFixture.index([child.manifest.descriptor, own.manifest.descriptor])
            // One was tagged itself, before the index and not any more.
            try await scene.push(child, to: scene.app, tags: [.latest])
            try await scene.push(own, to: scene.app, tags: [.stable])
            try await scene.publish(index, in: scene.app, tags: [.latest])
            scene.clock.advance(by: .seconds(100_000))
            #expect(try await scene.removeUntagged() == [])
            #expect(try await scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now))
            scene.clock.advance(by: Self.period - .milliseconds(1))
            #expect(try await scene.removeUntagged() == [])
            scene.clock.advance(by: .milliseconds(1))
            // The one goes with the index; the other has a tag of its own.
            #expect(
                try await scene.removeUntagged().map(\.digest) == [index.digest, child.manifest.digest]
            )
            #expect(try await scene.catalog.deleteTag(.stable, in: scene.app, now: scene.clock.now))
            scene.clock.advance(by: Self.period)
            #expect(try await scene.removeUntagged().map(\.digest) == [own.manifest.digest])
        }
    }

    @Test("stays with its subject, and goes with it", arguments: Implementation.all, [true, false])
    func referrers(_ implementation: Implementation, _ isDeleted: Bool) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let artifacts = try CatalogReferrerConformance.artifacts(2, about: image)
            let unknown = try CatalogReferrerConformance.artifacts(1, about: ImageFixture("unknown"))[0]
            try await scene.push(image, to: scene.app, tags: [.latest])
            try await scene.push(CatalogReferrerConformance.configuration, to: scene.app)
            for artifact in artifacts + [unknown] { try await scene.publish(artifact, in: scene.app) }
            // A signature that an older client tagged beside, and untagged.
            let tag = try Tag("sha256-1.sig")
            try await scene.publish(artifacts[1], in: scene.app, tags: [tag])
            #expect(try await scene.catalog.deleteTag(tag, in: scene.app, now: scene.clock.now))
            scene.clock.advance(by: .seconds(100_000))
            #expect(try await scene.removeUntagged() == [])
            if isDeleted {
                #expect(try await scene.delete(image.manifest, in: scene.app))
            } else {
                #expect(try await scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now))
            }
            scene.clock.advance(by: Self.period - .milliseconds(1))
            #expect(try await scene.removeUntagged() == [])
            scene.clock.advance(by: .milliseconds(1))
            let removed = try await scene.removeUntagged().map(\.digest)
            let expected = artifacts.map(\.digest)
            #expect(removed == (isDeleted ? expected : [image.manifest.digest] + expected))
            // Its subject never was here: it lost nothing.
            scene.clock.advance(by: .seconds(1_000_000))
            #expect(try await scene.removeUntagged() == [])
        }
    }

    @Test("stays for as long again where it is pushed again", arguments: Implementation.all)
    func pushedAgain(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            try await scene.push(image, to: scene.app, tags: [.latest])
            #expect(try await scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now))
            for _ in 0..<3 {
                scene.clock.advance(by: Self.period - .milliseconds(1))
                #expect(try await scene.removeUntagged() == [])
                try await scene.publish(image.manifest, in: scene.app)
            }
            scene.clock.advance(by: Self.period - .milliseconds(1))
            #expect(try await scene.removeUntagged() == [])
            scene.clock.advance(by: .milliseconds(1))
            #expect(try await scene.removeUntagged().map(\.digest) == [image.manifest.digest])
        }
    }

    @Test("stays where its subject comes back in time", arguments: Implementation.all)
    func subjectReturns(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let artifact = try CatalogReferrerConformance.artifacts(1, about: image)[0]
            try await scene.push(image, to: scene.app, tags: [.latest])
            try await scene.push(CatalogReferrerConformance.configuration, to: scene.app)
            try await scene.publish(artifact, in: scene.app)
            #expect(try await scene.delete(image.manifest, in: scene.app))
            scene.clock.advance(by: .seconds(10))
            try await scene.push(image, to: scene.app, tags: [.latest])
            scene.clock.advance(by: .seconds(1_000_000))
            #expect(try await scene.removeUntagged() == [])
            #expect(try await scene.manifest(.digest(artifact.digest), in: scene.app) != nil)
        }
    }

    @Test("stays for as long as somebody pulls it", arguments: Implementation.all, [true, false])
    func pulled(_ implementation: Implementation, _ isFlushed: Bool) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            try await scene.push(image, to: scene.app, tags: [.latest])
            #expect(try await scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now))
            for _ in 0..<5 {
                scene.clock.advance(by: Self.period - .seconds(1))
                let record = try await scene.catalog.pullManifest(
                    .digest(image.manifest.digest),
                    in: scene.app,
                    now: scene.clock.now
                )
                #expect(record?.record.bytes == image.manifest.bytes)
                if isFlushed { try await scene.catalog.flushPulls() }
                #expect(try await scene.removeUntagged() == [])
            }
            // To look at it in a list is no pull.
            scene.clock.advance(by: Self.period - .milliseconds(1))
            #expect(try await scene.manifest(.digest(image.manifest.digest), in: scene.app) != nil)
            #expect(try await scene.removeUntagged() == [])
            scene.clock.advance(by: .milliseconds(1))
            #expect(try await scene.removeUntagged().map(\.digest) == [image.manifest.digest])
            let record = try await scene.catalog.pullManifest(
                .digest(image.manifest.digest),
                in: scene.app,
                now: scene.clock.now
            )
            #expect(record?.record == nil)
        }
    }

    @Test("goes in portions, none of them forgotten", arguments: Implementation.all, [1, 2, 3, 100])
    func portions(_ implementation: Implementation, _ limit: Int) async throws {
        try await implementation.withScene { scene in
            let images = try (0..<7).map { try ImageFixture("app \($0)") }
            let index = try ManifestFixture.index([images[6].manifest.descriptor])
            for image in images { try await scene.push(image, to: scene.app, tags: [.latest]) }
            try await scene.publish(index, in: scene.app, tags: [.stable])
            #expect(try await scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now))
            scene.clock.advance(by: Self.period)
            let removed = try await scene.removeUntagged(limit: limit)
            #expect(removed.map(\.digest) == images[..<6].map(\.manifest.digest))
            #expect(try await scene.manifest(.tag(.stable), in: scene.app) != nil)
        }
    }
}

extension CatalogScene {
    /// Removes manifests without a tag, in portions, until a round removes nothing.
    func removeUntagged(
        limit: Int = 2,
        period: @escaping @Sendable (RepositoryName) -> Duration? = { _ in CatalogUntaggedConformance.period }
    ) async throws -> [RemovedManifest] {
        var removed: [RemovedManifest] = []
        var count = -1
        while count != removed.count {
            count = removed.count
            var last: UntaggedRemoval.Cursor?
            repeat {
                let portion = try await catalog.removeUntagged(removal(period), after: last, limit: limit)
                removed += portion.removed
                last = portion.next
            } while last != nil
        }
        return removed
    }

    func removal(_ period: @escaping @Sendable (RepositoryName) -> Duration?) -> UntaggedRemoval {
        UntaggedRemoval(
            shortestPeriod: .seconds(10),
            keptUntil: keptUntil,
            now: clock.now,
            period: period
        )
    }
}
