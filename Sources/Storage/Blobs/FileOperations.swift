/// The calls that a blob store makes to the file system: the machine's own, or a test's that fail on demand.
///
/// Each blocks; each throws `FileError`.
package protocol FileOperations: Sendable {
    /// Opens for reading, or for reading and writing.
    func open(_ path: String, _ mode: FileOpenMode) throws(FileError) -> OpenFile
    /// Writes all bytes at a position, and returns how many were written: fewer only before an error.
    func write(_ bytes: UnsafeRawBufferPointer, to file: OpenFile, at offset: Int64) throws(FileError) -> Int
    /// Reads at a position until the buffer is full or the file ends, and returns how many bytes came.
    func read(
        _ file: OpenFile,
        at offset: Int64,
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(FileError) -> Int
    /// The file's size in bytes.
    func size(of file: OpenFile) throws(FileError) -> Int64
    /// When the file was last written to.
    func modified(_ file: OpenFile) throws(FileError) -> Timestamp
    /// Cuts a file off.
    func truncate(_ file: OpenFile, to size: Int64) throws(FileError)
    /// Lets go of what memory holds of a file, so that the next read shows what the disk holds.
    ///
    /// Does what it can.
    func evict(_ file: OpenFile)
    /// Has the disk begin to write what memory holds of a part of the file.
    ///
    /// Promises nothing; throws where bytes may have been lost.
    func startWriteback(of range: Range<Int64>, of file: OpenFile) throws(FileError)
    /// Whether memory holds a part of the file; asks without waiting for the disk.
    ///
    /// True also of a file that this user neither owns nor may write to: of that the system does not tell.
    func holds(_ range: Range<Int64>, of file: OpenFile) -> Bool
    /// Returns when memory holds a part of the file.
    ///
    /// Does what it can.
    func load(_ range: Range<Int64>, of file: OpenFile)
    /// Returns when the file's content survives a loss of power.
    func sync(_ file: OpenFile) throws(FileError)
    /// Returns when a folder's entries survive a loss of power.
    func syncFolder(_ path: String) throws(FileError)
    /// Gives a file another name, over whatever had it.
    func rename(_ path: String, to newPath: String) throws(FileError)
    /// Gives a file another name beside the one that it has; none that is taken.
    func link(_ path: String, to newPath: String) throws(FileError)
    /// Takes from everybody the permission to write to a file.
    func protect(_ path: String) throws(FileError)
    /// Removes a file; one that is absent is no error.
    func remove(_ path: String) throws(FileError)
    /// Makes a folder and those above it, to survive a loss of power; one that exists is no error.
    func makeFolder(_ path: String) throws(FileError)
    /// Removes an empty folder; one that is absent is no error.
    func removeFolder(_ path: String) throws(FileError)
    /// The names in a folder, in portions of at most a thousand, without `.` and `..`.
    func entries(of path: String, _ body: ([String]) throws -> Void) throws
}

extension FileOperations {
    /// Writes all bytes at a position.
    package func write(_ bytes: [UInt8], to file: OpenFile, at offset: Int64) throws {
        // SAFETY: the bytes are used within the closure alone.
        _ = try bytes.withUnsafeBytes { try write($0, to: file, at: offset) }
    }
}

/// How a file is opened.
package enum FileOpenMode: Hashable, Sendable {
    case read
    /// The file must exist.
    case update
    /// The file must not exist.
    case create
}

/// A call to the file system that failed.
package struct FileError: Error, Hashable {
    package let operation: String
    package let path: String
    /// `errno`.
    package let code: Int32

    package init(operation: String, path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    /// What a call that flushes is called in `operation`.
    package static let flush = "fsync"

    /// Whether bytes may be lost, though they seem to be there.
    package var isFailedFlush: Bool { operation == Self.flush }
}
