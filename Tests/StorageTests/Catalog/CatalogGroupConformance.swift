import OCI
import Storage
import TestSupport
import Testing

/// Images of one build that come apart, and share a tag.
@Suite("A catalog's group of images")
struct CatalogGroupConformance {
    typealias Implementation = CatalogImplementation
    typealias Placement = PartPublication.Placement

    static let platforms = ["linux/amd64", "linux/arm/v7", "linux/arm64", "linux/riscv64"].compactMap {
        Platform($0)
    }

    /// One platform's image of a build.
    struct Part: Sendable {
        let build: String
        let platform: Platform
        let image: ImageFixture

        /// `content`: tells apart two images of the same build and platform.
        init(_ build: String, _ platform: Platform, _ content: String = "") throws {
            self.build = build
            self.platform = platform
            image = try ImageFixture("\(build) \(platform) \(content)")
        }

        /// The same image in another build.
        init(_ build: String, _ platform: Platform, _ image: ImageFixture) {
            (self.build, self.platform, self.image) = (build, platform, image)
        }

        /// What an index says to list it.
        var descriptor: Descriptor {
            var descriptor = image.manifest.descriptor
            descriptor.platform = platform
            return descriptor
        }
    }

    /// The digest of the index of some parts.
    static func index(_ parts: [Part]) -> OCI.Digest {
        OCI.Digest(of: Manifest.indexBytes(parts.map(\.descriptor)))
    }

    func publish(
        _ part: Part,
        _ scene: CatalogScene,
        tag: Tag = .latest,
        isTagImmutable: Bool = false,
        locksTag: Bool = false,
        expires: Timestamp? = nil,
        expected: [Platform] = []
    ) async throws -> PartPublication.Published {
        for blob in part.image.blobs { try await scene.push(blob, to: scene.app) }
        var publication = PartPublication(
            image: part.image.manifest.publication(in: scene.app, now: scene.clock.now),
            platform: part.platform,
            tag: tag,
            isTagImmutable: isTagImmutable,
            key: part.build,
            expected: expected,
            openUntil: scene.clock.now + .seconds(3600)
        )
        publication.image.locksTags = locksTag
        publication.image.expiry[tag] = expires
        while true {
            switch try await scene.catalog.publishPart(publication) {
            case .published(let published): return published
            case .unsynced(let blobs): publication.image.synced.formUnion(blobs.map(\.id))
            }
        }
    }

    func tagged(_ scene: CatalogScene, _ tag: Tag = .latest) async throws -> OCI.Digest? {
        try await scene.manifest(.tag(tag), in: scene.app)?.digest
    }

    @Test("is an index of its parts, the same in whatever order they come", arguments: Implementation.all)
    func orders(_ implementation: Implementation) async throws {
        let parts = try Self.platforms.prefix(3).map { try Part("a", $0) }
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            try await implementation.withScene { scene in
                let first = try await publish(parts[order[0]], scene)
                #expect(first.placement == .tagged(parts[order[0]].image.manifest.digest))
                #expect(first.isChange && first.platforms == [parts[order[0]].platform])
                _ = try await publish(parts[order[1]], scene)
                let last = try await publish(parts[order[2]], scene)
                #expect(last.placement == .tagged(Self.index(parts)) && last.isChange)
                #expect(last.platforms == parts.map(\.platform))
                #expect(try await tagged(scene) == Self.index(parts))
                let again = try await publish(parts[order[0]], scene)
                #expect(again.placement == .tagged(Self.index(parts)) && !again.isChange)
            }
        }
    }

    @Test("has the newest image of each platform", arguments: Implementation.all)
    func replaced(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let old = try Part("a", Self.platforms[0], "old")
            let (new, other) = (try Part("a", Self.platforms[0], "new"), try Part("a", Self.platforms[1]))
            for part in [old, other, new] { _ = try await publish(part, scene) }
            #expect(try await tagged(scene) == Self.index([new, other]))
            #expect(try await scene.manifest(.digest(old.image.manifest.digest), in: scene.app) != nil)
        }
    }

    @Test(
        "loses the tag to the group whose first part came last, and mixes with none",
        arguments: Implementation.all
    )
    func interleaved(_ implementation: Implementation) async throws {
        let parts = try ["a", "b"].flatMap { build in try Self.platforms.prefix(2).map { try Part(build, $0) }
        }
        for order in Self.permutations(of: Array(parts.indices)) {
            try await implementation.withScene { scene in
                var seen: [String] = []
                for part in order.map({ parts[$0] }) {
                    if !seen.contains(part.build) { seen.append(part.build) }
                    let published = try await publish(part, scene)
                    #expect((published.placement == .late) == (part.build != seen.last), "\(order)")
                }
                let winner = parts.filter { $0.build == seen.last }
                #expect(try await tagged(scene) == Self.index(winner), "\(order)")
                for part in parts {
                    #expect(
                        try await scene.manifest(.digest(part.image.manifest.digest), in: scene.app) != nil
                    )
                }
            }
        }
    }

    static func permutations(of elements: [Int]) -> [[Int]] {
        guard elements.count > 1 else { return [elements] }
        return elements.flatMap { first in
            permutations(of: elements.filter { $0 != first }).map { [first] + $0 }
        }
    }

    @Test("waits for the platforms that are expected, and tags once", arguments: Implementation.all)
    func staged(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let parts = try Self.platforms.prefix(3).map { try Part("a", $0) }
            let expected = parts.map(\.platform)
            let earlier = try ImageFixture("earlier")
            try await scene.push(earlier, to: scene.app, tags: [.latest])
            let first = try await publish(parts[2], scene, expected: expected)
            #expect(first.placement == .staged(missing: [expected[0], expected[1]]) && first.isChange)
            #expect(try await tagged(scene) == earlier.manifest.digest)
            let same = try await publish(parts[2], scene, expected: expected)
            #expect(same.placement == .staged(missing: [expected[0], expected[1]]) && !same.isChange)
            _ = try await publish(parts[0], scene, expected: expected)
            let last = try await publish(parts[1], scene, expected: expected)
            #expect(last.placement == .tagged(Self.index(parts)))
            #expect(try await tagged(scene) == Self.index(parts))
        }
    }

    @Test("that is staged takes the tag from no build that came meanwhile", arguments: Implementation.all)
    func stagedLate(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let slow = try Self.platforms.prefix(2).map { try Part("slow", $0) }
            let quick = try Part("quick", Self.platforms[0])
            let expected = slow.map(\.platform)
            _ = try await publish(slow[0], scene, expected: expected)
            _ = try await publish(quick, scene)
            let last = try await publish(slow[1], scene, expected: expected)
            #expect(last.placement == .late)
            #expect(try await tagged(scene) == quick.image.manifest.digest)
        }
    }

    @Test("ends where somebody else pushes to its tag, or removes it", arguments: Implementation.all)
    func closed(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let parts = try Self.platforms.prefix(3).map { try Part("a", $0) }
            let other = try ImageFixture("other")
            _ = try await publish(parts[0], scene)
            try await scene.push(other, to: scene.app, tags: [.latest])
            // It begins anew, without what came before.
            _ = try await publish(parts[1], scene)
            #expect(try await tagged(scene) == parts[1].image.manifest.digest)
            #expect(try await scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now))
            _ = try await publish(parts[2], scene)
            #expect(try await tagged(scene) == parts[2].image.manifest.digest)
            // A push of what the tag stands for changes nothing, and ends nothing.
            try await scene.publish(parts[2].image.manifest, in: scene.app, tags: [.latest])
            _ = try await publish(parts[1], scene)
            let index = Self.index([parts[1], parts[2]])
            #expect(try await tagged(scene) == index)
            // A manifest takes its tags with it.
            #expect(
                try await scene.catalog.deleteManifest(
                    index,
                    in: scene.app,
                    keptUntil: scene.keptUntil,
                    now: scene.clock.now
                )
            )
            _ = try await publish(parts[0], scene)
            #expect(try await tagged(scene) == parts[0].image.manifest.digest)
        }
    }

    @Test("is its tag's own", arguments: Implementation.all)
    func tags(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let parts = try Self.platforms.prefix(2).map { try Part("a", $0) }
            _ = try await publish(parts[0], scene, tag: .latest)
            _ = try await publish(parts[1], scene, tag: .stable)
            #expect(try await tagged(scene, .latest) == parts[0].image.manifest.digest)
            #expect(try await tagged(scene, .stable) == parts[1].image.manifest.digest)
        }
    }

    @Test("is closed after its time, and takes what was never tagged with it", arguments: Implementation.all)
    func expired(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let tagged = try Self.platforms.prefix(2).map { try Part("tagged", $0) }
            let staged = try Self.platforms.prefix(2).map { try Part("staged", $0) }
            for part in tagged { _ = try await publish(part, scene) }
            for part in staged { _ = try await publish(part, scene, tag: .edge, expected: Self.platforms) }
            // One of the staged images was given a name of its own.
            try await scene.publish(staged[1].image.manifest, in: scene.app, tags: [.stable])
            func close() async throws -> Int {
                try await scene.catalog.closeGroups(
                    now: scene.clock.now,
                    keptUntil: scene.keptUntil,
                    limit: 10
                ).count
            }
            #expect(try await close() == 0)
            scene.clock.advance(by: .seconds(3600))
            #expect(try await close() == 2)
            #expect(try await close() == 0)
            #expect(try await self.tagged(scene) == Self.index(tagged))
            #expect(try await scene.manifest(.digest(staged[0].image.manifest.digest), in: scene.app) == nil)
            #expect(try await scene.manifest(.digest(staged[1].image.manifest.digest), in: scene.app) != nil)
            // A part that comes now begins another group.
            _ = try await publish(staged[0], scene, tag: .edge)
            #expect(try await self.tagged(scene, .edge) == staged[0].image.manifest.digest)
            scene.clock.advance(by: CatalogScene.grace * 2)
            _ = try await scene.collect()
        }
    }

    @Test("forgets a part whose manifest is deleted", arguments: Implementation.all)
    func deleted(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let parts = try Self.platforms.prefix(2).map { try Part("a", $0) }
            _ = try await publish(parts[0], scene, expected: Self.platforms)
            #expect(try await scene.delete(parts[0].image.manifest, in: scene.app))
            _ = try await publish(parts[1], scene)
            #expect(try await tagged(scene) == parts[1].image.manifest.digest)
        }
    }

    @Test("ends with the same index however many upload at once", arguments: Implementation.all)
    func concurrent(_ implementation: Implementation) async throws {
        let parts = try Self.platforms.map { try Part("a", $0) }
        for _ in 0..<10 {
            try await implementation.withScene { scene in
                try await withThrowingTaskGroup { group in
                    for part in (parts + parts).shuffled() {
                        group.addTask { _ = try await self.publish(part, scene) }
                    }
                    try await group.waitForAll()
                }
                #expect(try await tagged(scene) == Self.index(parts))
            }
        }
    }
}
