import CSQLite
import GRDB

extension Database {
    /// Whether this connection, where it is the last to close, folds the log into the database and removes it.
    ///
    /// SQLite does so unasked, also where a flush of the log or of the database has failed before, and tells nobody
    /// where it fails again. What the log held and the disk did not would be gone.
    /// - SeeAlso: https://sqlite.org/c3ref/c_dbconfig_defensive.html, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE
    func setCheckpointAtClose(_ isOn: Bool) throws {
        let code = berth_sqlite_checkpoint_at_close(sqliteConnection, isOn ? 1 : 0)
        guard code == ResultCode.SQLITE_OK.rawValue else {
            throw DatabaseError(resultCode: ResultCode(rawValue: code))
        }
    }
}
