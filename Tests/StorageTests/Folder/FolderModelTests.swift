import GRDB
import OCI
import TestSupport
import Testing

@testable import Storage

/// A folder against a model of it, through thousands of random steps, crashes and losses of power.
@Suite("A folder in random use")
struct FolderModelTests {
    /// How an epoch of steps ends.
    enum Ending: CaseIterable { case close, crash, powerLoss }

    /// A run, with what it knows.
    struct Run {
        let seed: UInt64
        let world: FolderWorld
        let clock = ManualClock()
        var generator: SplitMix
        var model = FolderModel()
        /// What would be left if the power went now.
        var durableModel = FolderModel()
        var steps = 0

        init(seed: UInt64) throws {
            self.seed = seed
            world = try FolderWorld()
            generator = SplitMix(seed: seed)
        }
    }

    @Test("holds what was promised, whatever happens", arguments: [1, nil] as [UInt64?])
    func random(_ fixedSeed: UInt64?) async throws {
        let seed = fixedSeed ?? UInt64.random(in: 0...UInt64.max)
        let temporary = try TemporaryFolder()
        defer { temporary.remove() }
        var run = try Run(seed: seed)
        var epoch = 0
        while run.steps < 1500 {
            let path = temporary.file("\(epoch)")
            let files = FaultyFileOperations()
            let power = try PowerLoss(of: path, files: files, graveyard: temporary.file("\(epoch).removed"))
            var ending = Ending.close
            while ending != .powerLoss {
                ending = Ending.allCases.randomElement(using: &run.generator) ?? .close
                let scene = try await FolderScene.open(path, files: files, clock: run.clock)
                do {
                    try await Self.live(&run, scene, power)
                    switch ending {
                    case .close: try await scene.folder.close()
                    case .crash: try await scene.folder.abandon()
                    case .powerLoss:
                        try power.strike(leaving: temporary.file("\(epoch + 1)"), &run.generator)
                        try await scene.folder.abandon()
                        run.model = run.durableModel
                    }
                } catch {
                    try? await scene.folder.abandon()
                    throw error
                }
            }
            epoch += 1
        }
        try CatalogInvariants.expectNoneWithCommand(
            inDatabaseAt: temporary.file("\(epoch - 1)/berth.db"),
            absent: run.world.absent
        )
    }

    /// Looks at what the last epoch left, and does some more.
    static func live(_ run: inout Run, _ scene: FolderScene, _ power: PowerLoss) async throws {
        // The commits since are short of a checkpoint, so the log only grows.
        let database = try #require(scene.catalog as? SQLiteCatalog)
        database.writes.checkpoint(after: .max)
        try await acceptLosses(&run, scene)
        try await expect(run.model, scene, run)
        try await scene.expectWhole(absent: run.world.absent, "seed \(run.seed), step \(run.steps)")
        run.durableModel = run.model
        try power.noteDurableCommit()
        for _ in 0..<Int.random(in: 10...80, using: &run.generator) {
            let step = run.world.randomStep(&run.generator)
            let expected = run.model.run(step, now: run.clock.now, keptUntil: scene.keptUntil)
            let outcome = try await scene.run(step)
            run.steps += 1
            #expect(outcome == expected, "seed \(run.seed), step \(run.steps): \(step)")
            // What changes nothing writes nothing, and so flushes nothing that was written before.
            if step.isDurable, outcome == .done(true) {
                run.durableModel = run.model
                try power.noteDurableCommit()
            }
            if run.generator.once(in: 20) { try await expect(run.model, scene, run) }
        }
        try await expect(run.model, scene, run)
        try await CatalogInvariants.expectNone(
            in: database,
            absent: run.world.absent,
            "seed \(run.seed), step \(run.steps)"
        )
    }

    /// Takes out of the model what a loss of power may take: blobs that no manifest had made durable.
    static func acceptLosses(_ run: inout Run, _ scene: FolderScene) async throws {
        for blob in run.world.blobs where run.model.isAnywhere(blob.digest) {
            guard !run.model.durable.contains(blob.digest) else { continue }
            var isThere = false
            for repository in run.world.repositories {
                isThere = try await scene.catalog.blob(blob.digest, in: repository) != nil || isThere
            }
            if isThere { run.model.durable.insert(blob.digest) } else { run.model.drop(blob.digest) }
        }
    }

    static func expect(_ model: FolderModel, _ scene: FolderScene, _ run: Run) async throws {
        let comment: Comment = "seed \(run.seed), step \(run.steps)"
        var listed: [RepositoryName] = []
        for name in run.world.repositories {
            let expected = model.repositories[name] ?? FolderModel.Repository()
            if !expected.manifests.isEmpty { listed.append(name) }
            for blob in run.world.blobs {
                let content = try await scene.pull(blob, from: name)
                #expect(content == (expected.blobs.contains(blob.digest) ? blob.bytes : nil), comment)
            }
            for manifest in run.world.manifests {
                let stored = try await scene.manifest(.digest(manifest.digest), in: name)
                #expect(stored?.bytes == expected.manifests[manifest.digest]?.bytes, comment)
            }
            let page = try await scene.catalog.tagPage(of: name, after: nil, limit: 100, now: run.clock.now)
            let tags = page?.elements.map { [$0.tag.rawValue, $0.digest.description] } ?? []
            let sorted = expected.tags.sorted { $0.key.rawValue < $1.key.rawValue }
            #expect(tags == sorted.map { [$0.key.rawValue, $0.value.description] }, comment)
        }
        let repositories = try await scene.catalog.repositoryPage(after: nil, limit: 100).elements
        #expect(repositories == listed.sorted { $0.rawValue < $1.rawValue }, comment)
        let due = try await scene.catalog.nextGarbage()
        if due != .distantPast { #expect(due == model.nextDue, comment) }
    }
}
