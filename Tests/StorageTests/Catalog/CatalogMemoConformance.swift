import OCI
import Storage
import TestSupport
import Testing

/// What is remembered of how images were made.
@Suite("A catalog's memo of a packaged image")
struct CatalogMemoConformance {
    private func memo(_ key: String, hint: String = "hint", details: String = "details") -> PackagingMemo {
        PackagingMemo(
            key: Digest(of: Array(key.utf8)),
            hint: Digest(of: Array(hint.utf8)),
            details: Array(details.utf8)
        )
    }

    private func publish(
        _ image: ImageFixture,
        _ memo: PackagingMemo,
        _ scene: CatalogScene
    ) async throws -> Bool {
        for blob in image.blobs { try await scene.push(blob, to: scene.app) }
        var publication = image.manifest.publication(in: scene.app, tags: [.latest], now: scene.clock.now)
        publication.memo = memo
        while true {
            switch try await scene.catalog.publishManifest(publication) {
            case .published(let isChange): return isChange
            case .unsynced(let blobs): publication.synced.formUnion(blobs.map(\.id))
            }
        }
    }

    @Test(
        "finds the image by what it was made of, in its repository alone",
        arguments: CatalogImplementation.all
    )
    func finds(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let (image, memo) = (try ImageFixture("first"), memo("first"))
            #expect(try await scene.catalog.rememberedImage(memo.key, in: scene.app) == nil)
            #expect(try await publish(image, memo, scene))
            let found = try #require(try await scene.catalog.rememberedImage(memo.key, in: scene.app))
            #expect(
                found.manifest.digest == image.manifest.digest && found.manifest.bytes == image.manifest.bytes
            )
            #expect(found.details == memo.details)
            #expect(try await scene.catalog.hasRememberedImage(hint: memo.hint, in: scene.app))
            #expect(try await !scene.catalog.hasRememberedImage(hint: memo.key, in: scene.app))
            #expect(try await scene.catalog.rememberedImage(memo.hint, in: scene.app) == nil)
            try await scene.push(image, to: scene.other)
            #expect(try await scene.catalog.rememberedImage(memo.key, in: scene.other) == nil)
            #expect(try await !scene.catalog.hasRememberedImage(hint: memo.hint, in: scene.other))
            // The same again changes nothing.
            #expect(try await !publish(image, memo, scene))
        }
    }

    @Test(
        "is the last one of its key, and of one image there may be several",
        arguments: CatalogImplementation.all
    )
    func replaces(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let (first, second) = (try ImageFixture("first"), try ImageFixture("second"))
            _ = try await publish(first, memo("a"), scene)
            _ = try await publish(first, memo("b", hint: "other"), scene)
            _ = try await publish(second, memo("a", details: "new"), scene)
            let a = try await scene.catalog.rememberedImage(memo("a").key, in: scene.app)
            #expect(a?.manifest.digest == second.manifest.digest && a?.details == Array("new".utf8))
            let b = try await scene.catalog.rememberedImage(memo("b").key, in: scene.app)
            #expect(b?.manifest.digest == first.manifest.digest)
        }
    }

    @Test("goes with the image", arguments: CatalogImplementation.all)
    func goes(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let (image, memo) = (try ImageFixture("first"), memo("first"))
            _ = try await publish(image, memo, scene)
            let isDeleted = try await scene.catalog.deleteManifest(
                image.manifest.digest,
                in: scene.app,
                keptUntil: scene.clock.now,
                now: scene.clock.now
            )
            #expect(isDeleted)
            #expect(try await scene.catalog.rememberedImage(memo.key, in: scene.app) == nil)
            #expect(try await !scene.catalog.hasRememberedImage(hint: memo.hint, in: scene.app))
            // The same manifest pushed by a client is not remembered.
            try await scene.push(image, to: scene.app, tags: [.latest])
            #expect(try await scene.catalog.rememberedImage(memo.key, in: scene.app) == nil)
        }
    }
}
