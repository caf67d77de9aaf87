import OCI
import Storage
import Synchronization
import TestSupport
import Testing

/// An implementation of `Catalog` that runs the suites `Catalog…Conformance`.
///
/// Another one becomes another element of `all`.
struct CatalogImplementation: Sendable, CustomTestStringConvertible {
    /// A catalog that is open, and what closes it in good order.
    struct Opened: Sendable {
        let catalog: any Catalog
        let close: @Sendable () async throws -> Void
    }

    let testDescription: String
    /// Opens the catalog that a folder holds.
    let open: @Sendable (TemporaryFolder) async throws -> Opened

    static let all = [sqlite]

    static let sqlite = CatalogImplementation(testDescription: "SQLite") { folder in
        let catalog = try await SQLiteCatalog(path: folder.file("berth.db"))
        return Opened(catalog: catalog, close: { try await catalog.close() })
    }

    /// Runs a test with an empty catalog.
    func withScene(_ body: (CatalogScene) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await withScene(in: folder, content: PlacedContent(), body)
    }

    /// Runs a test with the catalog that a folder holds.
    func withScene(
        in folder: TemporaryFolder,
        content: PlacedContent,
        _ body: (CatalogScene) async throws -> Void
    ) async throws {
        let opened = try await open(folder)
        do {
            try await body(CatalogScene(opened.catalog, content: content))
            try await opened.close()
        } catch {
            try? await opened.close()
            throw error
        }
    }
}

/// A catalog with a clock, two repositories' names, and a blob store that is no more than a list.
struct CatalogScene: Sendable {
    let catalog: any Catalog
    let content: PlacedContent
    let clock = ManualClock()
    let app: RepositoryName
    let other: RepositoryName

    /// How long a blob is kept that nothing refers to.
    static let grace = Duration.seconds(3600)

    init(_ catalog: any Catalog, content: PlacedContent) throws {
        self.catalog = catalog
        self.content = content
        app = try RepositoryName("team/app")
        other = try RepositoryName("other")
    }

    var keptUntil: Timestamp { clock.now + Self.grace }

    @discardableResult
    func push(_ blob: BlobFixture, to repository: RepositoryName) async throws -> BlobRecord {
        try await catalog.publishBlob(
            BlobPublication(
                digest: blob.digest,
                size: blob.size,
                repository: repository,
                placement: content.placement(of: blob.digest),
                keptUntil: keptUntil,
                now: clock.now
            )
        )
    }

    /// Publishes a manifest whose blobs are there, syncing those that have to be; says whether anything changed.
    @discardableResult
    func publish(
        _ manifest: ManifestFixture,
        in repository: RepositoryName,
        tags: [Tag] = [],
        immutableTags: Set<Tag> = [],
        expiry: [Tag: Timestamp] = [:],
        locksTags: Bool = false,
        isSparse: Bool = false
    ) async throws -> Bool {
        var publication = manifest.publication(
            in: repository,
            tags: tags,
            immutableTags: immutableTags,
            isSparse: isSparse,
            now: clock.now
        )
        publication.expiry = expiry
        publication.locksTags = locksTags
        while true {
            switch try await catalog.publishManifest(publication) {
            case .published(let isChange): return isChange
            case .unsynced(let blobs):
                #expect(!blobs.isEmpty)
                #expect(publication.synced.isDisjoint(with: blobs.map(\.id)))
                publication.synced.formUnion(blobs.map(\.id))
            }
        }
    }

    /// Pushes an image as a client does.
    func push(_ image: ImageFixture, to repository: RepositoryName, tags: [Tag] = []) async throws {
        for blob in image.blobs { try await push(blob, to: repository) }
        try await publish(image.manifest, in: repository, tags: tags)
    }

    func mount(
        _ blob: BlobFixture,
        from source: RepositoryName?,
        to repository: RepositoryName
    ) async throws -> BlobRecord? {
        try await catalog.mountBlob(
            blob.digest,
            from: source,
            to: repository,
            keptUntil: keptUntil,
            now: clock.now
        )
    }

    func keep(_ blob: BlobFixture, in repository: RepositoryName) async throws -> BlobRecord? {
        try await catalog.keepBlob(blob.digest, in: repository, until: keptUntil)?.record
    }

    func isVisible(_ blob: BlobFixture, in repository: RepositoryName) async throws -> Bool {
        try await catalog.blob(blob.digest, in: repository) != nil
    }

    func manifest(_ reference: Reference, in repository: RepositoryName) async throws -> ManifestRecord? {
        try await catalog.manifest(reference, in: repository, now: clock.now)
    }

    func delete(_ manifest: ManifestFixture, in repository: RepositoryName) async throws -> Bool {
        try await catalog.deleteManifest(
            manifest.digest,
            in: repository,
            keptUntil: keptUntil,
            now: clock.now
        )
    }

    /// Both steps of collection, until nothing is due; returns what went.
    @discardableResult
    func collect() async throws -> Set<Digest> {
        while try await catalog.markGarbage(now: clock.now, limit: 3) == 3 {}
        return try await sweep()
    }

    @discardableResult
    func sweep() async throws -> Set<Digest> {
        var gone: Set<Digest> = []
        while true {
            let portion = try await catalog.sweepGarbage(limit: 3, removing: { content.remove($0) })
            gone.formUnion(portion.map(\.digest))
            if portion.count < 3 { return gone }
        }
    }

    func tags(of repository: RepositoryName) async throws -> [String]? {
        try await catalog.tagPage(of: repository, after: nil, limit: 1000, now: clock.now)?
            .elements.map(\.tag.rawValue)
    }

    func repositories() async throws -> [String] {
        try await catalog.repositoryPage(after: nil, limit: 1000).elements.map(\.rawValue)
    }
}

/// What has been placed, with a number for each copy.
final class PlacedContent: Sendable {
    private struct State {
        var copies: [Digest: Int] = [:]
        var lastCopy = 0
        var takenBack = 0
        var failure: (any Error)?
    }

    private let state = Mutex(State())

    func placement(of digest: Digest) -> BlobPlacement {
        BlobPlacement(
            put: {
                try self.state.withLock { state in
                    if let failure = state.failure { throw failure }
                    state.lastCopy += 1
                    state.copies[digest] = state.lastCopy
                }
            },
            isThere: { self.copy(of: digest) != nil },
            takeBack: {
                self.state.withLock { state in
                    state.copies[digest] = nil
                    state.takenBack += 1
                }
            }
        )
    }

    /// Which copy of a blob's content is in place; nil where there is none.
    func copy(of digest: Digest) -> Int? { state.withLock { $0.copies[digest] } }

    var digests: Set<Digest> { state.withLock { Set($0.copies.keys) } }

    /// How often something that was put had to be taken back.
    var takenBack: Int { state.withLock { $0.takenBack } }

    func remove(_ digest: Digest) { state.withLock { $0.copies[digest] = nil } }

    /// Makes every `put` fail from here on; nil lets them succeed again.
    func fail(with error: (any Error)?) { state.withLock { $0.failure = error } }
}

/// Swift Testing has tags of its own.
typealias Tag = OCI.Tag

extension Tag {
    static let stable = Tag.named("stable")
    static let edge = Tag.named("edge")

    /// A tag that the test's author knows to be one.
    static func named(_ name: String) -> Tag {
        do { return try Tag(name) } catch { preconditionFailure("'\(name)' is no tag") }
    }
}
