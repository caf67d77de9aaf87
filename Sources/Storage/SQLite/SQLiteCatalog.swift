import GRDB
import OCI

/// The catalog in one SQLite database, in WAL mode, with one writing connection.
///
/// The process that opens it must own the storage folder, and open it once: SQLite's locks belong to the process,
/// and closing one of two connections to the same file would drop the other's.
package final class SQLiteCatalog: Catalog {
    private let database: DatabasePool
    let writes: WriteQueue
    /// Written down by `flushPulls`, and when the catalog closes.
    let pulls = PullLog()
    /// Whether the process that had the database open before did not close it.
    package let wasInterrupted: Bool

    /// How many requests read at once.
    ///
    /// Readers hold no more than a snapshot and some pages of cache each.
    private static let maximumReaders = 8

    /// Opens a database, makes it where there is none, and brings an older one up to date.
    ///
    /// - Throws: `StorageError.database` for one that a newer program has written.
    package init(path: String) async throws {
        var configuration = GRDB.Configuration()
        configuration.maximumReaderCount = Self.maximumReaders
        configuration.label = "catalog"
        // A transaction that may be taken back in part keeps what it changed aside: not in a file of its own, for
        // which there may be no place.
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA temp_store = MEMORY") }
        do {
            database = try DatabasePool(path: path, configuration: configuration)
            let migrator = Schema.migrator
            if try await database.read(migrator.hasBeenSuperseded) {
                throw StorageError.database(
                    "\(path) was written by a newer version of this program; use that one"
                )
            }
            try migrator.migrate(database)
        } catch let error as DatabaseError {
            throw StorageError.opening(path, error)
        } catch {
            throw StorageError(error)
        }
        writes = WriteQueue(database)
        wasInterrupted = try await writes.perform(.power) { database in
            let wasOpen = try database.exists("SELECT 1 FROM store WHERE key = 'open'")
            try database.run("INSERT OR REPLACE INTO store (key, value) VALUES ('open', '1')")
            return wasOpen
        }
    }

    /// Records that nothing was left half done, and closes the database.
    ///
    /// Nothing may be called afterwards.
    package func close() async throws {
        try await flushPulls()
        try await writes.perform(.power) { database in
            _ = try database.run("DELETE FROM store WHERE key = 'open'")
        }
        do {
            // The readers first: SQLite folds the log into the database and removes it when the last connection
            // closes, if that is one that may write. So one file is left, without a log beside it.
            database.releaseMemory()
            try database.close()
        } catch {
            throw StorageError(error)
        }
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

    /// A connection that sees everything as it is now for as long as it lives.
    ///
    /// It blocks.
    func makeSnapshot() throws -> DatabaseSnapshot { try database.makeSnapshot() }

    func readBlocking<Value: Sendable>(_ body: (Database) throws -> Value) throws -> Value {
        do { return try database.read(body) } catch { throw StorageError(error) }
    }
}
