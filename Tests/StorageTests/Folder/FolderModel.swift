import OCI
import TestSupport

@testable import Storage

/// What a folder should hold, kept in the simplest way that there is.
struct FolderModel: Sendable, Equatable {
    struct Repository: Sendable, Equatable {
        var blobs: Set<OCI.Digest> = []
        var manifests: [OCI.Digest: ManifestFixture] = [:]
        var tags: [Tag: OCI.Digest] = [:]
        var due: [OCI.Digest: Timestamp] = [:]

        func isReferenced(_ digest: OCI.Digest) -> Bool {
            manifests.values.contains { $0.references.contains { $0.descriptor.digest == digest } }
        }

        /// Manifests whose indexes list one.
        func parents(of digest: OCI.Digest) -> Set<OCI.Digest> {
            Set(
                manifests.values.filter { parent in
                    parent.references.contains { $0.kind == .manifest && $0.descriptor.digest == digest }
                }
                .map(\.digest)
            )
        }

        /// What a manifest lists, and what those list in turn.
        func reach(_ manifest: ManifestFixture) -> Set<OCI.Digest> {
            manifest.references.reduce(into: []) { reached, reference in
                reached.insert(reference.descriptor.digest)
                if reference.kind == .manifest, let child = manifests[reference.descriptor.digest] {
                    reached.formUnion(reach(child))
                }
            }
        }
    }

    var repositories: [RepositoryName: Repository] = [:]
    /// Blobs that a loss of power does not harm.
    var durable: Set<OCI.Digest> = []

    func isAnywhere(_ digest: OCI.Digest) -> Bool {
        repositories.values.contains { $0.blobs.contains(digest) }
    }

    /// When the next collection is due.
    var nextDue: Timestamp? { repositories.values.flatMap(\.due.values).min() }

    mutating func run(_ step: Step, now: Timestamp, keptUntil: Timestamp) -> Step.Outcome {
        switch step {
        case .push(let blob, let repository):
            if !isAnywhere(blob.digest) { durable.remove(blob.digest) }
            link(blob.digest, repository, keptUntil)
            return .done(true)
        case .mount(let blob, let source, let repository):
            let isThere =
                source.map { repositories[$0]?.blobs.contains(blob.digest) == true }
                ?? isAnywhere(blob.digest)
            if isThere { link(blob.digest, repository, keptUntil) }
            return .done(isThere)
        case .keep(let blob, let repository):
            guard repositories[repository]?.blobs.contains(blob.digest) == true else { return .done(false) }
            if let due = repositories[repository]?.due[blob.digest] {
                repositories[repository]?.due[blob.digest] = max(due, keptUntil)
            }
            return .done(true)
        case .deleteBlob(let blob, let repository): return deleteBlob(blob.digest, repository)
        case .publish(let manifest, let repository, let tags): return publish(manifest, repository, tags)
        case .deleteManifest(let manifest, let repository): return delete(manifest, repository, keptUntil)
        case .deleteTag(let tag, let repository):
            return .done(repositories[repository]?.tags.removeValue(forKey: tag) != nil)
        case .collect: return collect(now)
        case .wait: return .done(true)
        }
    }

    private mutating func link(_ digest: OCI.Digest, _ repository: RepositoryName, _ keptUntil: Timestamp) {
        var content = repositories[repository, default: Repository()]
        content.blobs.insert(digest)
        if !content.isReferenced(digest) {
            content.due[digest] = max(content.due[digest] ?? .distantPast, keptUntil)
        }
        repositories[repository] = content
    }

    private mutating func deleteBlob(_ digest: OCI.Digest, _ repository: RepositoryName) -> Step.Outcome {
        guard let content = repositories[repository], content.blobs.contains(digest) else {
            return .done(false)
        }
        guard !content.isReferenced(digest) else { return .blobInUse }
        repositories[repository]?.blobs.remove(digest)
        repositories[repository]?.due[digest] = nil
        return .done(true)
    }

    private mutating func publish(
        _ manifest: ManifestFixture,
        _ repository: RepositoryName,
        _ tags: [Tag]
    ) -> Step.Outcome {
        var content = repositories[repository, default: Repository()]
        var missing: [OCI.Digest] = []
        for reference in manifest.references {
            let digest = reference.descriptor.digest
            let isThere =
                content.blobs.contains(digest)
                || reference.kind == .manifest && content.manifests[digest] != nil
                || reference.descriptor.mediaType.isNonDistributable
            if !isThere, !missing.contains(digest) { missing.append(digest) }
        }
        guard missing.isEmpty else { return .missing(missing) }
        let isNew = content.manifests.updateValue(manifest, forKey: manifest.digest) == nil
        var isChange = isNew
        if isNew { for reference in manifest.references { content.due[reference.descriptor.digest] = nil } }
        for tag in tags where content.tags.updateValue(manifest.digest, forKey: tag) != manifest.digest {
            isChange = true
        }
        durable.formUnion(content.reach(manifest).intersection(content.blobs))
        repositories[repository] = content
        return .done(isChange)
    }

    private mutating func delete(
        _ manifest: ManifestFixture,
        _ repository: RepositoryName,
        _ keptUntil: Timestamp
    ) -> Step.Outcome {
        guard var content = repositories[repository], content.manifests[manifest.digest] != nil else {
            return .done(false)
        }
        let parents = content.parents(of: manifest.digest)
        guard parents.isEmpty else { return .manifestInUse(by: parents) }
        content.manifests[manifest.digest] = nil
        content.tags = content.tags.filter { $0.value != manifest.digest }
        for reference in manifest.references where !content.isReferenced(reference.descriptor.digest) {
            let digest = reference.descriptor.digest
            content.due[digest] = max(content.due[digest] ?? .distantPast, keptUntil)
        }
        repositories[repository] = content
        return .done(true)
    }

    private mutating func collect(_ now: Timestamp) -> Step.Outcome {
        var isWork = false
        for (name, repository) in repositories {
            var content = repository
            for (digest, due) in repository.due where due <= now {
                isWork = true
                content.due[digest] = nil
                if !content.isReferenced(digest) { content.blobs.remove(digest) }
            }
            repositories[name] = content
        }
        return .done(isWork)
    }

    /// Takes a blob out of all repositories, as where it turned out not to be whole.
    mutating func drop(_ digest: OCI.Digest) {
        for name in repositories.keys where repositories[name]?.blobs.remove(digest) != nil {
            repositories[name]?.due[digest] = nil
        }
    }
}

extension ManifestFixture {
    var references: [ManifestReference] { manifest.references }
}
