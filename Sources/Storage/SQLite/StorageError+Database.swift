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
}
