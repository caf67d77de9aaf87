import CSQLiteProbe

/// A call of SQLite's to its file system.
struct DatabaseCall: Sendable {
    enum Operation: UInt32, CaseIterable, Hashable, Sendable {
        case open, read, write, truncate, sync, syncFolder, size, lock, unlock, delete, access, shareMap
        case shareLock
    }

    let operation: Operation
    let path: String
    /// What the test has named the open file.
    let file: Int
    let offset: Int
    /// How many bytes are read or written, or a new size.
    let count: Int
    /// What was written; empty before the call.
    let bytes: [UInt8]
    /// Whether an open makes the file where there is none.
    let creates: Bool
}

/// SQLite's result codes, as far as tests make calls fail with them.
enum SQLiteCode {
    static let ok: CInt = 0
    static let inputOutput: CInt = 10
    static let full: CInt = 13
    static let cannotOpen: CInt = 14
    static let failedSync = inputOutput | 4 << 8
}

/// Tells a test of every call that SQLite makes for the databases of one folder, for as long as it lives.
///
/// The databases must be opened after it was made.
final class DatabaseProbe: Sendable {
    /// Asked before a call; anything but 0 makes it fail.
    typealias Before = @Sendable (DatabaseCall) -> CInt
    /// Told after a call that went well; names a file that was opened.
    typealias After = @Sendable (DatabaseCall) -> Int

    private final class Observer: Sendable {
        let before: Before
        let after: After

        init(before: @escaping Before, after: @escaping After) {
            self.before = before
            self.after = after
        }
    }

    struct NotInstalled: Error { let code: CInt }

    private let observer: Unmanaged<Observer>
    // SAFETY: written once, here; what it points to is guarded by a lock of its own.
    private nonisolated(unsafe) let watch: OpaquePointer

    /// `folder`: an absolute path without symbolic links.
    init(of folder: String, before: @escaping Before, after: @escaping After) throws {
        let code = sqlite_probe_install()
        guard code == SQLiteCode.ok else { throw NotInstalled(code: code) }
        observer = .passRetained(Observer(before: before, after: after))
        // SAFETY: the context is the observer, retained until the watch has ended; the call is used within the closures.
        let callbacks = sqlite_probe_observer(
            context: observer.toOpaque(),
            before: { context, call in
                guard let context, let call else { return SQLiteCode.ok }
                return Unmanaged<Observer>.fromOpaque(context).takeUnretainedValue()
                    .before(DatabaseCall(call.pointee, copiesBytes: false))
            },
            after: { context, call in
                guard let context, let call else { return 0 }
                return Int64(
                    Unmanaged<Observer>.fromOpaque(context).takeUnretainedValue()
                        .after(DatabaseCall(call.pointee, copiesBytes: true))
                )
            }
        )
        guard let watch = sqlite_probe_begin(folder, callbacks) else {
            observer.release()
            throw NotInstalled(code: SQLiteCode.inputOutput)
        }
        self.watch = watch
    }

    deinit {
        sqlite_probe_end(watch)
        observer.release()
    }
}

extension DatabaseCall {
    fileprivate init(_ call: sqlite_probe_call, copiesBytes: Bool) {
        operation = Operation(rawValue: call.operation.rawValue) ?? .access
        path = String(cString: call.path)
        file = Int(call.file)
        offset = Int(call.offset)
        count = Int(call.count)
        // SAFETY: SQLite's bytes are as many as it says, and are copied.
        bytes =
            copiesBytes && call.bytes != nil
            ? Array(UnsafeRawBufferPointer(start: call.bytes, count: Int(call.count))) : []
        creates = call.creates
    }
}
