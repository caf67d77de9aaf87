import Glibc

extension StorageError {
    /// What a failed call to the file system means for whoever asked.
    init(_ error: FileError) {
        self =
            switch error.code {
            case ENOSPC, EDQUOT: .full
            case EROFS, EACCES, EPERM: .readOnly
            case EMFILE, ENFILE: .tooManyOpenFiles
            default: .failed(operation: error.operation, path: error.path, code: error.code)
            }
    }
}
