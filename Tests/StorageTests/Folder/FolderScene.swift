import Foundation
import GRDB
import Logging
import NIOCore
import OCI
import TestSupport
import Testing

@testable import Storage

/// A storage folder that is open, and what a registry does with it.
struct FolderScene: Sendable {
    let folder: StorageFolder
    let files: FaultyFileOperations
    let clock: ManualClock
    let app: RepositoryName
    let other: RepositoryName

    /// How long a blob is kept that nothing refers to.
    static let grace = Duration.seconds(3600)

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Opens a folder as a new process would.
    static func open(
        _ path: String,
        files: FaultyFileOperations = FaultyFileOperations(),
        clock: ManualClock = ManualClock()
    ) async throws -> FolderScene {
        let folder = try await StorageFolder(.acquire(path), files: files, logger: logger)
        return FolderScene(
            folder: folder,
            files: files,
            clock: clock,
            app: try RepositoryName("team/app"),
            other: try RepositoryName("other")
        )
    }

    /// Opens a folder, runs a body and ends as it says; where the body fails, as the process's death would.
    static func with(
        _ path: String,
        files: FaultyFileOperations = FaultyFileOperations(),
        clock: ManualClock = ManualClock(),
        ending: Ending = .close,
        _ body: (FolderScene) async throws -> Void
    ) async throws {
        let scene = try await open(path, files: files, clock: clock)
        do {
            try await body(scene)
        } catch {
            try? await scene.folder.abandon()
            throw error
        }
        switch ending {
        case .close: try await scene.folder.close()
        case .crash: try await scene.folder.abandon()
        }
    }

    /// How a process lets go of a folder.
    enum Ending: CaseIterable { case close, crash }

    var blobs: any BlobStore { folder.blobs }
    var catalog: any Catalog { folder.catalog }
    var keptUntil: Timestamp { clock.now + Self.grace }

    /// The path of a blob's file.
    func path(of blob: BlobFixture) -> String { path(of: blob.digest) }

    func path(of digest: OCI.Digest) -> String {
        "\(folder.ownership.folder)/blobs/\(digest.algorithm)/\(digest.encoded)"
    }
}

// MARK: What a registry does

extension FolderScene {
    @discardableResult
    func push(_ blob: BlobFixture, to repository: RepositoryName) async throws -> BlobRecord {
        let upload = try await blobs.beginUpload(nil)
        do {
            _ = try await blobs.append([ByteBuffer(bytes: blob.bytes)], to: upload, at: 0)
            return try await publish(blobs.finishUpload(upload, expecting: blob.digest), to: repository)
        } catch {
            try? await blobs.cancelUpload(upload)
            throw error
        }
    }

    func publish(_ verified: VerifiedUpload, to repository: RepositoryName) async throws -> BlobRecord {
        let publication = BlobPublication(
            digest: verified.digest,
            size: verified.size,
            repository: repository,
            placement: blobs.placement(of: verified),
            keptUntil: keptUntil,
            now: clock.now
        )
        do {
            let record = try await catalog.publishBlob(publication)
            await blobs.discard(verified)
            return record
        } catch {
            await blobs.discard(verified)
            throw error
        }
    }

    /// Publishes a manifest, after syncing what it needs; what cannot be synced is forgotten.
    @discardableResult
    func publish(
        _ manifest: ManifestFixture,
        in repository: RepositoryName,
        tags: [Tag] = []
    ) async throws -> Bool {
        try await publish(manifest.publication(in: repository, tags: tags, now: clock.now))
    }

    @discardableResult
    func publish(_ manifest: ManifestPublication) async throws -> Bool {
        var publication = manifest
        while true {
            switch try await catalog.publishManifest(publication) {
            case .published(let isChange): return isChange
            case .unsynced(let records):
                do {
                    try await blobs.sync(records.map(\.digest))
                } catch StorageError.tooManyOpenFiles {
                    throw StorageError.tooManyOpenFiles
                } catch StorageError.failed(_, _, code: ENOENT) {
                    // Somebody else's flush of it failed, or it was collected: that is found out in the next round.
                    continue
                } catch {
                    for record in records {
                        try await catalog.dropUnsynced(
                            record.id,
                            removing: { [blobs] in try blobs.remove($0) }
                        )
                    }
                    throw error
                }
                publication.synced.formUnion(records.map(\.id))
            }
        }
    }

    func push(_ image: ImageFixture, to repository: RepositoryName, tags: [Tag] = []) async throws {
        for blob in image.blobs { try await push(blob, to: repository) }
        try await publish(image.manifest, in: repository, tags: tags)
    }

    func mount(_ blob: BlobFixture, to repository: RepositoryName) async throws -> Bool {
        try await catalog.mountBlob(
            blob.digest,
            from: nil,
            to: repository,
            keptUntil: keptUntil,
            now: clock.now
        ) != nil
    }

    func delete(_ manifest: ManifestFixture, in repository: RepositoryName) async throws -> Bool {
        try await catalog.deleteManifest(
            manifest.digest,
            in: repository,
            keptUntil: keptUntil,
            now: clock.now
        )
    }

    func collect() async throws {
        while try await catalog.markGarbage(now: clock.now, limit: 10) == 10 {}
        try await sweep()
    }

    func sweep() async throws {
        while try await catalog.sweepGarbage(limit: 10, removing: { [blobs] in try blobs.remove($0) }).count
            == 10
        {}
    }

    /// A blob as a client gets it; nil where it is not visible.
    func pull(_ blob: BlobFixture, from repository: RepositoryName) async throws -> [UInt8]? {
        guard let record = try await catalog.blob(blob.digest, in: repository) else { return nil }
        guard let open = try await blobs.open(blob.digest, size: record.size) else {
            throw StorageError.corrupt(blob.digest)
        }
        return try await Array(open.read(0..<open.size).readableBytesView)
    }

    func manifest(_ reference: Reference, in repository: RepositoryName) async throws -> ManifestRecord? {
        try await catalog.manifest(reference, in: repository, now: clock.now)
    }
}

// MARK: What is always true

extension FolderScene {
    /// Looks at every row and every file.
    ///
    /// `isSettled`: nothing is under way and no error has left anything for the next start to clear away.
    /// `absent`: layers that a repository may lack.
    func expectWhole(
        isSettled: Bool = true,
        absent: [OCI.Digest] = [],
        _ comment: Comment? = nil
    ) async throws {
        let database = try #require(catalog as? SQLiteCatalog)
        try await CatalogInvariants.expectNone(in: database, absent: absent, comment)
        let rows = try await database.read {
            try Row.fetchAll($0, sql: "SELECT digest, size, state FROM blob").map { row in
                (digest: try row.digest("digest"), size: row["size"] as Int64, state: row["state"] as Int)
            }
        }
        for row in rows where row.state == 0 {
            let isWhole = try await blobs.verify(row.digest, size: row.size)
            #expect(isWhole, "\(row.digest) \(comment?.rawValue ?? "")")
        }
        guard isSettled else { return }
        let placed = Shared<Set<OCI.Digest>>([])
        try await blobs.forEachPlaced { digests in placed.update { $0.formUnion(digests) } }
        #expect(placed.value == Set(rows.map(\.digest)), comment)
        let uploads = try FileManager.default.contentsOfDirectory(
            atPath: "\(folder.ownership.folder)/uploads"
        )
        #expect(
            uploads.count(where: { !$0.hasSuffix(".json") })
                == uploads.count(where: { $0.hasSuffix(".json") })
        )
    }
}
