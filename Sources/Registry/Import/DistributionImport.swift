import FoundationEssentials
import Glibc
import OCI
import Storage

/// The way of one repository out of a distribution registry's folder.
///
/// What its manifests refer to comes first, so that nothing incomplete is ever named. What is wrong with one manifest
/// leaves that out, with whatever needs it; what is wrong with this registry ends the import.
struct DistributionImport {
    private let registry: Registry
    private let folder: DistributionFolder
    private let tally: ImportTally
    private let turns: DigestTurns
    private let name: RepositoryName
    private let revisions: Set<Digest>
    private var tags: [Digest: [Tag]]
    /// What became of a manifest: nil where it is here, else why it is not.
    private var outcomes: [Digest: String?] = [:]

    /// Deeper than any tool nests them.
    private static let maximumDepth = 8

    init(
        _ name: RepositoryName,
        _ content: DistributionFolder.Repository,
        of folder: DistributionFolder,
        into registry: Registry,
        turns: DigestTurns,
        tally: ImportTally
    ) {
        self.registry = registry
        self.folder = folder
        self.tally = tally
        self.turns = turns
        self.name = name
        revisions = content.revisions
        tags = Dictionary(grouping: content.tags, by: \.digest).mapValues { $0.map(\.tag) }
    }

    mutating func run() async throws {
        for digest in revisions.sorted() { _ = try await importManifest(digest, depth: 0) }
        for (digest, tags) in tags where !revisions.contains(digest) {
            for tag in tags {
                tally.leaveOut(
                    "\(name):\(tag)",
                    "it points to \(digest), which was deleted from the repository"
                )
            }
        }
    }

    /// Imports a manifest with all that it refers to, unless that was done; and says why it could not.
    private mutating func importManifest(_ digest: Digest, depth: Int) async throws -> String? {
        if let known = outcomes[digest] { return known }
        try Task.checkCancellation()
        let problem: String?
        do {
            problem =
                depth < Self.maximumDepth
                ? try await bringManifest(digest, depth: depth) : "it is nested too deeply"
        } catch {
            guard let reason = folder.reason(error) else { throw error }
            problem = reason
        }
        outcomes[digest] = .some(problem)
        if let problem {
            let names = tags[digest]?.map { "\(name):\($0)" } ?? ["\(name)@\(digest)"]
            for name in names { tally.leaveOut(name, problem) }
        }
        return problem
    }

    private mutating func bringManifest(_ digest: Digest, depth: Int) async throws -> String? {
        guard let algorithm = digest.supportedAlgorithm else {
            return "its digest is of an algorithm that is not supported"
        }
        guard let bytes = try await folder.manifest(digest) else {
            return folder.size(of: digest) == nil ? "its bytes are missing" : "\(ManifestError.tooLarge)"
        }
        guard Digest(of: bytes, algorithm: algorithm) == digest else {
            return "its bytes are damaged: they are not what its digest says"
        }
        let manifest: Manifest
        do { manifest = try Manifest(parsing: bytes, contentType: nil) } catch {
            return Self.isSchema1(bytes) ? "\(ManifestError.schema1)" : "\(error)"
        }
        for reference in manifest.references {
            if let problem = try await bring(reference, depth: depth) { return problem }
        }
        try await publish(manifest, bytes, digest)
        tally.finish(digest, size: Int64(bytes.count))
        return nil
    }

    /// Brings what a manifest refers to, and says why the manifest cannot be imported without it.
    private mutating func bring(_ reference: ManifestReference, depth: Int) async throws -> String? {
        let digest = reference.descriptor.digest
        if reference.kind == .manifest, revisions.contains(digest) {
            let problem = try await importManifest(digest, depth: depth + 1)
            return registry.policy.isSparse(name) ? nil : problem.map { "\(digest), which it lists: \($0)" }
        }
        if reference.kind == .manifest, reference.descriptor.mediaType.isManifest {
            // Its bytes may still be there, and be another repository's.
            return registry.policy.isSparse(name)
                ? nil : "\(digest), which it lists, is not in the repository: it was deleted, or never there"
        }
        do {
            // An index may list blobs, too.
            try await bringBlob(digest)
            return nil
        } catch {
            guard let reason = folder.reason(error) else { throw error }
            let mayMiss = reference.descriptor.mediaType.isNonDistributable || registry.policy.isSparse(name)
            return mayMiss ? nil : "\(digest), which it refers to: \(reason)"
        }
    }

    private func bringBlob(_ digest: Digest) async throws {
        try await turns.with(digest) {
            if try await isThere(digest) {
                tally.count { $0.known += 1 }
            } else {
                let adopted = try await registry.blobs.adopt(
                    fileAt: folder.path(of: digest),
                    expecting: digest
                )
                _ = try await registry.publish(adopted.upload, in: name)
                tally.count { report in
                    if adopted.isLink { report.linked += 1 } else { report.copied += 1 }
                    report.size += adopted.upload.size
                }
            }
        }
        tally.finish(digest, size: folder.size(of: digest) ?? 0)
    }

    /// Whether a blob is in the repository, or in another from where it can be mounted.
    private func isThere(_ digest: Digest) async throws -> Bool {
        guard digest.isSupported else { return false }
        do {
            _ = try await registry.statBlob(digest, in: name)
            return true
        } catch RegistryError.blobUnknown {
            guard try await registry.mountBlob(digest, from: nil, to: name) else { return false }
        }
        do {
            // What has lost its bytes is brought anew.
            _ = try await registry.statBlob(digest, in: name)
            return true
        } catch RegistryError.blobUnknown {
            return false
        }
    }

    private func publish(_ manifest: Manifest, _ bytes: [UInt8], _ digest: Digest) async throws {
        var names = tags[digest] ?? []
        while true {
            do {
                _ = try await registry.publish(
                    registry.publication(of: manifest, bytes, as: digest, tags: names, in: name)
                )
                let count = names.count
                tally.count { report in
                    report.manifests += 1
                    report.tags += count
                }
                return
            } catch StorageError.tagImmutable(let tag, let other) where names.contains(tag) {
                names.removeAll { $0 == tag }
                tally.leaveOut("\(name):\(tag)", "\(StorageError.tagImmutable(tag, other))")
            }
        }
    }

    private struct Version: Decodable {
        let schemaVersion: Int
    }

    private static func isSchema1(_ bytes: [UInt8]) -> Bool {
        (try? JSONDecoder().decode(Version.self, from: Data(bytes)))?.schemaVersion == 1
    }
}

extension DistributionFolder {
    /// Why something in this folder cannot be had; nil for an error that is not the folder's.
    fileprivate func reason(_ error: any Error) -> String? {
        switch error {
        case StorageError.failed(_, let path, code: ENOENT) where contains(path): "it is missing"
        case StorageError.failed(let operation, let path, let code) where contains(path):
            "\(operation): \(String(cString: strerror(code)))"
        case StorageError.digestMismatch: "its bytes are damaged: they are not what its digest says"
        case StorageError.unsupportedAlgorithm: "its digest is of an algorithm that is not supported"
        case StorageError.missingReferences(let digests):
            "\(digests.first.map(\.description) ?? "something"), which it refers to, is missing"
        case let error as FileError where contains(error.path):
            "\(error.operation): \(String(cString: strerror(error.code)))"
        default: nil
        }
    }
}
