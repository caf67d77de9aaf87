import OCI
import Storage
import TestSupport
import Testing

extension CatalogGroupConformance {
    @Test("adds platforms to an immutable tag of its own, and replaces none", arguments: Implementation.all)
    func immutable(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let parts = try Self.platforms.prefix(3).map { try Part("a", $0) }
            for part in parts.prefix(2) { _ = try await publish(part, scene, isTagImmutable: true) }
            #expect(try await tagged(scene) == Self.index(Array(parts.prefix(2))))
            let index = Self.index(Array(parts.prefix(2)))
            for other in [try Part("a", Self.platforms[0], "changed"), try Part("b", Self.platforms[2])] {
                await #expect(throws: StorageError.tagImmutable(.latest, index)) {
                    _ = try await publish(other, scene, isTagImmutable: true)
                }
                // Nothing of it is there.
                #expect(try await scene.manifest(.digest(other.image.manifest.digest), in: scene.app) == nil)
            }
            #expect(try await !publish(parts[0], scene, isTagImmutable: true).isChange)
            let last = try await publish(parts[2], scene, isTagImmutable: true)
            #expect(last.placement == .tagged(Self.index(parts)))
        }
    }

    @Test("replaces no image of an immutable tag while it waits for others", arguments: Implementation.all)
    func immutableStaged(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let parts = try Self.platforms.prefix(3).map { try Part("a", $0) }
            for part in parts.prefix(2) { _ = try await publish(part, scene, isTagImmutable: true) }
            let index = Self.index(Array(parts.prefix(2)))
            let changed = try Part("a", Self.platforms[0], "changed")
            let staged = try await publish(changed, scene, isTagImmutable: true, expected: Self.platforms)
            #expect(staged.placement == .staged(missing: Array(Self.platforms[2...])))
            for part in [parts[1], parts[2]] {
                await #expect(throws: StorageError.tagImmutable(.latest, index)) {
                    _ = try await publish(part, scene, isTagImmutable: true)
                }
            }
            #expect(try await tagged(scene) == index)
            // What the tag has goes back into its place, and then others come beside it.
            #expect(try await publish(parts[0], scene, isTagImmutable: true).placement == .tagged(index))
            let last = try await publish(parts[2], scene, isTagImmutable: true)
            #expect(last.placement == .tagged(Self.index(parts)))
        }
    }

    @Test(
        "has no immutable tag that somebody else gave to the same image",
        arguments: Implementation.all,
        [false, true]
    )
    func immutableForeign(_ implementation: Implementation, isGroup: Bool) async throws {
        try await implementation.withScene { scene in
            let platforms = Self.platforms
            let image = try Part("first", platforms[0])
            if isGroup {
                _ = try await publish(image, scene, isTagImmutable: true)
            } else {
                try await scene.push(image.image, to: scene.app, tags: [.latest])
            }
            let digest = image.image.manifest.digest
            let same = Part("second", platforms[0], image.image)
            let again = try await publish(same, scene, isTagImmutable: true)
            #expect(again.placement == .tagged(digest))
            await #expect(throws: StorageError.tagImmutable(.latest, digest)) {
                _ = try await publish(try Part("second", platforms[1]), scene, isTagImmutable: true)
            }
            #expect(try await tagged(scene) == digest)
            guard isGroup else { return }
            let next = try Part("first", platforms[1])
            let placement = try await publish(next, scene, isTagImmutable: true).placement
            #expect(placement == .tagged(Self.index([image, next])))
        }
    }
}
