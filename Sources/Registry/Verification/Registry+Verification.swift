package import Storage
import OCI
import Synchronization

extension Registry {
    /// Reads images again, hashes them, and compares them with what is known of them.
    ///
    /// A blob that is damaged is quarantined: clients are told that it is not there, and the next push of it heals it. One
    /// that had been quarantined and is whole comes back. Nothing else is changed.
    ///
    /// `tell`: hears what is found, and how far it has come.
    ///
    /// - Throws: `ExportError.unknown` for a name that there is not.
    package func verify(
        _ selection: ImageSelection,
        tell: @escaping @Sendable (VerificationEvent) -> Void
    ) async throws -> VerificationReport {
        var verification = Verification(registry: self, repairs: false, tell: tell)
        try await verification.run(selection)
        return verification.report
    }

    /// Makes sure that there is what a selection names.
    ///
    /// - Throws: `ExportError.unknown`.
    package func check(_ selection: ImageSelection) async throws {
        try await catalog.withSnapshot(now: clock()) { snapshot in
            for part in selection.parts ?? [] where try !snapshot.contains(part) {
                throw ExportError.unknown(part)
            }
        }
    }

    /// Verifies everything, and brings files and records into agreement.
    ///
    /// Content without a record that images refer to gets one again; other such content goes after the grace time. What
    /// the catalog says about manifests is written anew where it is wrong.
    package func repair(
        tell: @escaping @Sendable (VerificationEvent) -> Void
    ) async throws -> VerificationReport {
        var verification = Verification(registry: self, repairs: true, tell: tell)
        try await verification.run(.everything)
        return verification.report
    }
}

/// One walk over everything that is stored, or over some images.
struct Verification {
    let registry: Registry
    let repairs: Bool
    let tell: @Sendable (VerificationEvent) -> Void
    private(set) var report = VerificationReport()
    private var total: Int64 = 0

    init(registry: Registry, repairs: Bool, tell: @escaping @Sendable (VerificationEvent) -> Void) {
        self.registry = registry
        self.repairs = repairs
        self.tell = tell
        report.isRepaired = repairs
    }

    /// How many images a finding names.
    private static let maximumUses = 16
    private static let portion = 256

    mutating func run(_ selection: ImageSelection) async throws {
        let isEverything = selection.parts == nil
        if isEverything {
            // First, so that what is found missing is missing still.
            report.unknown = try await reconcileContent()
            report.records = try await registry.catalog.reconcileRecords(
                isRehearsal: !repairs,
                keptUntil: registry.keptUntil,
                now: registry.clock()
            )
            report.leftovers = try await registry.blobs.clearLeftovers(
                before: .now + Self.sessionAge,
                isRehearsal: !repairs
            )
        }
        let records = try await verifyManifests(of: selection)
        if isEverything {
            total = try await registry.catalog.storedSize()
            try await verifyAllBlobs()
        } else {
            total = records.reduce(0) { $0 + $1.record.size }
            for blob in records { try await verify(blob) }
        }
        if repairs { try await registry.catalog.noteReconciled() }
    }

    /// A request that has just begun a session may not have remembered it yet.
    private static let sessionAge = Duration.seconds(-3600)

    // MARK: Manifests

    /// Looks at the manifests, and returns their blobs where these are only some.
    private mutating func verifyManifests(of selection: ImageSelection) async throws -> [StoredBlob] {
        let policy = registry.policy
        let found = try await registry.catalog.withSnapshot(now: registry.clock()) { snapshot in
            for part in selection.parts ?? [] where try !snapshot.contains(part) {
                throw ExportError.unknown(part)
            }
            var found = ManifestFindings()
            try snapshot.forEachManifest(of: selection) { manifest in
                found.count += 1
                let problems = try snapshot.problems(
                    of: manifest,
                    isSparse: policy.isSparse(manifest.repository)
                )
                found.problems += problems.map { (manifest.repository, manifest.record.digest, $0) }
                guard selection.parts != nil else { return }
                for record in manifest.blobs { found.add(record, isQuarantined: false) }
                for record in manifest.quarantined { found.add(record, isQuarantined: true) }
            }
            return found
        }
        report.manifests = found.count
        var damaged: Set<Digest> = []
        for (repository, digest, problem) in found.problems {
            switch problem {
            case .damaged:
                if damaged.insert(digest).inserted { try await note(.manifest, of: digest) }
            case .missing(let targets):
                for target in targets {
                    try await note(.missing(target, in: repository), of: digest)
                }
            case .misrecorded:
                let isMended =
                    repairs
                    ? try await registry.catalog.rebuildRecords(of: digest, in: repository) : false
                try await note(.misrecorded(in: repository, isMended: isMended), of: digest)
            }
        }
        return found.blobs
    }

    /// What one look at the manifests finds.
    private struct ManifestFindings: Sendable {
        var count = 0
        var problems: [(RepositoryName, Digest, ManifestProblem)] = []
        private(set) var blobs: [StoredBlob] = []
        private var seen: Set<BlobRecord.ID> = []

        mutating func add(_ record: BlobRecord, isQuarantined: Bool) {
            guard seen.insert(record.id).inserted else { return }
            blobs.append(StoredBlob(record: record, isQuarantined: isQuarantined))
        }
    }

    // MARK: Blobs

    private mutating func verifyAllBlobs() async throws {
        var last: BlobRecord.ID?
        while true {
            let page = try await registry.catalog.storedBlobs(after: last, limit: Self.portion)
            for blob in page { try await verify(blob) }
            guard let end = page.last else { return }
            last = end.record.id
        }
    }

    private mutating func verify(_ blob: StoredBlob) async throws {
        let (before, tell, total) = (report.bytes, tell, total)
        tell(.progress(done: before, total: total))
        var read: Int64 = 0
        let outcome = try await registry.examine(blob) { count in
            try Task.checkCancellation()
            read += Int64(count)
            tell(.progress(done: before + read, total: total))
        }
        report.blobs += 1
        report.bytes += read
        switch outcome {
        case .whole, .gone: break
        case .restored:
            report.restored += 1
            tell(.restored(blob.record.digest))
        case .damaged(let condition, let isNew):
            try await note(
                .blob(condition, size: blob.record.size),
                of: blob.record.digest,
                isNew: isNew
            )
        }
    }

    // MARK: Files without records

    private func reconcileContent() async throws -> UnknownContent {
        let catalog = registry.catalog
        let unknown = Mutex<[Digest]>([])
        try await registry.blobs.forEachPlaced { digests in
            let found = try catalog.unknownBlobs(among: digests)
            unknown.withLock { $0 += found }
        }
        var content = UnknownContent()
        for digest in unknown.withLock({ $0 }) {
            // A push may have been in the middle of putting it there.
            guard let placed = try await registry.blobs.placed(digest),
                try !catalog.unknownBlobs(among: [digest]).isEmpty
            else { continue }
            content.count += 1
            guard repairs else { continue }
            if try await adopt(digest, placed) {
                content.adopted += 1
                tell(.adopted(digest))
            } else if placed.since + registry.policy.grace <= registry.clock() {
                let blobs = registry.blobs
                if try await catalog.removeUnknown(digest, removing: { try blobs.remove($0) }) {
                    content.removed += 1
                }
            }
        }
        return content
    }

    /// Gives content a record if images refer to it and it is whole.
    private func adopt(_ digest: Digest, _ placed: PlacedBlob) async throws -> Bool {
        guard try await registry.catalog.isReferenced(digest) else { return false }
        let tell = tell
        let condition = try await registry.blobs.examine(digest, size: placed.size) { _ in
            try Task.checkCancellation()
            tell(.progress(done: 0, total: 0))
        }
        guard condition == .whole else { return false }
        try await registry.blobs.sync([digest])
        return try await registry.catalog.adoptBlob(digest, size: placed.size, now: registry.clock())
    }

    // MARK: Findings

    private mutating func note(
        _ problem: VerificationFinding.Problem,
        of digest: Digest,
        isNew: Bool = true
    ) async throws {
        let uses = try await registry.catalog.uses(of: digest, limit: Self.maximumUses + 1)
        let finding = VerificationFinding(
            digest: digest,
            problem: problem,
            uses: Array(uses.prefix(Self.maximumUses)),
            hasMoreUses: uses.count > Self.maximumUses,
            isNew: isNew
        )
        if finding.isDamage { report.damaged += 1 }
        tell(.finding(finding))
    }
}

/// What came of reading one blob again.
enum ExaminedBlob: Hashable, Sendable {
    case whole
    /// It had been quarantined, and is whole.
    case restored
    /// It was deleted or pushed anew meanwhile.
    case gone
    case damaged(BlobCondition, isNew: Bool)
}

extension Registry {
    /// Reads a blob again, and quarantines it where it is damaged, or brings it back where it is not.
    func examine(
        _ blob: StoredBlob,
        passed: (Int) async throws -> Void
    ) async throws -> ExaminedBlob {
        let (record, isQuarantined) = (blob.record, blob.isQuarantined)
        let condition = try await blobs.examine(record.digest, size: record.size, passed: passed)
        if condition == .whole {
            guard isQuarantined else { return .whole }
            return try await catalog.release(record.id) ? .restored : .gone
        }
        if isQuarantined {
            // Known already; unless it was healed while it was read.
            return try await catalog.isQuarantined(record.id) ? .damaged(condition, isNew: false) : .gone
        }
        guard condition.isDamage else { return .damaged(condition, isNew: true) }
        return try await catalog.quarantine(record.id) ? .damaged(condition, isNew: true) : .gone
    }
}
