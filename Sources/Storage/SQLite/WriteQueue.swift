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

    /// What to do for an operation, and how to tell its caller the outcome.
    private struct Operation: Sendable {
        let durability: Durability
        let isAlone: Bool
        let mayUseReserve: Bool
        let changes: CatalogEpochs.Scope
        /// Runs the work, and returns what resumes the caller once the commit has succeeded.
        let run: @Sendable (Database) throws -> @Sendable () -> Void
        let undo: @Sendable () -> Void
        /// Resumes the caller with an error.
        let fail: @Sendable (any Error) -> Void
    }

    private struct State {
        var pending: [Operation] = []
        var isDraining = false
        /// Why nothing can be promised any more.
        var brokenBy: StorageError?
        /// What commits reach as the connection is set; nil where that is not known.
        var durability: Durability?
        /// How many pages the log may hold before they are folded into the database: what SQLite would choose.
        var checkpointFrames = 1000
    }

    /// Bounds how long the first operation of a transaction waits for the last.
    private static let maximumBatch = 128

    private let database: any DatabaseWriter
    private let reserve: SpaceReserve?
    private let isInPlace: @Sendable () -> Bool
    private let log = LogLength()
    /// What was written, for those who remember what they read.
    let epochs = CatalogEpochs()
    private let state = Mutex(State())

    /// Takes the checkpoints over from SQLite, on the database's writing connection.
    ///
    /// `reserve`: what a full disk still has for operations that may use it. `isInPlace`: whether the files that operations
    /// make beside the database still come to lie beside it.
    init(
        _ database: any DatabaseWriter,
        reserve: SpaceReserve? = nil,
        isInPlace: @escaping @Sendable () -> Bool = { true }
    ) {
        self.database = database
        self.reserve = reserve
        self.isInPlace = isInPlace
        database.asyncWriteWithoutTransaction { [log] in $0.tellLength(to: log) }
    }

    /// Folds the log into the database whenever it has so many frames; for tests.
    func checkpoint(after frames: Int) { state.withLock { $0.checkpointFrames = frames } }

    /// Runs an operation in a transaction, and returns its value once the transaction is committed.
    ///
    /// `undo`: takes back what the body did outside the database. Called, within the transaction's turn, where the
    /// body or the commit fails; the body may not have come to anything then.
    ///
    /// `isAlone`: in a transaction of its own. For a body that does what cannot be undone because of what it reads:
    /// everything that it reads is committed then.
    ///
    /// `mayUseReserve`: whether the operation is so needed that it runs again with the reserve where the disk is full.
    ///
    /// `changes`: what the body may change of what others remember.
    func perform<Value: Sendable>(
        _ durability: Durability,
        isAlone: Bool = false,
        mayUseReserve: Bool = false,
        changes: CatalogEpochs.Scope = .everything,
        undo: @escaping @Sendable () -> Void = {},
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            enqueue(
                Operation(
                    durability: durability,
                    isAlone: isAlone,
                    mayUseReserve: mayUseReserve,
                    changes: changes,
                    run: { database in
                        let value = try body(database)
                        return { continuation.resume(returning: value) }
                    },
                    undo: undo,
                    fail: { continuation.resume(throwing: StorageError($0)) }
                )
            )
        }
    }

    /// How many operations wait for the transaction that is under way.
    var waitingCount: Int { state.withLock { $0.pending.count } }

    /// Whether a flush has failed, so that nothing is written any more.
    var isBroken: Bool { state.withLock { $0.brokenBy != nil } }

    private func enqueue(_ operation: Operation) {
        let mustStart = state.withLock { state in
            state.pending.append(operation)
            defer { state.isDraining = true }
            return !state.isDraining
        }
        guard mustStart else { return }
        database.asyncWriteWithoutTransaction { database in
            while let batch = self.nextBatch() {
                self.commit(batch, database, mayRetry: true)
                self.checkpointIfDue(database)
            }
        }
    }

    private func nextBatch() -> [Operation]? {
        state.withLock { state in
            guard !state.pending.isEmpty else {
                state.isDraining = false
                return nil
            }
            let shared = state.pending.prefix(Self.maximumBatch).prefix { !$0.isAlone }
            let batch = Array(shared.isEmpty ? state.pending.prefix(1) : shared)
            state.pending.removeFirst(batch.count)
            return batch
        }
    }

    private func commit(_ batch: [Operation], _ database: Database, mayRetry: Bool) {
        var turn = Turn(waiting: batch[...])
        let refused: [Refusal]
        do {
            if let failure = state.withLock({ $0.brokenBy }) { throw failure }
            guard isInPlace() else {
                throw StorageError.database(
                    "the storage folder was moved or replaced while it was in use: nothing is written until a restart"
                )
            }
            try reach(batch.contains { $0.durability == .power } ? .power : .crash, database)
            try epochs.change(Set(batch.map(\.changes))) {
                try database.inTransaction(.immediate) {
                    try turn.runAll(database)
                    return .commit
                }
            }
            refused = turn.succeed()
            // What was deleted may have made room for what the reserve lacks.
            if batch.contains(where: \.mayUseReserve) { reserve?.topUp() }
        } catch {
            noteFailedFlush(error)
            refused = turn.fail(error)
        }
        let needed = mayRetry ? refused.filter(\.isOwedTheReserve) : []
        let hasReserve = !needed.isEmpty && reserve?.release() == true
        for refusal in refused where !(hasReserve && refusal.isOwedTheReserve) {
            refusal.operation.fail(refusal.error)
        }
        guard hasReserve else { return }
        commit(needed.map(\.operation), database, mayRetry: false)
        reserve?.topUp()
    }

    /// Sets how far the commits that follow reach, outside a transaction: inside of one it cannot be changed.
    ///
    /// Only where it is something else than before: most commits are like the last, and SQLite reads the statement anew
    /// each time.
    private func reach(_ durability: Durability, _ database: Database) throws {
        guard state.withLock({ $0.durability != durability }) else { return }
        try database.execute(sql: "PRAGMA synchronous = \(durability == .power ? "FULL" : "NORMAL")")
        state.withLock { $0.durability = durability }
    }

    /// An operation that came to nothing, whose caller has not been told.
    private struct Refusal {
        let operation: Operation
        let error: any Error

        var isOwedTheReserve: Bool { operation.mayUseReserve && StorageError(error) == .full }
    }

    /// Folds the log into the database where it has become long.
    ///
    /// SQLite would do so by itself at the end of a commit, and tell nobody where that fails. A flush of the log that
    /// fails here may have lost what is committed and not durable yet, as in a commit; anything else is tried again
    /// after the next one.
    private func checkpointIfDue(_ database: Database) {
        let isDue = state.withLock { $0.brokenBy == nil && log.frames >= $0.checkpointFrames }
        guard isDue else { return }
        do { try database.checkpoint(.passive) } catch { noteFailedFlush(error) }
    }

    /// After a flush that failed the log may have lost what earlier commits wrote, and the next flush would succeed
    /// without it.
    ///
    /// So nothing is promised any more: the next start reads what there is.
    private func noteFailedFlush(_ error: any Error) {
        guard let error = error as? DatabaseError,
            [.SQLITE_IOERR_FSYNC, .SQLITE_IOERR_DIR_FSYNC].contains(error.extendedResultCode)
        else { return }
        state.withLock { $0.brokenBy = .database("a flush failed, and nothing is written until a restart") }
    }

    /// The operations of one transaction, as far as they have come.
    private struct Turn {
        var waiting: ArraySlice<Operation>
        private var done: [(operation: Operation, succeed: @Sendable () -> Void)] = []
        private var failed: [Refusal] = []

        init(waiting: ArraySlice<Operation>) { self.waiting = waiting }

        /// Runs each operation in a savepoint.
        mutating func runAll(_ database: Database) throws {
            while let operation = waiting.popFirst() {
                do {
                    var succeed: @Sendable () -> Void = {}
                    try database.inSavepoint {
                        succeed = try operation.run(database)
                        return .commit
                    }
                    done.append((operation, succeed))
                } catch {
                    operation.undo()
                    failed.append(Refusal(operation: operation, error: error))
                    // Some errors, such as a full disk, end the whole transaction: nothing is left to go on with.
                    guard database.isInsideTransaction else { throw error }
                }
            }
        }

        /// Tells those who have succeeded, and returns the others.
        func succeed() -> [Refusal] {
            for (_, succeed) in done { succeed() }
            return failed
        }

        /// Takes everything back, the last first, and returns everybody.
        func fail(_ error: any Error) -> [Refusal] {
            for (operation, _) in done.reversed() { operation.undo() }
            return done.map { Refusal(operation: $0.operation, error: error) } + failed
                + waiting.map { Refusal(operation: $0, error: error) }
        }
    }
}
