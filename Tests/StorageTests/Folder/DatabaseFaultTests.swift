import OCI
import Synchronization
import TestSupport
import Testing

@testable import Storage

/// A folder whose disk fails at each call of SQLite's in turn.
@Suite("A folder at every call of the database's to the disk")
struct DatabaseFaultTests {
    typealias Work = FolderFaultTests.Work
    typealias Promise = FolderFaultTests.Promise

    /// A kind of call, and how it fails.
    struct Fault: Sendable, CustomTestStringConvertible {
        let operation: DatabaseCall.Operation
        let kind: DatabaseFaults.Kind

        var testDescription: String { "\(operation), \(kind)" }

        static let all: [Fault] = [
            Fault(operation: .open, kind: .cannotOpen), Fault(operation: .read, kind: .inputOutput),
            Fault(operation: .write, kind: .inputOutput), Fault(operation: .write, kind: .full),
            Fault(operation: .truncate, kind: .inputOutput), Fault(operation: .sync, kind: .inputOutput),
            Fault(operation: .size, kind: .inputOutput), Fault(operation: .lock, kind: .inputOutput),
            Fault(operation: .unlock, kind: .inputOutput), Fault(operation: .delete, kind: .inputOutput),
            Fault(operation: .access, kind: .inputOutput), Fault(operation: .shareMap, kind: .full),
            Fault(operation: .shareMap, kind: .cannotOpen), Fault(operation: .shareLock, kind: .inputOutput),
        ]
    }

    /// How often what was answered.
    final class Tally: Sendable {
        private let counts = Mutex<[String: Int]>([:])

        func count(_ answer: String) { counts.withLock { $0[answer, default: 0] += 1 } }

        var description: String {
            counts.withLock { $0.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" } }
                .joined(separator: ", ")
        }
    }

    /// How many calls of each kind the work takes, opening and closing included.
    static func countCalls() async throws -> [DatabaseCall.Operation: Int] {
        let folder = try TemporaryFolder.inMemory()
        defer { folder.remove() }
        let faults = DatabaseFaults()
        try await withProbe(folder, faults) {
            try await FolderScene.with(folder.path) { scene in
                scene.checkpointAfter(Self.checkpointFrames)
                try await Work().run(scene)
            }
        }
        return faults.counts
    }

    /// So that some are in the midst of the work.
    static let checkpointFrames = 40

    static func withProbe(
        _ folder: TemporaryFolder,
        _ faults: DatabaseFaults,
        _ body: () async throws -> Void
    ) async throws {
        let probe = try DatabaseProbe(
            of: folder.path,
            before: { faults.code(for: $0) ?? SQLiteCode.ok },
            after: { _ in 0 }
        )
        try await body()
        withExtendedLifetime(probe) {}
    }

    @Test("fails clearly, and goes on as if nothing had been", arguments: Fault.all)
    func everyCallFails(_ fault: Fault) async throws {
        let count = try await Self.countCalls()[fault.operation] ?? 0
        try #require(count > 0)
        var generator = TestSeed.current.random()
        let numbers = Array(1...count).shuffled(using: &generator)
        let tried = Thoroughness.current.points == nil ? numbers[...] : numbers.prefix(12)
        let tally = Tally()
        for number in tried {
            let comment: Comment = "\(fault.testDescription) \(number) of \(count), \(TestSeed.current)"
            try await Attempt(fault: fault, number: number, tally: tally, comment: comment).run()
        }
        print("database faults: \(fault.testDescription), \(tried.count) of \(count): \(tally.description)")
    }

    @Test("writes nothing more where the log could not be flushed before it is folded into the database")
    func checkpointFails() async throws {
        let folder = try TemporaryFolder.inMemory()
        defer { folder.remove() }
        let faults = DatabaseFaults()
        let (first, second) = (BlobFixture("first"), BlobFixture("second"))
        try await Self.withProbe(folder, faults) {
            try await FolderScene.with(folder.path, ending: .crash) { scene in
                let flushes = faults.counts[.sync] ?? 0
                faults.fail(.sync, flushes + 1, as: .inputOutput)
                scene.checkpointAfter(1)
                // Needs no flush, and is told before the log is folded.
                try await scene.push(first, to: scene.app)
                await #expect(throws: StorageError.self) { try await scene.push(second, to: scene.app) }
                #expect(faults.failed.count == 1)
                #expect(try await scene.pull(first, from: scene.app) == first.bytes)
                await #expect(throws: StorageError.self) { try await scene.push(second, to: scene.app) }
            }
        }
        try await FolderScene.with(folder.path) { scene in
            try await scene.push(second, to: scene.app)
            #expect(try await scene.pull(first, from: scene.app) == first.bytes)
            try await scene.expectWhole()
        }
    }

    /// One fault, and what comes of it.
    private struct Attempt: Sendable {
        let fault: Fault
        let number: Int
        let tally: Tally
        let comment: Comment
        let faults = DatabaseFaults()
        let promises = Shared<[OCI.Digest: Promise]>([:])
        /// How many requests were told that something is wrong.
        let refusals = Shared(0)

        func run() async throws {
            let folder = try TemporaryFolder.inMemory()
            defer { folder.remove() }
            // A disk that is full stays full.
            let times = fault.kind == .full && number.isMultiple(of: 2) ? Int.max : 1
            faults.fail(fault.operation, number, times: times, as: fault.kind)
            let clock = ManualClock()
            try await DatabaseFaultTests.withProbe(folder, faults) {
                do {
                    let ending = number.isMultiple(of: 2) ? FolderScene.Ending.crash : .close
                    try await FolderScene.with(folder.path, clock: clock, ending: ending) { scene in
                        scene.checkpointAfter(checkpointFrames)
                        try await workOn(scene)
                    }
                } catch {
                    // Opening failed, or closing, or nothing is written any more.
                    expect(error)
                }
            }
            if faults.failed.isEmpty {
                tally.count("never came")
            } else if refusals.value == 0 {
                tally.count("unharmed")
            }
            try await FolderScene.with(folder.path, clock: clock) { scene in
                try await scene.expectWhole(comment)
                try await FolderFaultTests.expect(promises.value.values, scene, comment)
                let work = try Work()
                try await work.run(scene)
                try await work.expectDone(scene, comment)
            }
        }

        /// Does the work, and where that fails, again; throws where that fails too.
        private func workOn(_ scene: FolderScene) async throws {
            let work = try Work()
            let note = { [promises] (promise: Promise) in promises.update { $0[promise.digest] = promise } }
            do {
                try await work.run(scene, note: note)
            } catch {
                expect(error)
                faults.mend()
                // Reading goes on, whatever has been.
                try await scene.expectWhole(isSettled: false, comment)
                try await FolderFaultTests.expect(promises.value.values, scene, comment)
                do {
                    try await work.run(scene, note: note)
                    tally.count("done again")
                } catch {
                    #expect(faults.failed.contains { $0.operation == .sync }, comment)
                    throw error
                }
            }
        }

        /// What a request is told.
        private func expect(_ error: any Error) {
            refusals.increment()
            switch (error as? StorageError, fault.kind) {
            case (.full, .full): tally.count("full")
            case (.tooManyOpenFiles, .cannotOpen): tally.count("too many open files")
            case (.database(let text), .inputOutput), (.database(let text), .cannotOpen):
                let isStopped = text.contains("until a restart")
                tally.count(
                    isStopped ? "stopped" : text.contains("cannot be opened") ? "not opened" : "failed"
                )
            default: Issue.record("\(error) \(comment.rawValue)")
            }
        }
    }
}
