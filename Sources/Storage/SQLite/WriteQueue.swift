import GRDB
import Synchronization

/// Gathers what is to be written at the same time into one transaction, so that concurrent pushes share its flush.
///
/// Each operation runs in a savepoint of its own: one that throws takes back its own work and nobody else's. All are
/// told the outcome after the commit, never before.
final class WriteQueue: Sendable {
    /// How far a commit must reach before the operation returns.
    enum Durability: Comparable {
        /// The death of the process does no harm.
        case crash
        /// Nor does a loss of power.
        case power
    }

    /// What to do for an operation, and how to tell it the outcome.
    private struct Operation: Sendable {
        let durability: Durability
        /// Runs the work, and returns what resumes the caller once the commit has succeeded or failed.
        let run: @Sendable (Database) throws -> @Sendable ((any Error)?) -> Void
        let fail: @Sendable (any Error) -> Void
    }

    private struct State {
        var pending: [Operation] = []
        var isDraining = false
    }

    /// Bounds how long the first operation of a transaction waits for the last.
    private static let maximumBatch = 128

    private let database: any DatabaseWriter
    private let state = Mutex(State())

    init(_ database: any DatabaseWriter) { self.database = database }

    /// Runs an operation in a transaction, and returns its value once the transaction is committed.
    ///
    /// `undo`: called if the operation succeeded and the commit then failed.
    func perform<Value: Sendable>(
        _ durability: Durability,
        undo: @escaping @Sendable () -> Void = {},
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            enqueue(
                Operation(
                    durability: durability,
                    run: { database in
                        let value = try body(database)
                        return { failure in
                            if let failure {
                                undo()
                                continuation.resume(throwing: StorageError(failure))
                            } else {
                                continuation.resume(returning: value)
                            }
                        }
                    },
                    fail: { continuation.resume(throwing: StorageError($0)) }
                )
            )
        }
    }

    private func enqueue(_ operation: Operation) {
        let mustStart = state.withLock { state in
            state.pending.append(operation)
            defer { state.isDraining = true }
            return !state.isDraining
        }
        guard mustStart else { return }
        database.asyncWriteWithoutTransaction { database in
            while let batch = self.nextBatch() { Self.commit(batch, database) }
        }
    }

    private func nextBatch() -> [Operation]? {
        state.withLock { state in
            guard !state.pending.isEmpty else {
                state.isDraining = false
                return nil
            }
            let batch = Array(state.pending.prefix(Self.maximumBatch))
            state.pending.removeFirst(batch.count)
            return batch
        }
    }

    private static func commit(_ batch: [Operation], _ database: Database) {
        var finished: [@Sendable ((any Error)?) -> Void] = []
        var failed: [() -> Void] = []
        var outcome: (any Error)?
        do {
            let isPower = batch.contains { $0.durability == .power }
            // GRDB sets NORMAL itself when it opens a connection; the level cannot change inside a transaction.
            try database.execute(sql: "PRAGMA synchronous = \(isPower ? "FULL" : "NORMAL")")
            try database.inTransaction(.immediate) {
                for operation in batch {
                    do {
                        try database.inSavepoint {
                            finished.append(try operation.run(database))
                            return .commit
                        }
                    } catch {
                        failed.append { operation.fail(error) }
                        // Some errors, such as a full disk, end the whole transaction: nothing is left to go on with.
                        guard database.isInsideTransaction else { throw error }
                    }
                }
                return .commit
            }
        } catch {
            outcome = error
            let told = finished.count + failed.count
            for operation in batch.dropFirst(told) { failed.append { operation.fail(error) } }
        }
        for resume in finished { resume(outcome) }
        for resume in failed { resume() }
    }
}
