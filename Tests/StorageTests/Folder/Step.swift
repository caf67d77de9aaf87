import NIOCore
import OCI
import TestSupport

@testable import Storage

/// One thing that a client or a collection does to a folder, and that a model can do as well.
enum Step: Hashable, Sendable {
    case push(BlobFixture, to: RepositoryName)
    case mount(BlobFixture, from: RepositoryName?, to: RepositoryName)
    case keep(BlobFixture, in: RepositoryName)
    case deleteBlob(BlobFixture, in: RepositoryName)
    case publish(ManifestFixture, in: RepositoryName, tags: [Tag])
    case deleteManifest(ManifestFixture, in: RepositoryName)
    case deleteTag(Tag, in: RepositoryName)
    /// The first step of collection, and the second where it says so.
    case collect(andSweep: Bool)
    case wait(Duration)

    /// What came of it.
    enum Outcome: Hashable, Sendable {
        case done(Bool)
        case missing([OCI.Digest])
        case manifestInUse(by: Set<OCI.Digest>)
        case blobInUse
    }

    /// Whether what it changed survives a loss of power.
    var isDurable: Bool {
        switch self {
        case .push, .mount, .keep, .wait: false
        case .deleteBlob, .publish, .deleteManifest, .deleteTag, .collect: true
        }
    }
}

extension FolderScene {
    /// Does a step, and says what came of it where that is no failure.
    func run(_ step: Step) async throws -> Step.Outcome {
        do {
            return .done(try await perform(step))
        } catch StorageError.missingReferences(let digests) {
            return .missing(digests)
        } catch StorageError.manifestInUse(_, let parents) {
            return .manifestInUse(by: Set(parents))
        } catch StorageError.blobInUse {
            return .blobInUse
        }
    }

    private func perform(_ step: Step) async throws -> Bool {
        switch step {
        case .push(let blob, let repository):
            try await push(blob, to: repository)
            return true
        case .mount(let blob, let source, let repository):
            let record = try await catalog.mountBlob(
                blob.digest,
                from: source,
                to: repository,
                keptUntil: keptUntil,
                now: clock.now
            )
            return record != nil
        case .keep(let blob, let repository):
            return try await catalog.keepBlob(blob.digest, in: repository, until: keptUntil) != nil
        case .deleteBlob(let blob, let repository):
            return try await catalog.deleteBlob(blob.digest, in: repository)
        case .publish(let manifest, let repository, let tags):
            return try await publish(manifest, in: repository, tags: tags)
        case .deleteManifest(let manifest, let repository): return try await delete(manifest, in: repository)
        case .deleteTag(let tag, let repository):
            return try await catalog.deleteTag(tag, in: repository, now: clock.now)
        case .collect(let andSweep):
            let isWork = try await catalog.markGarbage(now: clock.now, limit: 1000) > 0
            if andSweep { try await sweep() }
            return isWork
        case .wait(let duration):
            clock.advance(by: duration)
            return true
        }
    }
}
