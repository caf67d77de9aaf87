import NIOPosix
import Synchronization

/// Flushes files and folders, each once for everybody who asks for it at the same time.
///
/// After a flush that failed the kernel may have dropped the bytes and called their pages clean, so that the next
/// flush would succeed without them. Therefore what failed once goes on failing, until other content takes its place.
final class SharedFlushes: Sendable {
    /// What is flushed.
    enum Target: Hashable, Sendable {
        case file(String)
        case folder(String)
    }

    private struct Entry {
        let sync: SharedSync
        var waiting: Int
    }

    private struct State {
        var entries: [Target: Entry] = [:]
        var failures: [Target: FileError] = [:]
    }

    private let threads: NIOThreadPool
    private let files: any FileOperations
    private let state = Mutex(State())

    init(threads: NIOThreadPool, files: any FileOperations) {
        self.threads = threads
        self.files = files
    }

    /// Returns when a flush that began after this call has ended well.
    func run(_ target: Target) async throws {
        let sync = begin(target)
        defer { end(target) }
        try await sync.run()
    }

    /// Forgets that a flush failed: something else is there now, or nothing.
    func forget(_ target: Target) {
        state.withLock { _ = $0.failures.removeValue(forKey: target) }
    }

    /// How many wait for a flush that has not begun.
    var waitingCount: Int { state.withLock { $0.entries.values.reduce(0) { $0 + $1.sync.waitingCount } } }

    private func begin(_ target: Target) -> SharedSync {
        state.withLock { state in
            var entry =
                state.entries[target]
                ?? Entry(
                    sync: SharedSync { [self] in try await threads.runBlocking { try self.flush(target) } },
                    waiting: 0
                )
            entry.waiting += 1
            state.entries[target] = entry
            return entry.sync
        }
    }

    private func end(_ target: Target) {
        state.withLock { state in
            state.entries[target]?.waiting -= 1
            if state.entries[target]?.waiting == 0 { state.entries[target] = nil }
        }
    }

    private func flush(_ target: Target) throws(FileError) {
        if let failure = state.withLock({ $0.failures[target] }) { throw failure }
        do throws(FileError) {
            switch target {
            case .file(let path): try files.sync(files.open(path, .read))
            case .folder(let path): try files.syncFolder(path)
            }
        } catch {
            if error.isFailedFlush { state.withLock { $0.failures[target] = error } }
            throw error
        }
    }
}
