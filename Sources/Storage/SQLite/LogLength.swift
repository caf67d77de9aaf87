import GRDB
import GRDBSQLite
import Synchronization

/// How many pages SQLite's log holds, as of the last commit.
final class LogLength: Sendable {
    private let count = Atomic(0)

    var frames: Int { count.load(ordering: .relaxed) }

    fileprivate func note(_ frames: CInt) { count.store(Int(frames), ordering: .relaxed) }
}

extension Database {
    /// Has every commit of this connection note how long the log is, in the place of SQLite's own checkpoint.
    ///
    /// `length` must live as long as the connection is used.
    func tellLength(to length: LogLength) {
        // SAFETY: the queue that owns `length` is the only one to write through this connection.
        sqlite3_wal_hook(
            sqliteConnection,
            { context, _, _, frames in
                if let context { Unmanaged<LogLength>.fromOpaque(context).takeUnretainedValue().note(frames) }
                return SQLITE_OK
            },
            Unmanaged.passUnretained(length).toOpaque()
        )
    }
}
