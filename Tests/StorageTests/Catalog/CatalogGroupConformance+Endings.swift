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
            #expect(try await scene.catalog.closeGroups(now: now, keptUntil: keptUntil, limit: 10) == 3)
            for (part, isThere) in [(ended, false), (expired, false), (renewed, true), (named, true)] {
                let record = try await scene.manifest(.digest(part.image.manifest.digest), in: scene.app)
                #expect((record != nil) == isThere, "\(part.build) \(part.platform)")
            }
        }
    }
}
