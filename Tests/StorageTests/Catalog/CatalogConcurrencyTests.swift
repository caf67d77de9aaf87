import OCI
import TestSupport
import Testing

@testable import Storage

@Suite("A catalog under many hands")
struct CatalogConcurrencyTests {
    @Test("keeps what each of many clients was promised", arguments: CatalogImplementation.all)
    func differentImages(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let base = BlobFixture("base layer")
            let images = try (0..<40).map {
                try ImageFixture("app \($0)", layers: [base, BlobFixture("layer \($0)")])
            }
            try await withThrowingTaskGroup { group in
                for (index, image) in images.enumerated() {
                    group.addTask {
                        let repository = index.isMultiple(of: 2) ? scene.app : scene.other
                        try await scene.push(image, to: repository, tags: [.named("v\(index)"), .latest])
                        let record = try await scene.manifest(.tag(.named("v\(index)")), in: repository)
                        #expect(record?.digest == image.manifest.digest)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await scene.catalog.unsyncedBlobs() == [])
            #expect(scene.content.digests.count == 81)
            for repository in [scene.app, scene.other] {
                #expect(try await scene.tags(of: repository)?.count == 21)
                let latest = try await scene.manifest(.tag(.latest), in: repository)
                #expect(images.contains { $0.manifest.digest == latest?.digest })
            }
            scene.clock.advance(by: CatalogScene.grace * 2)
            #expect(try await scene.collect() == [])
        }
    }

    @Test(
        "stores the same image once, and tells one of its clients that it changed something",
        arguments: CatalogImplementation.all
    )
    func sameImage(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let changes = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        for blob in image.blobs { try await scene.push(blob, to: scene.app) }
                        return try await scene.publish(image.manifest, in: scene.app, tags: [.latest])
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(changes == 1)
            #expect(scene.content.copy(of: image.configuration.digest) != nil)
            #expect(scene.content.digests.count == image.blobs.count)
        }
    }

    @Test("collects nothing that somebody is pushing at the same time", arguments: CatalogImplementation.all)
    func pushAgainstCollection(_ implementation: CatalogImplementation) async throws {
        try await implementation.withScene { scene in
            let layers = (0..<5).map { BlobFixture("layer \($0)") }
            try await withThrowingTaskGroup { group in
                for pusher in 0..<8 {
                    group.addTask {
                        for round in 0..<15 {
                            let image = try ImageFixture("app \(pusher) \(round)", layers: layers)
                            do {
                                try await scene.push(image, to: scene.app, tags: [.named("p\(pusher)")])
                                let stored = try await scene.manifest(
                                    .digest(image.manifest.digest),
                                    in: scene.app
                                )
                                #expect(stored != nil)
                                for layer in layers {
                                    #expect(try await scene.isVisible(layer, in: scene.app))
                                    #expect(scene.content.copy(of: layer.digest) != nil)
                                }
                                #expect(try await scene.delete(image.manifest, in: scene.app))
                            } catch StorageError.missingReferences {
                                // The clock jumped over the time for which its blobs were kept.
                            }
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<60 {
                        scene.clock.advance(by: CatalogScene.grace / 3)
                        try await scene.collect()
                    }
                }
                try await group.waitForAll()
            }
            scene.clock.advance(by: CatalogScene.grace * 2)
            try await scene.collect()
            #expect(scene.content.digests == [])
        }
    }
}
