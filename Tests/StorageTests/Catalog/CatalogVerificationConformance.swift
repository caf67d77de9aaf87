import OCI
import Storage
import TestSupport
import Testing

/// Blobs that are damaged, and what belongs to whom.
@Suite("A catalog that is held against the stored bytes")
struct CatalogVerificationConformance {
    typealias Implementation = CatalogImplementation

    @Test("A quarantined blob is there for nobody, until it is pushed again", arguments: Implementation.all)
    func quarantine(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let blob = image.layers[0]
            try await scene.push(image, to: scene.app, tags: [.latest])
            _ = try await scene.mount(blob, from: scene.app, to: scene.other)
            let record = try #require(try await scene.catalog.blob(blob.digest, in: scene.app))
            let copy = scene.content.copy(of: blob.digest)
            #expect(try await scene.catalog.quarantinedBlob(blob.digest, in: scene.app) == nil)

            #expect(try await scene.catalog.quarantine(record.id))
            #expect(try await !scene.catalog.quarantine(record.id))
            #expect(try await scene.catalog.isQuarantined(record.id))
            for repository in [scene.app, scene.other] {
                #expect(try await !scene.isVisible(blob, in: repository))
                #expect(try await scene.keep(blob, in: repository) == nil)
                #expect(try await scene.catalog.quarantinedBlob(blob.digest, in: repository) == record)
            }
            let third = try RepositoryName("third")
            #expect(try await scene.catalog.quarantinedBlob(blob.digest, in: third) == nil)
            #expect(try await scene.mount(blob, from: scene.app, to: third) == nil)
            #expect(try await scene.mount(blob, from: nil, to: third) == nil)
            #expect(try await !scene.catalog.deleteBlob(blob.digest, in: scene.app))
            await #expect(throws: StorageError.missingReferences([blob.digest])) {
                try await scene.publish(image.manifest, in: scene.app)
            }
            // Its bytes have an owner still, and it is read again.
            #expect(try scene.catalog.unknownBlobs(among: [blob.digest]) == [])
            let stored = try await scene.catalog.storedBlobs(after: nil, limit: 10)
            #expect(stored.filter(\.isQuarantined).map(\.record) == [record])
            #expect(stored.count == image.blobs.count)

            let healed = try await scene.push(blob, to: third)
            #expect(healed.id != record.id)
            #expect(scene.content.copy(of: blob.digest) != copy)
            for repository in [scene.app, scene.other, third] {
                #expect(try await scene.catalog.blob(blob.digest, in: repository) == healed)
            }
            // What is known of the older copy does not count for the new one.
            #expect(try await !scene.catalog.quarantine(record.id))
            #expect(try await !scene.catalog.release(record.id))
            #expect(try await scene.isVisible(blob, in: scene.app))
            #expect(try await !scene.publish(image.manifest, in: scene.app, tags: [.latest]))
        }
    }

    @Test("A blob that turns out to be whole comes back where it was", arguments: Implementation.all)
    func release(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let blob = BlobFixture("blob")
            let record = try await scene.push(blob, to: scene.app)
            #expect(try await !scene.catalog.release(record.id))
            #expect(try await scene.catalog.quarantine(record.id))
            #expect(try await scene.catalog.release(record.id))
            #expect(try await scene.catalog.blob(blob.digest, in: scene.app) == record)
            #expect(try await scene.catalog.storedSize() == blob.size)
        }
    }

    @Test("A quarantined blob that nothing needs is collected", arguments: Implementation.all)
    func collected(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let blob = BlobFixture("blob")
            let record = try await scene.push(blob, to: scene.app)
            #expect(try await scene.catalog.quarantine(record.id))
            scene.clock.advance(by: CatalogScene.grace)
            #expect(try await scene.collect() == [blob.digest])
            #expect(try await scene.catalog.storedBlobs(after: nil, limit: 1).isEmpty)
        }
    }

    @Test("Blobs come in pages, in the order in which they came", arguments: Implementation.all)
    func pages(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            var expected: [BlobRecord] = []
            for number in 0..<7 {
                expected.append(try await scene.push(BlobFixture("blob \(number)"), to: scene.app))
            }
            for limit in 1...8 {
                var found: [BlobRecord] = []
                while true {
                    let page = try await scene.catalog.storedBlobs(after: found.last?.id, limit: limit)
                    #expect(page.count <= limit)
                    if page.isEmpty { break }
                    found += page.map(\.record)
                }
                #expect(found == expected)
            }
        }
    }

    @Test("Uses are the names of the images, whatever lies in between", arguments: Implementation.all)
    func uses(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let shared = BlobFixture("shared")
            let first = try ImageFixture("first", layers: [shared])
            let second = try ImageFixture("second", layers: [shared])
            try await scene.push(first, to: scene.app)
            let inner = try ManifestFixture.index([first.manifest.descriptor])
            try await scene.publish(inner, in: scene.app)
            let outer = try ManifestFixture.index([inner.descriptor])
            try await scene.publish(outer, in: scene.app, tags: [.latest, .stable])
            try await scene.push(second, to: scene.other)
            func uses(of digest: Digest, limit: Int = 10) async throws -> [String] {
                try await scene.catalog.uses(of: digest, limit: limit).map(\.description)
            }
            let unnamed = "other@\(second.manifest.digest)"
            #expect(try await uses(of: shared.digest) == ["team/app:latest", "team/app:stable", unnamed])
            #expect(try await uses(of: shared.digest, limit: 2) == ["team/app:latest", "team/app:stable"])
            #expect(
                try await uses(of: first.configuration.digest) == ["team/app:latest", "team/app:stable"]
            )
            #expect(try await uses(of: inner.digest) == ["team/app:latest", "team/app:stable"])
            #expect(try await uses(of: second.manifest.digest) == [unnamed])
            #expect(try await uses(of: BlobFixture("stranger").digest) == [])
            try await scene.push(BlobFixture("loose"), to: scene.app)
            #expect(try await uses(of: BlobFixture("loose").digest) == [])
        }
    }

    @Test("Content without a record gets one where images refer to it", arguments: Implementation.all)
    func adopts(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let blob = image.layers[0]
            let record = try await scene.push(blob, to: scene.app)
            try await scene.push(image.configuration, to: scene.app)
            try await scene.publish(image.manifest, in: scene.app, isSparse: true)
            try await scene.push(image, to: scene.other)
            #expect(try await scene.catalog.isReferenced(blob.digest))
            // It has a record.
            #expect(try await !scene.catalog.adoptBlob(blob.digest, size: blob.size, now: scene.clock.now))
            #expect(try await !scene.catalog.removeUnknown(blob.digest) { scene.content.remove($0) })
            _ = record
            let stranger = BlobFixture("stranger")
            #expect(try await !scene.catalog.isReferenced(stranger.digest))
            #expect(
                try await !scene.catalog.adoptBlob(
                    stranger.digest,
                    size: stranger.size,
                    now: scene.clock.now
                )
            )
            #expect(try await scene.catalog.removeUnknown(stranger.digest) { scene.content.remove($0) })

            // A manifest that came without its layer, as to a mirror, and the layer's bytes from elsewhere.
            let mirrored = try ImageFixture("mirrored")
            let layer = mirrored.layers[0]
            try await scene.publish(mirrored.manifest, in: scene.app, isSparse: true)
            try await scene.publish(mirrored.manifest, in: scene.other, isSparse: true)
            #expect(try await !scene.catalog.removeUnknown(layer.digest) { scene.content.remove($0) })
            #expect(try await scene.catalog.adoptBlob(layer.digest, size: layer.size, now: scene.clock.now))
            for repository in [scene.app, scene.other] {
                let adopted = try #require(try await scene.catalog.blob(layer.digest, in: repository))
                #expect(adopted.size == layer.size)
            }
            // It was synced before.
            let unsynced = try await scene.catalog.unsyncedBlobs().map(\.digest)
            #expect(!unsynced.contains(layer.digest))
        }
    }

    @Test("Nothing contradicts anything in a catalog that was only used", arguments: Implementation.all)
    func nothingToReconcile(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            try await scene.push(image, to: scene.app, tags: [.latest])
            let empty = BlobFixture("{}")
            try await scene.push(empty, to: scene.app)
            let note = try ManifestFixture.artifact(
                .octetStream,
                about: image.manifest.descriptor,
                configuration: empty
            )
            try await scene.publish(note, in: scene.app)
            try await scene.push(BlobFixture("loose"), to: scene.other)
            _ = try await scene.catalog.deleteTag(.latest, in: scene.app, now: scene.clock.now)
            for isRehearsal in [true, false] {
                #expect(
                    try await scene.catalog.reconcileRecords(
                        isRehearsal: isRehearsal,
                        keptUntil: scene.keptUntil,
                        now: scene.clock.now
                    ) == []
                )
            }
            try await scene.catalog.withSnapshot(now: scene.clock.now) { snapshot in
                try snapshot.forEachManifest(of: .everything) { manifest in
                    let problems = try snapshot.problems(of: manifest, isSparse: false)
                    #expect(problems == [])
                }
            }
            for manifest in [image.manifest, note] {
                #expect(try await scene.catalog.rebuildRecords(of: manifest.digest, in: scene.app))
            }
            let referrers = try await scene.catalog.referrerPage(
                of: image.manifest.digest,
                in: scene.app,
                artifactType: nil,
                after: nil,
                limit: 10,
                maximumSize: 1 << 20
            )
            #expect(referrers.elements.count == 1)
            #expect(try await !scene.catalog.rebuildRecords(of: empty.digest, in: scene.app))
            #expect(try await !scene.catalog.isRestored())
        }
    }

    @Test("Remembers how far the content was read again", arguments: Implementation.all)
    func progress(_ implementation: Implementation) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let content = PlacedContent()
        var saved: ScrubProgress?
        try await implementation.withScene(in: folder, content: content) { scene in
            #expect(try await scene.catalog.scrubProgress() == nil)
            let record = try await scene.push(BlobFixture("blob"), to: scene.app)
            for (last, isDone) in [(nil, false), (nil, true), (record.id, false)] {
                let progress = ScrubProgress(begun: scene.clock.now, last: last, isDone: isDone)
                try await scene.catalog.saveScrubProgress(progress)
                #expect(try await scene.catalog.scrubProgress() == progress)
                saved = progress
            }
        }
        try await implementation.withScene(in: folder, content: content) { scene in
            let found = try await scene.catalog.scrubProgress()
            #expect(found == saved)
        }
    }
}
