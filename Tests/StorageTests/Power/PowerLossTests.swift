import Foundation
import OCI
import TestSupport
import Testing

@testable import Storage

/// The power goes at each moment of a folder's life in turn, and takes what was not flushed, in many ways.
@Suite("A folder whose power goes")
struct PowerLossTests {
    /// The same for all tests: to live it takes longer than to replay some of it.
    static let life = Task { try await PowerLife.record() }

    @Test("keeps what was promised, whatever of it was not flushed is lost")
    func everyMoment() async throws { try await Self.replay(try await Self.life.value) }

    @Test("keeps what was promised in a short life, whatever of it was not flushed is lost")
    func shortLife() async throws { try await Self.replay(try await PowerLife.record(PowerLife.shortOwners)) }

    private static func replay(_ life: PowerLife) async throws {
        #expect(life.errors.isEmpty, "\(life.errors)")
        var replay = PowerReplay(life.history, .current, TestSeed.current.random())
        let result = await replay.run(life.oracle)
        print(
            """
            power loss: \(life.history.events.count) events, \(life.flushes) flushes, \
            \(life.history.operations.count) requests; \(result), \(TestSeed.current)
            """
        )
        #expect(result.points > life.flushes / 2)
        #expect(result.losses == [], "\(TestSeed.current)")
    }

    /// Flushes that a disk may lie about, each of which something depends on.
    enum Lie: CaseIterable { case files, folders, database, databaseName }

    @Test("loses what was promised where the disk lies about flushes", arguments: Lie.allCases)
    func lies(_ lie: Lie) async throws {
        let history = try await Self.life.value.history
        let database = history.databaseFiles
        let lying = history.ignoring { event in
            switch (event, lie) {
            case (.sync(let file, _), .files): !database.contains(file)
            case (.sync(let file, _), .database): database.contains(file)
            case (.syncFolder(let path, _), .folders): path.hasPrefix("blobs/")
            case (.syncFolder(let path, _), .databaseName): path.isEmpty
            default: false
            }
        }
        var replay = PowerReplay(
            lying,
            Thoroughness(points: 30, singles: 1, subsets: 1),
            TestSeed.current.random(),
            maximumLosses: 1
        )
        let result = await replay.run(try await Self.life.value.oracle)
        #expect(!result.losses.isEmpty, "\(TestSeed.current)")
    }

    @Test("keeps what was promised where any one flush has failed")
    func everyFlushFails() async throws {
        let owners = [
            PowerLife.Owner(work: PowerWork(name: "first", clients: 2), ending: .close),
            PowerLife.Owner(work: PowerWork(name: "next", clients: 1), ending: .crash),
        ]
        let count = try await PowerLife.record(owners).flushes
        var generator = TestSeed.current.random(1)
        // Those of opening, and some of the others.
        let opening = 1...10
        let numbers = Array(opening) + Array((opening.upperBound + 1)...count).shuffled(using: &generator)
        var total = PowerReplay.Result()
        var noticed = 0
        for number in Thoroughness.current.points == nil ? numbers[...] : numbers.prefix(25) {
            let life = try await PowerLife.record(owners, failingFlush: number)
            if !life.errors.isEmpty { noticed += 1 }
            for error in life.errors { Self.expectFailedFlush(error) }
            var replay = PowerReplay(
                life.history,
                Thoroughness(points: nil, singles: 2, subsets: 4),
                TestSeed.current.random(number)
            )
            let result = await replay.runAtEnd(life.oracle)
            #expect(result.losses == [], "flush \(number) of \(count), \(TestSeed.current)")
            total = total + result
        }
        print("failed flushes: \(total), told to somebody \(noticed) times")
    }

    /// What a request is told whose own flush has failed, or the one that stopped all writing.
    static func expectFailedFlush(_ error: any Error) {
        switch error as? StorageError {
        case .failed(FileError.flush, _, _), .database: return
        default: Issue.record("\(error)")
        }
    }
}
