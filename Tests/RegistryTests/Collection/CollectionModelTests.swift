import Foundation
import NIOCore
import OCI
import Storage
import TestSupport
import Testing

@testable import Registry

/// Clients that push, mount, tag and delete without end beside a collection without end, in random order.
///
/// A moment passes with each step, and a push is over long before the grace period is.
@Suite("Collection beside clients, at random")
struct CollectionModelTests {
    static let grace = Duration.seconds(400)
    static let untagged = Duration.seconds(100)

    /// How many steps a run takes; more where the environment says so.
    static var steps: Int {
        ProcessInfo.processInfo.environment["BERTH_TEST_COLLECTION_STEPS"].flatMap(Int.init) ?? 1500
    }

    @Test("No image that was acknowledged ever misses anything", arguments: [1, nil] as [UInt64?])
    func random(_ fixedSeed: UInt64?) async throws {
        let seed = fixedSeed ?? UInt64.random(in: 0...UInt64.max)
        let policy = RegistryPolicy(grace: Self.grace, untaggedPeriod: Self.untagged)
        let folder = try TemporaryFolder.inMemory()
        defer { folder.remove() }
        try await withRegistry(in: folder, policy: policy) { test in
            let turnstile = Turnstile()
            let registry = Registry(
                blobs: SteppedBlobStore(blobs: test.storage.blobs, turnstile: turnstile),
                catalog: SteppedCatalog(catalog: test.storage.catalog, turnstile: turnstile),
                packager: test.registry.packager,
                policy: policy,
                clock: test.clock.wallClock,
                logger: .silent
            )
            let isOver = Shared(false)
            let clients = try (0..<4).map { number in
                try RandomClient(number, seed: seed, registry: registry, test: test)
            }
            let players =
                clients.map { client -> @Sendable () async throws -> Void in
                    { while !isOver.value { try await client.act() } }
                } + [
                    {
                        while !isOver.value {
                            // Whatever nobody has to wait for takes no turn.
                            await turnstile.pass()
                            try await Self.collect(registry, test)
                        }
                    }
                ]
            var generator = SplitMix(seed: seed)
            var lastTurns = Array(repeating: 0, count: players.count)
            var step = 0
            try await turnstile.run(players) { waiting in
                step += 1
                if step == Self.steps { isOver.update { $0 = true } }
                test.clock.advance(by: .seconds(1))
                // Nobody waits so long that a push outlasts the grace period.
                let starved = waiting.first { step - lastTurns[$0] > 30 }
                let next = starved ?? waiting[Int.random(in: 0..<waiting.count, using: &generator)]
                lastTurns[next] = step
                return next
            }
            let counts = clients.map(\.counts.value).reduce(into: RandomClient.Counts()) { $0.add($1) }
            #expect(counts.pushes > Self.steps / 100, "seed \(seed): \(counts)")
            #expect(counts.losses == [], "seed \(seed)")
            // In the end everything can go.
            for client in clients { try await client.deleteEverything() }
            test.clock.advance(by: .seconds(1000))
            _ = try await test.registry.collect()
            test.clock.advance(by: .seconds(1000))
            _ = try await test.registry.collect()
            #expect(try test.contents(of: "blobs/sha256") == [], "seed \(seed)")
            print("seed \(seed): \(step) steps, \(counts.pushes) pushes, \(counts.checks) checks")
        }
    }

    /// A collection's steps, without its pauses: others take their turns between them anyway.
    private static func collect(_ registry: Registry, _ test: TestRegistry) async throws {
        let removal = UntaggedRemoval(
            shortestPeriod: untagged,
            keptUntil: registry.keptUntil,
            now: test.clock.now,
            period: { _ in untagged }
        )
        _ = try await registry.catalog.removeUntagged(removal, after: nil, limit: 100)
        _ = try await registry.catalog.markGarbage(now: test.clock.now, limit: 100)
        _ = try await registry.catalog.sweepGarbage(limit: 100) { [blobs = test.storage.blobs] in
            try blobs.remove($0)
        }
    }
}

/// A client that owns some tags, and shares all layers with others.
struct RandomClient: Sendable {
    struct Counts: Sendable {
        var pushes = 0
        var checks = 0
        /// What was acknowledged and is not there.
        var losses: [String] = []

        mutating func add(_ other: Counts) {
            pushes += other.pushes
            checks += other.checks
            losses += other.losses
        }
    }

    private struct Place: Hashable {
        let repository: RepositoryName
        let tag: OCI.Tag
    }

    private struct State {
        var generator: SplitMix
        /// What each tag points to.
        var tags: [Place: ImageFixture] = [:]
    }

    let number: Int
    let registry: Registry
    let test: TestRegistry
    let counts = Shared(Counts())
    private let repositories: [RepositoryName]
    private let layers: [BlobFixture]
    private let state: Shared<State>

    init(_ number: Int, seed: UInt64, registry: Registry, test: TestRegistry) throws {
        self.number = number
        self.registry = registry
        self.test = test
        repositories = [try RepositoryName("app"), try RepositoryName("team/other")]
        layers = (0..<5).map { BlobFixture("layer \($0)") }
        state = Shared(State(generator: SplitMix(seed: seed &+ UInt64(number) &* 7919)))
    }

    private func pick<Element: Sendable>(_ elements: [Element]) -> Element {
        state.update { elements[Int.random(in: 0..<elements.count, using: &$0.generator)] }
    }

    /// Does something, and then looks at what it has.
    func act() async throws {
        let repository = pick(repositories)
        let place = Place(repository: repository, tag: try OCI.Tag("c\(number)-\(pick([0, 1]))"))
        switch pick(Array(0..<10)) {
        case 0..<6: try await push(image(), to: place)
        case 6..<8: try await deleteTag(place)
        case 8: try await deleteImage(place)
        default: try await deleteLayer(in: repository)
        }
        try await checkAll()
    }

    /// One of the client's own images, of layers that everybody has.
    private func image() throws -> ImageFixture {
        let first = pick(layers)
        return try ImageFixture("app-\(number)-\(pick([0, 1, 2]))", layers: [first, pick(layers)])
    }

    private func push(_ image: ImageFixture, to place: Place) async throws {
        for _ in 0..<3 {
            for blob in Set(image.blobs) { try await ensure(blob, in: place.repository) }
            do {
                _ = try await registry.pushManifest(
                    image.manifest.bytes,
                    contentType: nil,
                    as: .tag(place.tag),
                    in: place.repository
                )
                state.update { $0.tags[place] = image }
                counts.update { $0.pushes += 1 }
                return
            } catch StorageError.missingReferences {
                // Somebody has deleted a layer by hand. It is pushed again.
            }
        }
    }

    private func ensure(_ blob: BlobFixture, in repository: RepositoryName) async throws {
        do {
            _ = try await registry.statBlob(blob.digest, in: repository)
            return
        } catch RegistryError.blobUnknown {}
        if pick([true, false]), try await registry.mountBlob(blob.digest, from: nil, to: repository) {
            return
        }
        let content = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
            continuation.yield(ByteBuffer(bytes: blob.bytes))
            continuation.finish()
        }
        let part = Registry.UploadPart(content: content, range: nil, cut: {})
        try await registry.pushBlob(part, as: blob.digest, in: repository)
    }

    private func deleteTag(_ place: Place) async throws {
        state.update { $0.tags[place] = nil }
        do { try await registry.deleteManifest(.tag(place.tag), in: place.repository) } catch RegistryError
            .manifestUnknown
        {}
    }

    private func deleteImage(_ place: Place) async throws {
        guard let image = state.value.tags[place] else { return }
        // All tags of the image go with it.
        state.update { state in
            state.tags = state.tags.filter { $0.key.repository != place.repository || $0.value != image }
        }
        do {
            try await registry.deleteManifest(.digest(image.manifest.digest), in: place.repository)
        } catch RegistryError.manifestUnknown {}
    }

    private func deleteLayer(in repository: RepositoryName) async throws {
        do { try await registry.deleteBlob(pick(layers).digest, in: repository) } catch RegistryError
            .blobUnknown
        {
        } catch StorageError.blobInUse {}
    }

    /// Looks at everything that was acknowledged to this client, past all turns: nothing happens meanwhile.
    private func checkAll() async throws {
        for (place, image) in state.value.tags {
            let name = "\(place.repository):\(place.tag)"
            do {
                let record = try await test.registry.manifest(.tag(place.tag), in: place.repository)
                if record.bytes != image.manifest.bytes {
                    counts.update { $0.losses.append("\(name) moved") }
                }
                for blob in image.blobs {
                    let open = try await test.registry.blob(blob.digest, in: place.repository)
                    let bytes = try await open.read(0..<blob.size)
                    if bytes != ByteBuffer(bytes: blob.bytes) {
                        counts.update { $0.losses.append("\(name): \(blob.digest)") }
                    }
                }
                counts.update { $0.checks += 1 }
            } catch {
                counts.update { $0.losses.append("\(name): \(error)") }
            }
        }
    }

    /// Removes all that is left.
    func deleteEverything() async throws {
        for place in state.value.tags.keys { try await deleteTag(place) }
    }
}
