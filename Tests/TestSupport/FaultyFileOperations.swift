import Glibc
package import Storage
import Synchronization

/// The machine's file system, with calls that fail on demand, and a record of all calls.
///
/// It also knows what a loss of power could take: which files have been written since their last fsync, and which
/// names have been given since that of their folder.
package final class FaultyFileOperations: FileOperations {
    /// A kind of call.
    package enum Operation: String, CaseIterable, Hashable, Sendable {
        case open, write, read, size, modified, truncate, evict, startWriteback, holds, load, sync,
            syncFolder,
            rename, link, protect,
            remove, makeFolder, removeFolder,
            entries

        /// Whether bytes or names are as good as lost where it fails.
        package var isFlush: Bool { self == .sync || self == .syncFolder }
    }

    /// One call that was made, whether it failed or not.
    package struct Call: Hashable, Sendable {
        package let operation: Operation
        /// For a rename the old one, for a link the new one.
        package let path: String

        package init(operation: Operation, path: String) {
            self.operation = operation
            self.path = path
        }
    }

    private struct Fault: Sendable {
        let operation: Operation?
        let isConcerned: @Sendable (String) -> Bool
        var skip: Int
        var times: Int
        let code: CInt
    }

    private struct State {
        var faults: [Fault] = []
        var calls: [Call] = []
        var observer: (@Sendable (Call) -> Void)?
        var unsyncedFiles: Set<String> = []
        var unsyncedNames: Set<String> = []
    }

    private let machine: any FileOperations
    private let passesFlushesOn: Bool
    private let state = Mutex(State())

    /// Stands before the machine's own file system, or before another that is told of flushes as well.
    ///
    /// The machine's own flushes nothing here: the bytes are in no danger, and what is tested is who asked.
    package init(before machine: (any FileOperations)? = nil) {
        self.machine = machine ?? POSIXFileOperations()
        passesFlushesOn = machine != nil
    }

    /// Makes calls fail.
    ///
    /// - Parameters:
    ///   - operation: which kind, or nil for any; a write that fails has written half of its bytes.
    ///   - skip: how many calls go well first.
    ///   - times: how many fail then.
    ///   - code: `errno`.
    ///   - isConcerned: which paths are meant.
    package func fail(
        _ operation: Operation?,
        skip: Int = 0,
        times: Int = 1,
        with code: CInt = EIO,
        where isConcerned: @escaping @Sendable (String) -> Bool = { _ in true }
    ) {
        let fault = Fault(
            operation: operation,
            isConcerned: isConcerned,
            skip: skip,
            times: times,
            code: code
        )
        state.withLock { $0.faults.append(fault) }
    }

    /// Lets everything succeed again.
    package func mend() { state.withLock { $0.faults = [] } }

    /// Calls a test's own code before every call from here on.
    package func observe(_ observer: (@Sendable (Call) -> Void)?) {
        state.withLock { $0.observer = observer }
    }

    /// Everything that was called so far, in order.
    package var calls: [Call] { state.withLock { $0.calls } }

    /// How many calls of a kind were made so far.
    package func count(of operation: Operation) -> Int {
        calls.count { $0.operation == operation }
    }

    /// Whether a loss of power could take a file's bytes.
    package func areBytesAtRisk(_ path: String) -> Bool {
        state.withLock { $0.unsyncedFiles.contains(path) }
    }

    /// Whether a loss of power could take a file's name, and so the file.
    package func isNameAtRisk(_ path: String) -> Bool {
        state.withLock { $0.unsyncedNames.contains(path) }
    }

    /// Whether a loss of power could do a file any harm.
    package func isAtRisk(_ path: String) -> Bool { areBytesAtRisk(path) || isNameAtRisk(path) }

    private func record(_ call: Call) {
        let observer = state.withLock { state in
            state.calls.append(call)
            return state.observer
        }
        observer?(call)
    }

    private func begin(_ operation: Operation, _ path: String) throws(FileError) {
        record(Call(operation: operation, path: path))
        let code = state.withLock { Self.consume(&$0.faults, operation, path) }
        if let code { throw FileError(operation: operation.name, path: path, code: code) }
    }

    private static func consume(_ faults: inout [Fault], _ operation: Operation, _ path: String) -> CInt? {
        for index in faults.indices
        where (faults[index].operation ?? operation) == operation && faults[index].isConcerned(path) {
            if faults[index].skip > 0 {
                faults[index].skip -= 1
            } else if faults[index].times > 0 {
                faults[index].times -= 1
                return faults[index].code
            }
        }
        return nil
    }

    private func noteName(_ path: String) {
        state.withLock { _ = $0.unsyncedNames.insert(path) }
    }

    private func noteContent(_ path: String) {
        state.withLock { _ = $0.unsyncedFiles.insert(path) }
    }
}

extension FaultyFileOperations {
    package func open(_ path: String, _ mode: FileOpenMode) throws(FileError) -> OpenFile {
        try begin(.open, path)
        let file = try machine.open(path, mode)
        if mode == .create { noteName(path) }
        return file
    }

    package func write(
        _ bytes: UnsafeRawBufferPointer,
        to file: OpenFile,
        at offset: Int64
    ) throws(FileError) -> Int {
        noteContent(file.path)
        do throws(FileError) { try begin(.write, file.path) } catch {
            _ = try machine.write(
                UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)]),
                to: file,
                at: offset
            )
            throw error
        }
        return try machine.write(bytes, to: file, at: offset)
    }

    package func read(
        _ file: OpenFile,
        at offset: Int64,
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(FileError) -> Int {
        try begin(.read, file.path)
        return try machine.read(file, at: offset, into: bytes)
    }

    package func size(of file: OpenFile) throws(FileError) -> Int64 {
        try begin(.size, file.path)
        return try machine.size(of: file)
    }

    package func modified(_ file: OpenFile) throws(FileError) -> Timestamp {
        try begin(.modified, file.path)
        return try machine.modified(file)
    }

    package func truncate(_ file: OpenFile, to size: Int64) throws(FileError) {
        try begin(.truncate, file.path)
        noteContent(file.path)
        try machine.truncate(file, to: size)
    }

    package func evict(_ file: OpenFile) {
        record(Call(operation: .evict, path: file.path))
        machine.evict(file)
    }

    package func startWriteback(of range: Range<Int64>, of file: OpenFile) throws(FileError) {
        try begin(.startWriteback, file.path)
        try machine.startWriteback(of: range, of: file)
    }

    package func holds(_ range: Range<Int64>, of file: OpenFile) -> Bool {
        record(Call(operation: .holds, path: file.path))
        return machine.holds(range, of: file)
    }

    package func load(_ range: Range<Int64>, of file: OpenFile) {
        record(Call(operation: .load, path: file.path))
        machine.load(range, of: file)
    }

    package func sync(_ file: OpenFile) throws(FileError) {
        try begin(.sync, file.path)
        if passesFlushesOn { try machine.sync(file) }
        state.withLock { _ = $0.unsyncedFiles.remove(file.path) }
    }

    package func syncFolder(_ path: String) throws(FileError) {
        try begin(.syncFolder, path)
        if passesFlushesOn { try machine.syncFolder(path) }
        state.withLock { state in
            state.unsyncedNames = state.unsyncedNames.filter { !$0.hasPrefix(path + "/") }
        }
    }

    package func rename(_ path: String, to newPath: String) throws(FileError) {
        try begin(.rename, path)
        try machine.rename(path, to: newPath)
        state.withLock { state in
            if state.unsyncedFiles.remove(path) != nil {
                state.unsyncedFiles.insert(newPath)
            } else {
                state.unsyncedFiles.remove(newPath)
            }
        }
        noteName(newPath)
    }

    package func link(_ path: String, to newPath: String) throws(FileError) {
        try begin(.link, newPath)
        try machine.link(path, to: newPath)
        noteName(newPath)
    }

    package func protect(_ path: String) throws(FileError) {
        try begin(.protect, path)
        try machine.protect(path)
    }

    package func removeFolder(_ path: String) throws(FileError) {
        try begin(.removeFolder, path)
        try machine.removeFolder(path)
    }

    package func remove(_ path: String) throws(FileError) {
        try begin(.remove, path)
        try machine.remove(path)
        state.withLock { state in
            state.unsyncedFiles.remove(path)
            state.unsyncedNames.remove(path)
        }
    }

    package func makeFolder(_ path: String) throws(FileError) {
        try begin(.makeFolder, path)
        try machine.makeFolder(path)
    }

    package func entries(of path: String, _ body: ([String]) throws -> Void) throws {
        try begin(.entries, path)
        try machine.entries(of: path, body)
    }
}

extension FaultyFileOperations.Operation {
    /// What the machine's own implementation calls it in its errors.
    package var name: String {
        switch self {
        case .sync, .syncFolder: FileError.flush
        case .startWriteback: "sync_file_range"
        case .remove: "unlink"
        case .makeFolder: "mkdir"
        case .removeFolder: "rmdir"
        case .protect: "chmod"
        case .entries: "opendir"
        case .size, .modified: "stat"
        case .open, .write, .read, .truncate, .evict, .holds, .load, .rename, .link: rawValue
        }
    }
}
