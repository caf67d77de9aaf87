import GRDB
import Glibc
import OCI
import Synchronization

/// The catalog in one SQLite database, in WAL mode, with one writing connection.
///
/// The process that opens it must own the storage folder, and open it once: SQLite's locks belong to the process,
/// and closing one of two connections to the same file would drop the other's.
package final class SQLiteCatalog: Catalog {
    private let database: DatabasePool
    let writes: WriteQueue
    /// Written down by `flushPulls`, and when the catalog closes.
    let pulls = PullLog()
    /// How many copies of the stored content are being made, for which nothing of it may be removed.
    let pins = Mutex(0)
    /// Whether the process that had the database open before did not close it.
    package let wasInterrupted: Bool

    /// How many requests read at once.
    ///
    /// Readers hold no more than a snapshot and some pages of cache each.
    private static let maximumReaders = 8

    /// Opens a database, makes it where there is none, and brings an older one up to date.
    ///
    /// - Throws: `StorageError.database` for one that a newer program has written.
    package convenience init(path: String) async throws { try await self.init(path: path, reserve: nil) }

    /// The same, with space for what has to be written though the disk is full.
    init(
        path: String,
        reserve: SpaceReserve?,
        isInPlace: @escaping @Sendable () -> Bool = { true }
    ) async throws {
        do throws(StorageError) {
            database = try Self.open(path)
        } catch {
            guard error == .full, reserve?.release() == true else { throw error }
            database = try Self.open(path)
        }
        writes = WriteQueue(database, reserve: reserve, isInPlace: isInPlace)
        do {
            wasInterrupted = try await writes.perform(.power, mayUseReserve: true) { database in
                let wasOpen = try database.exists("SELECT 1 FROM store WHERE key = 'open'")
                try database.run("INSERT OR REPLACE INTO store (key, value) VALUES ('open', '1')")
                return wasOpen
            }
        } catch {
            // Now, and not when the last that knows of it has let go: somebody may open it again at once.
            try? database.close()
            throw error
        }
    }

    /// Opens a database and brings it up to date.
    private static func open(_ path: String) throws(StorageError) -> DatabasePool {
        var configuration = GRDB.Configuration()
        configuration.maximumReaderCount = maximumReaders
        configuration.label = "catalog"
        // A transaction that may be taken back in part keeps what it changed aside: not in a file of its own, for
        // which there may be no place.
        configuration.prepareDatabase {
            try $0.execute(sql: "PRAGMA temp_store = MEMORY")
            // Only where all has gone well.
            try $0.setCheckpointAtClose(false)
        }
        do {
            try refuseNewer(path)
            let database = try DatabasePool(path: path, configuration: configuration)
            try Schema.migrator.migrate(database)
            return database
        } catch let error as DatabaseError {
            throw StorageError.opening(path, error)
        } catch {
            throw StorageError(error)
        }
    }

    /// Looks at a database without the pool, which writes to it as it opens it.
    ///
    /// It is closed again before the pool opens it: the locks of one would go with the other.
    private static func refuseNewer(_ path: String) throws {
        guard access(path, F_OK) == 0 else { return }
        var status = stat()
        let hasLog = stat(path + "-wal", &status) == 0 && status.st_size > 0
        var configuration = GRDB.Configuration()
        // Without a log there is nothing to fold, and the empty one that it makes goes.
        configuration.prepareDatabase { try $0.setCheckpointAtClose(!hasLog) }
        let database = try DatabaseQueue(path: path, configuration: configuration)
        let isNewer = try database.read(Schema.migrator.hasBeenSuperseded)
        try database.close()
        guard !isNewer else {
            throw StorageError.database(
                "\(path) was written by a newer version of this program; use that one"
            )
        }
    }

    /// Records that nothing was left half done, and closes the database.
    ///
    /// Nothing may be called afterwards.
    package func close() async throws {
        // A minute of pulls is no reason to call the folder damaged.
        try? await flushPulls()
        try await writes.perform(.power, mayUseReserve: true) { database in
            _ = try database.run("DELETE FROM store WHERE key = 'open'")
        }
        do { try foldAndClose() } catch { throw StorageError(error) }
    }

    /// Leaves one file without a log beside it, unless what the log holds may not be on the disk.
    private func foldAndClose() throws {
        if !writes.isBroken { try database.writeWithoutTransaction { try $0.setCheckpointAtClose(true) } }
        // The readers first: the last connection to close must be one that may write.
        database.releaseMemory()
        try database.close()
    }

    /// Closes the database as a crash would leave it.
    ///
    /// For tests.
    package func closeAsAfterCrash() throws {
        do { try database.close() } catch { throw StorageError(error) }
    }

    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            // Not `database.read`, which throws when the task that calls it is cancelled: what has been begun is
            // finished, and what a client left behind cleared away, for one that has gone too.
            return try await withCheckedThrowingContinuation { continuation in
                database.asyncRead { result in
                    continuation.resume(with: Result { try body(result.get()) })
                }
            }
        } catch {
            throw StorageError(error)
        }
    }

    /// Copies everything as it is now into a database of its own file.
    ///
    /// It blocks.
    func makeCopy(to path: String, now: Timestamp) throws -> CatalogCopy {
        try CatalogCopy(of: database, to: path, now: now)
    }

    /// A connection that sees everything as it is now for as long as it lives.
    ///
    /// It blocks.
    func makeSnapshot() throws -> DatabaseSnapshot { try database.makeSnapshot() }

    func readBlocking<Value: Sendable>(_ body: (Database) throws -> Value) throws -> Value {
        do { return try database.read(body) } catch { throw StorageError(error) }
    }
}
