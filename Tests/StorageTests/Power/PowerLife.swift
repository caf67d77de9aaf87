import Foundation
import OCI
import TestSupport
import Testing

@testable import Storage

/// What several owners of one folder did, one after the other, written down, and who can tell what is wrong with
/// what is left of it.
struct PowerLife: Sendable {
    let history: DiskHistory
    let oracle: PowerOracle
    let flushes: Int
    /// What went wrong while it was lived.
    let errors: [any Error]

    /// One owner.
    struct Owner: Sendable {
        let work: PowerWork
        let ending: FolderScene.Ending
    }

    /// The first closes in good order, the second dies, and a third finds what that left and does some more.
    static let owners = [
        Owner(work: PowerWork(name: "first", clients: 3), ending: .close),
        Owner(work: PowerWork(name: "second owner", clients: 2), ending: .crash),
        Owner(work: PowerWork(name: "third one", clients: 1), ending: .close),
    ]

    /// The first dies, and the next one mends what that left and has nothing else to do: few enough moments that all that a
    /// loss can do can be tried at each.
    static let shortOwners = [
        Owner(work: PowerWork(name: "only", clients: 1), ending: .crash),
        Owner(work: PowerWork(name: "heir", clients: 0), ending: .close),
    ]

    /// Lets owners work in a folder of their own.
    ///
    /// `failingFlush`: which flush fails, of all that there are.
    static func record(_ owners: [Owner] = owners, failingFlush: Int? = nil) async throws -> PowerLife {
        let folder = try TemporaryFolder.inMemory()
        defer { folder.remove() }
        let log = DiskLog(folder.path)
        if let failingFlush { log.failFlush(failingFlush) }
        let probe = try log.probe()
        let clock = ManualClock()
        let errors = Shared<[any Error]>([])
        for owner in owners {
            let files = FaultyFileOperations(before: RecordingFileOperations(log))
            do {
                try await FolderScene.with(folder.path, files: files, clock: clock, ending: owner.ending) {
                    scene in
                    scene.checkpointAfter(60)
                    let failed = try await owner.work.run(scene, log)
                    errors.update { $0 += failed }
                }
            } catch {
                errors.update { $0.append(error) }
            }
        }
        withExtendedLifetime(probe) {}
        let history = DiskHistory(events: log.events, operations: log.operations)
        try expectSame(history, as: folder.path)
        return PowerLife(
            history: history,
            oracle: PowerOracle(
                try owners.flatMap { try $0.work.manifests() } + [PowerOracle.furtherImage.manifest]
            ),
            flushes: log.flushCount,
            errors: errors.value
        )
    }

    /// Whether the record says everything: done again from the beginning it makes the same files.
    private static func expectSame(_ history: DiskHistory, as path: String) throws {
        var cursor = DiskCursor(history)
        while cursor.step() {}
        let image = cursor.image([:])
        var found: Set<String> = []
        let files = try FileManager.default.subpathsOfDirectory(atPath: path)
        for name in files where !image.folders.contains(name) {
            // None of them is written through the file layer, and none has to survive.
            if ["berth.lock", "berth.db-shm", "berth.reserve"].contains(name) { continue }
            found.insert(name)
            let bytes = try Data(contentsOf: URL(filePath: "\(path)/\(name)"))
            let recorded = image.names[name].map { image.files[$0] ?? [] }
            #expect(recorded.map { $0 == Array(bytes) } == true, "\(name) is not what was recorded")
        }
        #expect(found == Set(image.names.keys))
    }
}

extension DiskHistory {
    /// The same, where the disk lies about some flushes.
    func ignoring(_ flushes: @escaping @Sendable (DiskEvent) -> Bool) -> DiskHistory {
        DiskHistory(initial: initial, events: events, operations: operations, ignores: flushes)
    }

    /// The database, its log and its journals.
    var databaseFiles: Set<Int> {
        events.reduce(into: []) { files, event in
            if case .create(let path, let file) = event, path.hasPrefix("berth.db") { files.insert(file) }
        }
    }
}
