import Foundation
import GRDB
import TestSupport
import Testing

@testable import Storage

@Suite("The queue of writes")
struct WriteQueueTests {
    struct Failure: Error, Equatable {}

    /// A queue on a database with a table of numbers.
    struct Scene: Sendable {
        let database: DatabasePool
        let queue: WriteQueue

        init(_ folder: TemporaryFolder) throws {
            database = try DatabasePool(path: folder.file("test.db"))
            try database.write { database in
                try database.execute(
                    sql: """
                        CREATE TABLE number (value INTEGER PRIMARY KEY);
                        CREATE TABLE child (value INTEGER REFERENCES number (value) DEFERRABLE INITIALLY DEFERRED);
                        """
                )
            }
            queue = WriteQueue(database)
        }

        func add(
            _ value: Int,
            _ durability: WriteQueue.Durability = .crash,
            undo: @escaping @Sendable () -> Void = {},
            then body: @escaping @Sendable (Database) throws -> Void = { _ in }
        ) async throws -> Int {
            try await queue.perform(durability, undo: undo) { database in
                try database.run("INSERT INTO number VALUES (?)", [value])
                try body(database)
                return value
            }
        }

        /// What is committed.
        func numbers() async throws -> [Int] {
            try await database.read { try Int.fetchAll($0, sql: "SELECT value FROM number ORDER BY value") }
        }

        /// Runs an operation so many times in one transaction, and returns each one's outcome.
        func batch<Value: Sendable>(
            _ count: Int,
            _ operation: @escaping @Sendable (Int) async throws -> Value
        ) async throws -> [Result<Value, any Error>] {
            let entered = DispatchSemaphore(value: 0)
            let leave = DispatchSemaphore(value: 0)
            async let blocker: Void = queue.perform(.crash) { _ in
                entered.signal()
                leave.wait()
            }
            await FileBlobStoreSyncTests.wait(for: entered)
            let outcomes = await withTaskGroup(of: (Int, Result<Value, any Error>).self) { group in
                for index in 0..<count {
                    group.addTask {
                        do { return (index, .success(try await operation(index))) } catch {
                            return (index, .failure(error))
                        }
                    }
                    // In this order.
                    while queue.waitingCount <= index { await Task.yield() }
                }
                leave.signal()
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            try await blocker
            return (0..<count).compactMap { outcomes[$0] }
        }
    }

    static func withScene(_ body: (Scene) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let scene = try Scene(folder)
        try await body(scene)
        try scene.database.close()
    }

    @Test("returns a value once it is committed")
    func committed() async throws {
        try await Self.withScene { scene async throws in
            for value in 0..<20 {
                #expect(try await scene.add(value, value.isMultiple(of: 2) ? .crash : .power) == value)
                #expect(try await scene.numbers() == Array(0...value))
            }
        }
    }

    @Test("takes back what a failing operation did, and nobody else's work")
    func isolation() async throws {
        try await Self.withScene { scene async throws in
            let undone = Shared<[Int]>([])
            let outcomes = try await scene.batch(10) { value in
                try await scene.add(value, undo: { undone.update { $0.append(value) } }) { _ in
                    if value % 3 == 1 { throw StorageError.full }
                }
            }
            for (value, outcome) in outcomes.enumerated() {
                switch outcome {
                case .success(let returned): #expect(returned == value && value % 3 != 1)
                case .failure(let error): #expect(error as? StorageError == .full && value % 3 == 1)
                }
            }
            #expect(try await scene.numbers() == [0, 2, 3, 5, 6, 8, 9])
            #expect(undone.value == [1, 4, 7])
        }
    }

    @Test("undoes before the next operation runs")
    func undoAtOnce() async throws {
        try await Self.withScene { scene async throws in
            let isThere = Shared(false)
            let seen = Shared<[Bool]>([])
            let outcomes = try await scene.batch(2) { index in
                if index == 0 {
                    try await scene.add(1, undo: { isThere.update { $0 = false } }) { _ in
                        isThere.update { $0 = true }
                        throw Failure()
                    }
                } else {
                    try await scene.add(2, then: { _ in seen.update { $0.append(isThere.value) } })
                }
            }
            #expect(outcomes.map { (try? $0.get()) != nil } == [false, true])
            #expect(seen.value == [false])
        }
    }

    @Test("runs what must be alone on what is committed, and in order")
    func alone() async throws {
        try await Self.withScene { scene async throws in
            let committed = Shared<[[Int]]>([])
            _ = try await scene.batch(4) { value in
                guard value == 1 || value == 2 else { return _ = try await scene.add(value) }
                try await scene.queue.perform(.crash, isAlone: true) { database in
                    let numbers = try scene.database.read {
                        try Int.fetchAll($0, sql: "SELECT value FROM number ORDER BY value")
                    }
                    committed.update { $0.append(numbers) }
                    try database.run("INSERT INTO number VALUES (?)", [value])
                }
            }
            #expect(committed.value == [[0], [0, 1]])
            #expect(try await scene.numbers() == [0, 1, 2, 3])
        }
    }

    @Test("tells everybody when the commit fails, and undoes what had succeeded, the last first")
    func failedCommit() async throws {
        try await Self.withScene { scene async throws in
            let undone = Shared<[Int]>([])
            let outcomes = try await scene.batch(5) { value in
                try await scene.add(value, undo: { undone.update { $0.append(value) } }) { database in
                    if value == 1 { throw StorageError.full }
                    // Found out by the commit.
                    if value == 3 { try database.execute(sql: "INSERT INTO child VALUES (99)") }
                }
            }
            for (value, outcome) in outcomes.enumerated() {
                do {
                    _ = try outcome.get()
                    Issue.record("\(value) was promised")
                } catch StorageError.full {
                    #expect(value == 1)
                } catch StorageError.database(let problem) {
                    #expect(problem.contains("FOREIGN KEY") && value != 1)
                }
            }
            #expect(undone.value == [1, 4, 3, 2, 0])
            #expect(try await scene.numbers() == [])
            #expect(try await scene.add(7) == 7)
            #expect(try await scene.numbers() == [7])
        }
    }

    @Test("tells everybody when an error ends the whole transaction")
    func abortedTransaction() async throws {
        try await Self.withScene { scene async throws in
            _ = try await scene.add(2)
            let undone = Shared<[Int]>([])
            let outcomes = try await scene.batch(5) { value in
                try await scene.queue.perform(.crash, undo: { undone.update { $0.append(value) } }) {
                    try $0.execute(sql: "INSERT OR ROLLBACK INTO number VALUES (\(value))")
                }
            }
            #expect(outcomes.allSatisfy { (try? $0.get()) == nil })
            // The last two have not run.
            #expect(undone.value == [2, 1, 0])
            #expect(try await scene.numbers() == [2])
            #expect(try await scene.add(3) == 3)
            #expect(try await scene.numbers() == [2, 3])
        }
    }

    @Test("tells an operation once where the end of its savepoint fails")
    func failedSavepoint() async throws {
        try await Self.withScene { scene async throws in
            let undone = Shared(0)
            let outcomes = try await scene.batch(3) { index in
                try await scene.add(index, undo: { _ = undone.increment() }) { database in
                    if index == 1 { try database.execute(sql: "RELEASE SAVEPOINT grdb") }
                }
            }
            #expect(outcomes.map { (try? $0.get()) != nil } == [true, false, true])
            #expect(undone.value == 1)
        }
    }

    @Test("promises nothing any more after a flush that failed")
    func failedFlush() async throws {
        /// Fails commits as a disk would.
        final class Disk: TransactionObserver {
            let code: ResultCode
            init(_ code: ResultCode) { self.code = code }
            func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
            func databaseDidChange(with event: DatabaseEvent) {}
            func databaseWillCommit() throws { throw DatabaseError(resultCode: code) }
            func databaseDidCommit(_ db: Database) {}
            func databaseDidRollback(_ db: Database) {}
        }
        for (code, isFatal) in [
            (ResultCode.SQLITE_IOERR_WRITE, false), (.SQLITE_FULL, false), (.SQLITE_IOERR_FSYNC, true),
            (.SQLITE_IOERR_DIR_FSYNC, true),
        ] {
            try await Self.withScene { scene async throws in
                let disk = Disk(code)
                scene.database.add(transactionObserver: disk)
                let undone = Shared(0)
                await #expect(throws: StorageError.self) {
                    try await scene.add(1, undo: { _ = undone.increment() })
                }
                scene.database.remove(transactionObserver: disk)
                #expect(undone.value == 1)
                if isFatal {
                    for durability in [WriteQueue.Durability.crash, .power] {
                        let error = await #expect(throws: StorageError.self) {
                            try await scene.add(2, durability)
                        }
                        #expect(error.map { "\($0)".contains("restart") } == true)
                    }
                    #expect(try await scene.numbers() == [])
                } else {
                    #expect(try await scene.add(2) == 2)
                }
            }
        }
    }

    @Test("commits once for many, and loses none of them")
    func many() async throws {
        try await Self.withScene { scene async throws in
            let values = try await scene.batch(300) { try await scene.add($0) }
            #expect(try values.map { try $0.get() } == Array(0..<300))
            #expect(try await scene.numbers() == Array(0..<300))
            try await withThrowingTaskGroup { group in
                for value in 300..<1000 {
                    group.addTask {
                        let returned = try await scene.add(value, value % 7 == 0 ? .power : .crash)
                        #expect(returned == value)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await scene.numbers() == Array(0..<1000))
        }
    }

    @Test("commits as durably as the most demanding of those that share the commit")
    func durability() async throws {
        try await Self.withScene { scene async throws in
            let level: @Sendable (WriteQueue.Durability) async throws -> Int? = { durability in
                try await scene.queue.perform(durability) { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
            }
            let normal = 1
            let full = 2
            for _ in 0..<3 {
                #expect(try await level(.crash) == normal)
                #expect(try await level(.power) == full)
            }
            let crash = try await scene.batch(3) { _ in try await level(.crash) }
            #expect(try crash.map { try $0.get() } == [normal, normal, normal])
            let mixed = try await scene.batch(3) { try await level($0 == 1 ? .power : .crash) }
            #expect(try mixed.map { try $0.get() } == [full, full, full])
            #expect(try await level(.crash) == normal)
        }
    }

    @Test("runs what a cancelled task asks for")
    func cancelled() async throws {
        try await Self.withScene { scene async throws in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await scene.add(1)
            }
            #expect(try await task.value == 1)
            #expect(try await scene.numbers() == [1])
        }
    }
}

extension WriteQueueTests {
    /// A queue that has a reserve, on a disk that is said to be full for as long as that lasts.
    private static func withReserve(
        _ body: (WriteQueue, SpaceReserve, TemporaryFolder) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let reserve = SpaceReserve(folder: folder.path)
            reserve.fill()
            let database = try DatabasePool(path: folder.file("test.db"))
            try await body(WriteQueue(database, reserve: reserve), reserve, folder)
            try database.close()
        }
    }

    private static func reserved(_ folder: TemporaryFolder) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: folder.file("berth.reserve"))[.size] as? Int
    }

    @Test("runs what may use the reserve again with it, tells the rest, and fills the reserve up again")
    func reserve() async throws {
        try await Self.withReserve { queue, reserve, folder in
            let size = try #require(try Self.reserved(folder))
            #expect(size > 0)
            // What a full disk does: an error for as long as the reserve holds its blocks.
            let write: @Sendable (Database) throws -> Void = { _ in
                if try Self.reserved(folder) != 0 { throw DatabaseError(resultCode: .SQLITE_FULL) }
            }
            await #expect(throws: StorageError.full) { try await queue.perform(.crash, write) }
            #expect(try Self.reserved(folder) == size, "the reserve is not for everybody")
            let undone = Shared(0)
            try await queue.perform(.power, mayUseReserve: true, undo: { undone.update { $0 += 1 } }, write)
            #expect(undone.value == 1)
            #expect(try Self.reserved(folder) == size)
            await #expect(throws: StorageError.full) {
                try await queue.perform(.power, mayUseReserve: true) { _ in
                    throw DatabaseError(resultCode: .SQLITE_FULL)
                }
            }
            await #expect(throws: StorageError.readOnly) {
                try await queue.perform(.power, mayUseReserve: true) { _ in throw StorageError.readOnly }
            }
            #expect(try Self.reserved(folder) == size)

            // It was used and could not be filled up: the next deletion that succeeds may have made room for it.
            #expect(truncate(folder.file("berth.reserve"), 0) == 0)
            try await queue.perform(.power, mayUseReserve: true) { _ in }
            #expect(try Self.reserved(folder) == 0, "nobody knows that it lacks any")
            #expect(!reserve.release())
            try await queue.perform(.power) { _ in }
            #expect(try Self.reserved(folder) == 0)
            try await queue.perform(.power, mayUseReserve: true) { _ in }
            #expect(try Self.reserved(folder) == size)
        }
    }
}
