import OCI
import Storage
import TestSupport
import Testing

/// Tags that collection removes, what it forgets, and what it says it would do.
@Suite("A catalog's retirement")
struct CatalogRetirementConformance {
    typealias Implementation = CatalogImplementation

    @Test("takes tags whose time is over, with what they alone named", arguments: Implementation.all)
    func expired(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            for blob in image.blobs { try await scene.push(blob, to: scene.app) }
            let tags = try (0..<5).map { try Tag("t\($0)") }
            let start = scene.clock.now
            try await scene.publish(
                image.manifest,
                in: scene.app,
                tags: tags,
                expiry: [
                    tags[0]: start + .seconds(10), tags[1]: start + .seconds(20),
                    tags[2]: start + .seconds(5),
                ]
            )
            #expect(try await scene.catalog.removeExpiredTags(now: start, limit: 9) == [])
            scene.clock.advance(by: .seconds(10))
            let first = try await scene.catalog.removeExpiredTags(now: scene.clock.now, limit: 1)
            #expect(first.map(\.tag) == [tags[2]])
            #expect(first.map(\.expired) == [start + .seconds(5)])
            #expect(first.map(\.digest) == [image.manifest.digest])
            #expect(first.map(\.repository) == [scene.app])
            let second = try await scene.catalog.removeExpiredTags(now: scene.clock.now, limit: 9)
            #expect(second.map(\.tag) == [tags[0]])
            #expect(try await scene.tags(of: scene.app) == ["t1", "t3", "t4"])
            // It has other tags still.
            scene.clock.advance(by: .seconds(1_000_000))
            _ = try await scene.catalog.removeExpiredTags(now: scene.clock.now, limit: 9)
            #expect(try await scene.removeUntagged() == [])
            for tag in tags[3...] {
                #expect(try await scene.catalog.deleteTag(tag, in: scene.app, now: scene.clock.now))
            }
            scene.clock.advance(by: CatalogUntaggedConformance.period)
            #expect(try await scene.removeUntagged().map(\.digest) == [image.manifest.digest])
        }
    }

    @Test("goes by the last push of a tag, also by one that changed nothing", arguments: Implementation.all)
    func pushedAgain(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            try await scene.push(image, to: scene.app, tags: [.latest])
            func use() async throws -> TagUse {
                let now = scene.clock.now
                let page = try await scene.catalog.tagUsePage(of: scene.app, after: nil, limit: 9, now: now)
                return try #require(page.elements.first)
            }
            let first = try await use()
            let moment = scene.clock.advance(by: .seconds(60))
            try await scene.publish(image.manifest, in: scene.app, tags: [.latest])
            #expect(try await use().pushed == moment)
            // Whoever decided by what was there before takes nothing.
            let removed = try await scene.catalog.removeTags([first], of: scene.app, now: scene.clock.now)
            #expect(removed.isEmpty)
            #expect(try await scene.tags(of: scene.app) == ["latest"])
        }
    }

    @Test("knows when each tag was pushed and pulled", arguments: Implementation.all, [true, false])
    func uses(_ implementation: Implementation, _ isFlushed: Bool) async throws {
        try await implementation.withScene { scene in
            let images = try [ImageFixture("first"), ImageFixture("second")]
            let start = scene.clock.now
            try await scene.push(images[0], to: scene.app, tags: [.latest])
            scene.clock.advance(by: .seconds(1))
            for blob in images[1].blobs { try await scene.push(blob, to: scene.app) }
            try await scene.publish(images[1].manifest, in: scene.app, tags: [.stable], locksTags: true)
            let pulled = scene.clock.advance(by: .seconds(1))
            for reference in [Reference.tag(.latest), .digest(images[0].manifest.digest)] {
                _ = try await scene.catalog.pullManifest(reference, in: scene.app, now: pulled)
            }
            if isFlushed { try await scene.catalog.flushPulls() }
            // An older pull that is told later changes nothing.
            _ = try await scene.catalog.pullManifest(.tag(.latest), in: scene.app, now: start)
            if isFlushed { try await scene.catalog.flushPulls() }
            let uses = try await scene.uses()
            #expect(uses.map(\.tag) == [.latest, .stable])
            #expect(uses.map(\.pushed) == [start, start + .seconds(1)])
            #expect(uses.map(\.pulled) == [pulled, nil])
            #expect(uses.map(\.isImmutable) == [false, true])
            #expect(uses.map(\.digest) == images.map(\.manifest.digest))
            let page = try await scene.catalog.tagUsePage(
                of: scene.app,
                after: nil,
                limit: 1,
                now: scene.clock.now
            )
            #expect(page.elements == [uses[0]] && page.hasMore)
            let none = try await scene.catalog.tagUsePage(of: scene.other, after: nil, limit: 1, now: start)
            #expect(none.elements == [] && !none.hasMore)
        }
    }

    /// What may happen to a tag between the look at it and its removal.
    enum Event: CaseIterable { case nothing, push, pull, delete }

    @Test("takes no tag that was used meanwhile", arguments: Implementation.all, Event.allCases)
    func usedMeanwhile(_ implementation: Implementation, _ event: Event) async throws {
        try await implementation.withScene { scene in
            let (image, other) = (try ImageFixture("app"), try ImageFixture("other"))
            try await scene.push(image, to: scene.app, tags: [.latest, .stable])
            let use = try #require(try await scene.uses().first)
            scene.clock.advance(by: .seconds(1))
            switch event {
            case .nothing: break
            case .push: try await scene.push(other, to: scene.app, tags: [.latest])
            case .pull:
                _ = try await scene.catalog.pullManifest(.tag(.latest), in: scene.app, now: scene.clock.now)
            case .delete:
                _ = try await scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now)
            }
            let removed = try await scene.catalog.removeTags([use], of: scene.app, now: scene.clock.now)
            #expect(removed.map(\.tag) == (event == .nothing ? [.latest] : []))
            #expect(removed.allSatisfy { $0.use == use })
            let isLeft = event == .push || event == .pull
            #expect(try await scene.tags(of: scene.app) == (isLeft ? ["latest", "stable"] : ["stable"]))
            #expect(try await scene.catalog.removeTags([use], of: scene.other, now: scene.clock.now) == [])
        }
    }

    @Test("forgets repositories that hold nothing", arguments: Implementation.all)
    func emptyRepositories(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            try await scene.push(image, to: scene.app, tags: [.latest])
            try await scene.push(image, to: scene.other, tags: [.latest])
            #expect(try await scene.delete(image.manifest, in: scene.app))
            func removeRemains() async throws {
                let now = scene.clock.now
                let empty = Timestamp(milliseconds: now.milliseconds - 1000)
                while try await scene.catalog.removeRemains(now: now, emptySince: empty, limit: 1) {}
            }
            scene.clock.advance(by: .seconds(2))
            try await removeRemains()
            // Its blobs are there still.
            #expect(try await scene.tags(of: scene.app) == [])
            scene.clock.advance(by: CatalogScene.grace)
            try await scene.collect()
            try await removeRemains()
            #expect(try await scene.tags(of: scene.app) == nil)
            #expect(try await scene.tags(of: scene.other) == ["latest"])
            // One that has just come waits for its first manifest.
            try await scene.push(BlobFixture("content"), to: scene.app)
            try await removeRemains()
            #expect(try await scene.isVisible(BlobFixture("content"), in: scene.app))
            try await scene.push(image, to: scene.app, tags: [.latest])
            #expect(try await scene.tags(of: scene.app) == ["latest"])
        }
    }

    @Test("says before what it does then, and changes nothing by it", arguments: Implementation.all)
    func forecast(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let images = try (0..<4).map { try ImageFixture("app \($0)") }
            let index = try ManifestFixture.index([images[0].manifest.descriptor])
            for image in images { try await scene.push(image, to: scene.app) }
            try await scene.publish(index, in: scene.app, tags: [.latest])
            let old = try Tag("old")
            try await scene.publish(images[1].manifest, in: scene.app, tags: [old])
            let brief = try Tag("brief")
            try await scene.publish(
                images[2].manifest,
                in: scene.app,
                tags: [brief],
                expiry: [brief: scene.clock.now + .seconds(1)]
            )
            #expect(try await scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now))
            try await scene.push(BlobFixture("nobody's"), to: scene.app)
            scene.clock.advance(by: CatalogScene.grace)
            let retired = try await scene.uses().filter { $0.tag == old }
            let removal = scene.removal { _ in CatalogUntaggedConformance.period }
            for _ in 0..<2 {
                let forecast = try await scene.catalog.forecastCollection(
                    retiring: [scene.app: retired],
                    removal
                )
                #expect(forecast.tags.map(\.tag) == [brief, old])
                #expect(forecast.manifests.map(\.digest) == [index.digest, images[0].manifest.digest])
                #expect(forecast.blobs.map(\.digest) == [BlobFixture("nobody's").digest])
            }
            #expect(try await scene.tags(of: scene.app) == ["old"])
            let tags = try await scene.catalog.removeExpiredTags(now: scene.clock.now, limit: 9)
            #expect(tags.map(\.tag) == [brief])
            #expect(
                try await scene.catalog.removeTags(retired, of: scene.app, now: scene.clock.now).map(\.tag)
                    == [old]
            )
            #expect(
                try await scene.removeUntagged().map(\.digest) == [index.digest, images[0].manifest.digest]
            )
            #expect(try await scene.collect() == [BlobFixture("nobody's").digest])
        }
    }
}

extension CatalogScene {
    fileprivate func uses() async throws -> [TagUse] {
        try await catalog.tagUsePage(of: app, after: nil, limit: 100, now: clock.now).elements
    }
}
