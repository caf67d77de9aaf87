import CSQLiteProbe
import Glibc
import Storage
import Synchronization
import TestSupport

/// Everything that a storage folder does to the disk, through the file layer and through SQLite, in one order, and what
/// clients were told in between.
final class DiskLog: Sendable {
    /// What the log knows; changed while nobody else does anything to the disk.
    struct State {
        fileprivate(set) var events: [DiskEvent] = []
        fileprivate(set) var operations: [ClientOperation] = []
        /// What the names stand for in the running system.
        fileprivate var names: [String: Int] = [:]
        fileprivate var descriptors: [CInt: Int] = [:]
        /// When flushes of the database's files began that have not ended, by file.
        fileprivate var flushing: [Int: [Int]] = [:]
        fileprivate var lastFile = 0
        fileprivate var flushCount = 0
        /// Which flush fails, counted from 1.
        fileprivate var failingFlush: Int?
    }

    /// The recorded folder: absolute, without symbolic links.
    let root: String
    private let state = Mutex(State())
    /// How long a flush takes, so that others come in between.
    private let flushTime: useconds_t

    /// `initial`: what the folder holds.
    init(_ root: String, initial: DiskImage = DiskImage(), flushMicroseconds: Int = 200) {
        self.root = root
        flushTime = useconds_t(flushMicroseconds)
        state.withLock { state in
            state.names = initial.names
            state.lastFile = initial.names.values.max() ?? 0
        }
    }

    var events: [DiskEvent] { state.withLock { $0.events } }
    var operations: [ClientOperation] { state.withLock { $0.operations } }
    var flushCount: Int { state.withLock { $0.flushCount } }

    /// Makes one flush fail, of a file or of a folder, counted from 1.
    func failFlush(_ number: Int) { state.withLock { $0.failingFlush = number } }

    /// Does something to the disk that is recorded with it.
    func perform<Value: Sendable, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let outcome = state.withLock { state in
            do throws(Failure) {
                return Result<Value, Failure>.success(try body(&state))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// A path within the recorded folder; nil for one that is outside of it.
    func relative(_ path: String) -> String? {
        if path == root { return "" }
        return path.hasPrefix(root + "/") ? String(path.dropFirst(root.count + 1)) : nil
    }

    // MARK: Flushes

    /// A flush that has begun.
    struct Flush { fileprivate let began: Int }

    /// Begins a flush; nil for one that is to fail.
    func beginFlush(ofFile file: Int?) -> Flush? {
        state.withLock { state in
            state.flushCount += 1
            guard state.flushCount == state.failingFlush else { return Flush(began: state.events.count) }
            if let file { state.events.append(.failedSync(file: file, began: state.events.count)) }
            return nil
        }
    }

    /// Lets time pass, and records what was flushed.
    func endFlush(_ flush: Flush, ofFile file: Int) {
        if flushTime > 0 { usleep(flushTime) }
        state.withLock { $0.events.append(.sync(file: file, began: flush.began)) }
    }

    func endFlush(_ flush: Flush, ofFolder path: String) {
        if flushTime > 0 { usleep(flushTime) }
        state.withLock { $0.events.append(.syncFolder(path, began: flush.began)) }
    }
}

extension DiskLog.State {
    mutating func append(_ event: DiskEvent) {
        switch event {
        case .create(let path, let file): names[path] = file
        case .rename(let path, let newPath, let file):
            names[path] = nil
            names[newPath] = file
        case .link(_, let newPath, let file): names[newPath] = file
        case .remove(let path):
            // Nothing happens where nothing was.
            guard names.removeValue(forKey: path) != nil else { return }
        default: break
        }
        events.append(event)
    }

    /// Gives a file a number, and records that it was made.
    mutating func create(_ path: String) -> Int {
        lastFile += 1
        append(.create(path, file: lastFile))
        return lastFile
    }

    /// The file that has a name; nil where there is none.
    func file(_ path: String) -> Int? { names[path] }

    /// Remembers which file a descriptor is for, until it is for another.
    mutating func note(_ descriptor: CInt, isFor file: Int) { descriptors[descriptor] = file }

    func file(_ descriptor: CInt) -> Int? { descriptors[descriptor] }
}

// MARK: What clients do

extension DiskLog {
    /// Notes what a client asks for, does it, and notes that the client was told.
    @discardableResult
    func asking<Value>(
        for effects: [ClientOperation.Effect],
        _ body: () async throws -> Value
    ) async throws -> Value {
        let number = state.withLock { state in
            state.operations.append(ClientOperation(effects: effects, began: state.events.count))
            return state.operations.count - 1
        }
        let value = try await body()
        state.withLock { $0.operations[number].acknowledged = $0.events.count }
        return value
    }
}

// MARK: SQLite

extension DiskLog {
    /// Records what SQLite does in the folder for as long as the probe lives.
    func probe(_ calls: DatabaseFaults? = nil) throws -> DatabaseProbe {
        try DatabaseProbe(
            of: root,
            before: { [self] call in
                if let code = calls?.code(for: call) { return code }
                guard call.operation == .sync else { return SQLiteCode.ok }
                guard let flush = beginFlush(ofFile: call.file) else { return SQLiteCode.failedSync }
                state.withLock { $0.flushing[call.file, default: []].append(flush.began) }
                return SQLiteCode.ok
            },
            after: { [self] call in record(call) }
        )
    }

    private func record(_ call: DatabaseCall) -> Int {
        guard let path = relative(call.path) else { return 0 }
        if call.operation == .sync, flushTime > 0 { usleep(flushTime) }
        return state.withLock { state in
            switch call.operation {
            case .open:
                if let file = state.names[path] { return file }
                return call.creates ? state.create(path) : 0
            case .write:
                state.append(.write(file: call.file, offset: call.offset, bytes: call.bytes))
            case .truncate: state.append(.truncate(file: call.file, size: call.count))
            case .sync:
                // Of several the earliest: none of them covers more than it did.
                let began = state.flushing[call.file]?.removeFirst() ?? 0
                state.append(.sync(file: call.file, began: began))
            case .syncFolder:
                state.append(.syncFolder(DiskEvent.folder(of: path), began: state.events.count))
            case .delete: state.append(.remove(path))
            case .read, .size, .lock, .unlock, .access, .shareMap, .shareLock: break
            }
            return 0
        }
    }
}
