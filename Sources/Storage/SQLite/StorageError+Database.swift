import Glibc
import GRDB

extension StorageError {
    /// What an error inside a transaction means for whoever asked.
    init(_ error: any Error) {
        switch error {
        case let error as StorageError: self = error
        case let error as FileError: self = StorageError(error)
        case let error as DatabaseError:
            self =
                switch error.resultCode {
                case .SQLITE_FULL: .full
                // The log's index, in memory that a file stands for, cannot grow.
                case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_SHMSIZE: .full
                case .SQLITE_READONLY: .readOnly
                case .SQLITE_CANTOPEN: .tooManyOpenFiles
                default:
                    .database(
                        "\(error.resultCode) (\(error.extendedResultCode.rawValue)) \(error.message ?? "")"
                    )
                }
        default: self = .database("\(error)")
        }
    }

    /// What an error in opening the database means.
    static func opening(_ path: String, _ error: DatabaseError) -> StorageError {
        if StorageError(error) == .full || (error.resultCode == .SQLITE_IOERR && isFull(path)) {
            return .full
        }
        if error.resultCode == .SQLITE_NOTADB || error.resultCode == .SQLITE_ERROR {
            return .database("\(path) is no catalog of Berth's: \(error.message ?? "")")
        }
        return .database("\(path) cannot be opened: \(error.message ?? "\(error.resultCode)")")
    }

    /// Whether no block is left on a path's file system: SQLite tells that as an input or output error.
    private static func isFull(_ path: String) -> Bool {
        var status = statvfs()
        return statvfs(path, &status) == 0 && status.f_bavail == 0
    }
}
