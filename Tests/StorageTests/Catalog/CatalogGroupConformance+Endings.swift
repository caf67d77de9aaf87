import OCI
import Storage
import TestSupport
import Testing

extension CatalogGroupConformance {
    @Test("takes what was never tagged with it however it ended", arguments: Implementation.all)
    func endings(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let ended = try Part("a", Self.platforms[0])
            let expired = try Part("b", Self.platforms[0])
            let renewed = try Part("b", Self.platforms[1])
            _ = try await publish(ended, scene, expected: Self.platforms)
            _ = try await publish(expired, scene, tag: .edge, expected: Self.platforms)
            try await scene.push(try ImageFixture("other"), to: scene.app, tags: [.latest])
            // Removing its tag leaves a manifest, whoever has uploaded the same image meanwhile.
            let named = try Part("c", Self.platforms[0])
            try await scene.push(named.image, to: scene.app, tags: [.stable])
            _ = try await publish(named, scene, tag: .stable, isTagImmutable: true)
            #expect(try await scene.catalog.deleteTag(.stable, in: scene.app, now: scene.clock.now))
            scene.clock.advance(by: .seconds(3600))
            let missing = Self.platforms.filter { $0 != renewed.platform }
            let placement = try await publish(renewed, scene, tag: .edge, expected: Self.platforms).placement
            #expect(placement == .staged(missing: missing))
            let (now, keptUntil) = (scene.clock.now, scene.keptUntil)
            #expect(try await scene.catalog.closeGroups(now: now, keptUntil: keptUntil, limit: 10).count == 3)
            for (part, isThere) in [(ended, false), (expired, false), (renewed, true), (named, true)] {
                let record = try await scene.manifest(.digest(part.image.manifest.digest), in: scene.app)
                #expect((record != nil) == isThere, "\(part.build) \(part.platform)")
            }
        }
    }

    @Test("leaves what somebody was told is there", arguments: Implementation.all)
    func kept(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            func isThere(_ part: Part) async throws -> Bool {
                try await scene.manifest(.digest(part.image.manifest.digest), in: scene.app) != nil
            }
            // Whole, but too late for the tag; pushed as a manifest besides; and replaced while it was staged.
            let late = try Self.platforms.prefix(2).map { try Part("late", $0) }
            let pushed = try Part("pushed", Self.platforms[0])
            let (first, second) = (
                try Part("c", Self.platforms[0], "first"), try Part("c", Self.platforms[0], "second")
            )
            _ = try await publish(late[0], scene, expected: late.map(\.platform))
            _ = try await publish(try Part("quick", Self.platforms[0]), scene)
            #expect(try await publish(late[1], scene, expected: late.map(\.platform)).placement == .late)
            _ = try await publish(pushed, scene, tag: .edge, expected: Self.platforms)
            try await scene.publish(pushed.image.manifest, in: scene.app)
            for part in [first, second] {
                _ = try await publish(part, scene, tag: .stable, expected: Self.platforms)
            }
            #expect(try await !isThere(first))
            scene.clock.advance(by: .seconds(3600))
            let (now, keptUntil) = (scene.clock.now, scene.keptUntil)
            #expect(try await scene.catalog.closeGroups(now: now, keptUntil: keptUntil, limit: 10).count == 4)
            for part in late + [pushed] { #expect(try await isThere(part), "\(part.build)") }
            #expect(try await !isThere(second))
        }
    }

    @Test("does not take the tag back from a newer one whose time is over", arguments: Implementation.all)
    func older(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let older = try Self.platforms.prefix(3).map { try Part("older", $0) }
            let newer = try Part("newer", Self.platforms[0])
            _ = try await publish(older[0], scene)
            _ = try await publish(newer, scene)
            scene.clock.advance(by: .seconds(1800))
            _ = try await publish(older[1], scene)
            scene.clock.advance(by: .seconds(1800))
            func close() async throws -> Int {
                try await scene.catalog.closeGroups(
                    now: scene.clock.now,
                    keptUntil: scene.keptUntil,
                    limit: 10
                ).count
            }
            #expect(try await close() == 0)
            #expect(try await publish(older[2], scene).placement == .late)
            #expect(
                try await scene.manifest(.tag(.latest), in: scene.app)?.digest == newer.image.manifest.digest
            )
            scene.clock.advance(by: .seconds(3600))
            #expect(try await close() == 2)
        }
    }
}
