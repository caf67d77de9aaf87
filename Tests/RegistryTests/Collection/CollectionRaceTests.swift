import NIOCore
import OCI
import Storage
import TestSupport
import Testing

@testable import Registry

/// Clients and a collection in every order in which their steps can follow each other.
///
/// A step is one transaction of the catalog, one look for a file, or one flush.
@Suite("Collection beside clients, in every order")
struct CollectionRaceTests {
    /// What one run has to itself: repositories and content that no other run knows.
    struct Ground: Sendable {
        let registry: Registry
        let test: TestRegistry
        let catalog: any Catalog
        let app: RepositoryName
        let other: RepositoryName
        /// One layer that all images share, and that only waits to be collected at first.
        let layer: BlobFixture
        let name: String

        init(_ number: Int, _ registry: Registry, _ catalog: any Catalog, _ test: TestRegistry) throws {
            self.registry = registry
            self.catalog = catalog
            self.test = test
            name = "run-\(number)"
            app = try RepositoryName("\(name)/app")
            other = try RepositoryName("\(name)/other")
            layer = BlobFixture("layer of \(name)")
        }

        func image(_ name: String) throws -> ImageFixture {
            try ImageFixture("\(self.name).\(name)", layers: [layer])
        }

        func push(_ blob: BlobFixture, to repository: RepositoryName) async throws {
            let content = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
                continuation.yield(ByteBuffer(bytes: blob.bytes))
                continuation.finish()
            }
            let part = Registry.UploadPart(content: content, range: nil, cut: {})
            try await registry.pushBlob(part, as: blob.digest, in: repository)
        }

        /// Pushes what is not there, as every client does.
        func ensure(_ blob: BlobFixture, in repository: RepositoryName) async throws {
            do { _ = try await registry.statBlob(blob.digest, in: repository) } catch RegistryError
                .blobUnknown
            {
                try await push(blob, to: repository)
            }
        }

        func publish(
            _ manifest: ManifestFixture,
            as tag: OCI.Tag = .latest,
            in repository: RepositoryName
        ) async throws {
            _ = try await registry.pushManifest(
                manifest.bytes,
                contentType: nil,
                as: .tag(tag),
                in: repository
            )
        }

        /// Both steps of the collection of blobs, without the pauses between.
        func collectBlobs() async throws {
            _ = try await catalog.markGarbage(now: test.clock.now, limit: 100)
            _ = try await catalog.sweepGarbage(limit: 100) { [blobs = test.storage.blobs] in
                try blobs.remove($0)
            }
        }

        /// The step of the collection of manifests.
        func collectManifests() async throws {
            let removal = UntaggedRemoval(
                shortestPeriod: CollectionRaceTests.period,
                keptUntil: test.clock.now + CollectionRaceTests.grace,
                now: test.clock.now,
                period: { _ in CollectionRaceTests.period }
            )
            _ = try await catalog.removeUntagged(removal, after: nil, limit: 100)
            _ = try await catalog.markGarbage(now: test.clock.now, limit: 100)
            _ = try await catalog.sweepGarbage(limit: 100) { [blobs = test.storage.blobs] in
                try blobs.remove($0)
            }
        }

        /// An image that was acknowledged is there, and all that it reaches.
        func expectWhole(
            _ image: ImageFixture,
            in repository: RepositoryName,
            _ comment: Comment
        ) async throws {
            let record = try await test.registry.manifest(.digest(image.manifest.digest), in: repository)
            #expect(record.bytes == image.manifest.bytes, comment)
            for blob in image.blobs {
                let open = try await test.registry.blob(blob.digest, in: repository)
                #expect(try await open.read(0..<blob.size) == ByteBuffer(bytes: blob.bytes), comment)
            }
        }
    }

    static let grace = Duration.seconds(100)
    static let period = Duration.seconds(50)

    /// Runs the players in all orders, each time on ground of their own.
    ///
    /// `prepare` does what was done a long time ago.
    static func everyOrder(
        prepare: @escaping @Sendable (Ground) async throws -> Void,
        players: @escaping @Sendable (Ground) throws -> [@Sendable () async throws -> Void],
        check: @escaping @Sendable (Ground, Comment) async throws -> Void
    ) async throws -> Int {
        let folder = try TemporaryFolder.inMemory()
        defer { folder.remove() }
        return try await withRegistry(in: folder, policy: RegistryPolicy(grace: grace)) { test in
            let turnstile = Turnstile()
            let catalog = SteppedCatalog(catalog: test.storage.catalog, turnstile: turnstile)
            let registry = Registry(
                blobs: SteppedBlobStore(blobs: test.storage.blobs, turnstile: turnstile),
                catalog: catalog,
                packager: test.registry.packager,
                policy: test.registry.policy,
                clock: test.clock.wallClock,
                logger: .silent
            )
            var schedules = Schedules()
            let now = test.clock.now
            while schedules.next() {
                let ground = try Ground(schedules.count, registry, catalog, test)
                test.clock.move(to: now - grace - grace)
                try await prepare(ground)
                test.clock.move(to: now)
                var run = schedules
                do {
                    try await turnstile.run(players(ground)) { run.choose($0) }
                    try await check(ground, "order \(run.description)")
                } catch {
                    Issue.record(error, "order \(run.description)")
                }
                schedules = run
                // What this run left over is not the next one's.
                try await test.collectGarbage()
            }
            return schedules.count
        }
    }

    @Test("A push of content that is about to go")
    func push() async throws {
        let count = try await Self.everyOrder { ground in
            try await ground.push(ground.layer, to: ground.app)
        } players: { ground in
            let image = try ground.image("image")
            return [
                {
                    for blob in image.blobs { try await ground.ensure(blob, in: ground.app) }
                    try await ground.publish(image.manifest, in: ground.app)
                },
                {
                    try await ground.collectBlobs()
                    try await ground.collectBlobs()
                },
            ]
        } check: { ground, comment in
            try await ground.expectWhole(ground.image("image"), in: ground.app, comment)
        }
        #expect(count > 100)
        print("\(count) orders")
    }

    @Test("A mount of content that is about to go")
    func mount() async throws {
        let count = try await Self.everyOrder { ground in
            try await ground.push(ground.layer, to: ground.app)
        } players: { ground in
            let image = try ground.image("image")
            return [
                {
                    let layer = image.layers[0]
                    if try await !ground.registry.mountBlob(layer.digest, from: ground.app, to: ground.other)
                    {
                        try await ground.push(layer, to: ground.other)
                    }
                    try await ground.ensure(image.configuration, in: ground.other)
                    try await ground.publish(image.manifest, in: ground.other)
                },
                {
                    try await ground.collectBlobs()
                    try await ground.collectBlobs()
                },
            ]
        } check: { ground, comment in
            try await ground.expectWhole(ground.image("image"), in: ground.other, comment)
        }
        #expect(count > 100)
        print("\(count) orders")
    }

    @Test("A push beside the deletion of the image that has its layer, and of the layer")
    func deletion() async throws {
        let count = try await Self.everyOrder { ground in
            let old = try ground.image("old")
            for blob in old.blobs { try await ground.push(blob, to: ground.app) }
            try await ground.publish(old.manifest, in: ground.app)
            // The other's configuration is kept by an image that stays.
            let image = try ground.image("image")
            try await ground.push(image.configuration, to: ground.app)
            let holder = try ManifestFixture.index([image.configuration.descriptor(.ociConfiguration)])
            try await ground.publish(holder, as: OCI.Tag("holder"), in: ground.app)
        } players: { ground in
            let (old, image) = try (ground.image("old"), ground.image("image"))
            return [
                {
                    for blob in image.blobs { try await ground.ensure(blob, in: ground.app) }
                    do {
                        try await ground.publish(image.manifest, as: OCI.Tag("stable"), in: ground.app)
                    } catch StorageError.missingReferences {
                        // Somebody has deleted what it was told of: it was told so, and pushes again.
                        for blob in image.blobs { try await ground.push(blob, to: ground.app) }
                        try await ground.publish(image.manifest, as: OCI.Tag("stable"), in: ground.app)
                    }
                },
                {
                    try await ground.registry.deleteManifest(.digest(old.manifest.digest), in: ground.app)
                    do {
                        try await ground.registry.deleteBlob(ground.layer.digest, in: ground.app)
                    } catch StorageError.blobInUse {}
                },
            ]
        } check: { ground, comment in
            try await ground.expectWhole(ground.image("image"), in: ground.app, comment)
            let old = try ground.image("old").manifest.digest
            await #expect(throws: RegistryError.manifestUnknown(.digest(old)), comment) {
                try await ground.test.registry.manifest(.digest(old), in: ground.app)
            }
        }
        #expect(count > 100)
        print("\(count) orders")
    }

    @Test("An index of an image that has lost its tag, and that its pusher was told of")
    func untagged() async throws {
        let count = try await Self.everyOrder { ground in
            let image = try ground.image("image")
            for blob in image.blobs { try await ground.push(blob, to: ground.app) }
            try await ground.publish(image.manifest, in: ground.app)
            try await ground.registry.deleteManifest(.tag(.latest), in: ground.app)
        } players: { ground in
            let image = try ground.image("image")
            let index = try ManifestFixture.index([image.manifest.descriptor])
            return [
                {
                    let reference = Reference.digest(image.manifest.digest)
                    do {
                        _ = try await ground.registry.pullManifest(reference, in: ground.app)
                    } catch RegistryError.manifestUnknown {
                        for blob in image.blobs { try await ground.ensure(blob, in: ground.app) }
                        _ = try await ground.registry.pushManifest(
                            image.manifest.bytes,
                            contentType: nil,
                            as: reference,
                            in: ground.app
                        )
                    }
                    try await ground.publish(index, in: ground.app)
                },
                {
                    try await ground.collectManifests()
                    try await ground.collectBlobs()
                },
            ]
        } check: { ground, comment in
            try await ground.expectWhole(ground.image("image"), in: ground.app, comment)
        }
        #expect(count > 50)
        print("\(count) orders")
    }
}
