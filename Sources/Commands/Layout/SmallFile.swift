import Glibc
import OCI
import Storage

/// Files that are documents, and are read at once.
enum SmallFile {
    /// Reads a file; it blocks.
    ///
    /// - Throws: `FileError`, for a file of more bytes than the limit as for one that the system finds too large.
    static func contents(of path: String, limit: Int) throws -> [UInt8] {
        let files = POSIXFileOperations()
        let file = try files.open(path, .read)
        let size = try files.size(of: file)
        guard size <= limit else { throw FileError(operation: "read", path: path, code: EFBIG) }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        // SAFETY: the bytes are used within the closure alone.
        let count = try bytes.withUnsafeMutableBytes { try files.read(file, at: 0, into: $0) }
        return Array(bytes.prefix(count))
    }
}

extension CommandError {
    /// A call to the file system that failed, as the user would say it: `cannot write app.tar: No space left on device`.
    init(_ error: FileError, _ action: String, _ path: String) {
        self.init(
            "cannot \(action) \(path.printable(limit: .max)): \(String(cString: strerror(error.code)))"
        )
    }
}
