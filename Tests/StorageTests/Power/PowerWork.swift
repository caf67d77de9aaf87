import GRDB
import NIOCore
import OCI
import TestSupport

@testable import Storage

/// What several clients and a collection do to a folder at the same time, each of them noting what it was told.
struct PowerWork: Sendable {
    /// Makes the content of another run different.
    let name: String
    let clients: Int
    /// What two clients push and point tags to, however often.
    let shared = BlobFixture(patternedBytes(9000, seed: 7))

    /// The images of one client.
    struct Images: Sendable {
        let kept: ImageFixture
        let gone: ImageFixture
        let signature: ManifestFixture
        let signatureConfiguration: BlobFixture
        let index: ManifestFixture

        var manifests: [ManifestFixture] { [kept.manifest, gone.manifest, signature, index] }
    }

    func images(_ client: Int) throws -> Images {
        let own = BlobFixture(patternedBytes(10_000 + client, seed: UInt64(client + name.utf8.count * 100)))
        let kept = try ImageFixture("kept \(name) \(client)", layers: [shared, own])
        let gone = try ImageFixture(
            "gone \(name) \(client)",
            layers: [shared, BlobFixture("\(name) \(client)", algorithm: .sha512)]
        )
        let configuration = BlobFixture("{}")
        return Images(
            kept: kept,
            gone: gone,
            signature: try .artifact(
                MediaType("application/vnd.example.signature"),
                about: gone.manifest.descriptor,
                configuration: configuration,
                annotations: ["of": name]
            ),
            signatureConfiguration: configuration,
            index: try .index([kept.manifest.descriptor], annotations: ["name": "\(name) \(client)"])
        )
    }

    /// Everything that may be found afterwards, but for what the oracle pushes itself.
    func manifests() throws -> [ManifestFixture] { try (0..<clients).flatMap { try images($0).manifests } }

    /// Does it all, and returns what went wrong; a client whose request fails asks for nothing else.
    func run(_ scene: FolderScene, _ log: DiskLog) async throws -> [any Error] {
        let sessions = try (0..<clients).map { Session(try images($0), $0, scene, log) }
        return await withTaskGroup { group in
            for session in sessions { group.addTask { await Self.error(of: session.run) } }
            group.addTask {
                await Self.error {
                    for _ in 0..<4 {
                        for _ in 0..<40 { await Task.yield() }
                        scene.clock.advance(by: FolderScene.grace / 2)
                        try await scene.collect()
                    }
                }
            }
            return await group.reduce(into: []) { errors, error in if let error { errors.append(error) } }
        }
    }

    private static func error(of body: () async throws -> Void) async -> (any Error)? {
        do {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    /// One client at work.
    private struct Session: Sendable {
        let images: Images
        let client: Int
        let scene: FolderScene
        let log: DiskLog

        init(_ images: Images, _ client: Int, _ scene: FolderScene, _ log: DiskLog) {
            self.images = images
            self.client = client
            self.scene = scene
            self.log = log
        }

        var ownTag: OCI.Tag { .named("client-\(client)") }

        func run() async throws {
            let (app, other) = (scene.app, scene.other)
            try await pushInParts(images.kept.layers[1])
            try await put(images.kept.manifest, images.kept.blobs, in: app, tags: [.latest, ownTag])
            try await put(
                images.gone.manifest,
                images.gone.blobs + [images.signatureConfiguration],
                in: app,
                tags: [.named("gone-\(client)")],
                attached: images.signature
            )
            // The same again changes nothing, and moves a tag that everybody moves.
            try await put(images.kept.manifest, [images.kept.layers[0]], in: app, tags: [.latest])
            try await mountAndPut(images.kept, in: other)
            try await put(images.index, [], in: app, tags: [ownTag])
            let effects: [ClientOperation.Effect] = [
                .init(.manifest(images.gone.manifest.digest, app), .absent),
                .init(.manifest(images.signature.digest, app), .absent),
                .init(.tag(.named("gone-\(client)"), app), .absent),
            ]
            try await log.asking(for: effects) { _ = try await scene.delete(images.gone.manifest, in: app) }
            try await deleteBlob(BlobFixture(patternedBytes(5000, seed: UInt64(client + 50))))
            try await log.asking(for: [.init(.tag(ownTag, other), .absent)]) {
                _ = try await scene.catalog.deleteTag(ownTag, in: other, now: scene.clock.now)
            }
            try await abandon()
        }

        /// Pushes blobs and a manifest, and again what was collected before the manifest came.
        func put(
            _ manifest: ManifestFixture,
            _ blobs: [BlobFixture],
            in repository: RepositoryName,
            tags: [OCI.Tag],
            attached: ManifestFixture? = nil
        ) async throws {
            var effects = [
                ClientOperation.Effect(.manifest(manifest.digest, repository), .manifest(manifest.digest))
            ]
            effects += tags.map { .init(.tag($0, repository), .manifest(manifest.digest)) }
            if let attached {
                effects.append(.init(.manifest(attached.digest, repository), .manifest(attached.digest)))
            }
            while true {
                for blob in blobs { try await push(blob, to: repository) }
                var publication = manifest.publication(in: repository, tags: tags, now: scene.clock.now)
                publication.attached =
                    attached.map { [$0.publication(in: repository, now: scene.clock.now)] } ?? []
                do {
                    try await log.asking(for: effects) { [publication] in try await scene.publish(publication)
                    }
                    return
                } catch StorageError.missingReferences {
                    // Collected meanwhile: nobody had been told to keep it.
                }
            }
        }

        func push(_ blob: BlobFixture, to repository: RepositoryName) async throws {
            try await log.asking(for: [.init(.blob(blob.digest, repository), .perhaps)]) {
                try await scene.push(blob, to: repository)
            }
        }

        func mountAndPut(_ image: ImageFixture, in repository: RepositoryName) async throws {
            for blob in image.blobs {
                try await log.asking(for: [.init(.blob(blob.digest, repository), .perhaps)]) {
                    try await scene.mount(blob, to: repository)
                }
            }
            try await put(image.manifest, [], in: repository, tags: [ownTag], orPush: image.blobs)
        }

        /// As above, but nothing is pushed unless it has to be.
        func put(
            _ manifest: ManifestFixture,
            _ blobs: [BlobFixture],
            in repository: RepositoryName,
            tags: [OCI.Tag],
            orPush missing: [BlobFixture]
        ) async throws {
            let publication = manifest.publication(in: repository, tags: tags, now: scene.clock.now)
            let effects =
                [ClientOperation.Effect(.manifest(manifest.digest, repository), .manifest(manifest.digest))]
                + tags.map { .init(.tag($0, repository), .manifest(manifest.digest)) }
            do {
                try await log.asking(for: effects) { try await scene.publish(publication) }
            } catch StorageError.missingReferences {
                try await put(manifest, missing, in: repository, tags: tags)
            }
        }

        /// In two parts, under the digest of another algorithm than the session began with.
        func pushInParts(_ blob: BlobFixture) async throws {
            let session = try await scene.blobs.beginUpload(BlobStoreUploadConformance.header(.sha512))
            for part in [blob.bytes[..<6000], blob.bytes[6000...]] {
                let offset = try await scene.blobs.durableOffset(of: session)
                _ = try await scene.blobs.append([ByteBuffer(bytes: part)], to: session, at: offset)
            }
            let verified = try await scene.blobs.finishUpload(session, expecting: blob.digest)
            try await log.asking(for: [.init(.blob(blob.digest, scene.app), .perhaps)]) {
                try await scene.publish(verified, to: scene.app)
            }
        }

        /// Pushes a blob that nothing refers to, and deletes it.
        func deleteBlob(_ blob: BlobFixture) async throws {
            try await push(blob, to: scene.other)
            try await log.asking(for: [.init(.blob(blob.digest, scene.other), .absent)]) {
                if try await scene.catalog.deleteBlob(blob.digest, in: scene.other) {
                    try await scene.sweep()
                }
            }
        }

        /// Leaves one session for somebody to resume, and cancels another.
        func abandon() async throws {
            let header = try BlobStoreUploadConformance.header()
            _ = try await scene.blobs.upload(patternedBytes(5000), header: header)
            try await scene.blobs.cancelUpload(scene.blobs.upload([1, 2, 3], header: header))
        }
    }
}

extension FolderScene {
    /// Has the log folded into the database after so many of its frames, so that this happens in the midst of the work.
    func checkpointAfter(_ frames: Int) {
        guard let database = catalog as? SQLiteCatalog else { return }
        database.writes.checkpoint(after: frames)
    }
}
