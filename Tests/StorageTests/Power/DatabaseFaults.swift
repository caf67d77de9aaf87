import Synchronization

/// Counts SQLite's calls, and makes some of them fail.
final class DatabaseFaults: Sendable {
    /// What a call fails with.
    enum Kind: CaseIterable, Sendable {
        /// As the device does that is broken.
        case inputOutput
        /// As on a device without space.
        case full
        /// As where no file can be opened any more.
        case cannotOpen
    }

    private struct State {
        var counts: [DatabaseCall.Operation: Int] = [:]
        var kind = Kind.inputOutput
        var operation: DatabaseCall.Operation?
        var number = 0
        var times = 0
        var failed: [DatabaseCall] = []
    }

    private let state = Mutex(State())

    /// How many calls of each kind were made.
    var counts: [DatabaseCall.Operation: Int] { state.withLock { $0.counts } }

    /// What has failed.
    var failed: [DatabaseCall] { state.withLock { $0.failed } }

    /// Makes calls of a kind fail from the one of a number on, counted from 1 from the first of all.
    func fail(_ operation: DatabaseCall.Operation, _ number: Int, times: Int = 1, as kind: Kind) {
        state.withLock { state in
            state.operation = operation
            state.number = number
            state.times = times
            state.kind = kind
        }
    }

    /// Lets everything succeed again.
    func mend() { state.withLock { $0.operation = nil } }

    /// The code that a call is to fail with; nil for one that is to succeed.
    func code(for call: DatabaseCall) -> CInt? {
        state.withLock { state in
            state.counts[call.operation, default: 0] += 1
            guard call.operation == state.operation,
                state.counts[call.operation, default: 0] >= state.number, state.times > 0
            else { return nil }
            guard let code = Self.code(for: call.operation, state.kind) else { return nil }
            state.times -= 1
            state.failed.append(call)
            return code
        }
    }

    /// What SQLite's own layer answers where the system's call fails so; nil where it cannot.
    private static func code(for operation: DatabaseCall.Operation, _ kind: Kind) -> CInt? {
        switch (operation, kind) {
        case (.open, _), (.shareMap, .cannotOpen): SQLiteCode.cannotOpen
        case (.write, .full): SQLiteCode.full
        case (.shareMap, .full): SQLiteCode.inputOutput | 19 << 8
        case (_, .full), (_, .cannotOpen): nil
        case (.read, _): SQLiteCode.inputOutput | 1 << 8
        case (.write, _): SQLiteCode.inputOutput | 3 << 8
        case (.sync, _): SQLiteCode.failedSync
        case (.truncate, _): SQLiteCode.inputOutput | 6 << 8
        case (.size, _): SQLiteCode.inputOutput | 7 << 8
        case (.unlock, _): SQLiteCode.inputOutput | 8 << 8
        case (.delete, _): SQLiteCode.inputOutput | 10 << 8
        case (.access, _): SQLiteCode.inputOutput | 13 << 8
        case (.lock, _): SQLiteCode.inputOutput | 15 << 8
        case (.shareLock, _): SQLiteCode.inputOutput | 20 << 8
        case (.shareMap, _): SQLiteCode.inputOutput | 21 << 8
        case (.syncFolder, _): nil
        }
    }
}
