import OCI
import Synchronization

/// What an import has done so far, told by everybody who works on it.
final class ImportTally: Sendable {
    private struct State {
        var report = ImportReport()
        var done: Int64 = 0
        var seen: Set<Digest> = []
        var lastTold: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    private let total: Int64
    private let onEvent: @Sendable (ImportEvent) -> Void

    /// Ten times a second is as much as an eye follows.
    private static let interval = Duration.milliseconds(100)

    init(total: Int64, onEvent: @escaping @Sendable (ImportEvent) -> Void) {
        self.total = total
        self.onEvent = onEvent
    }

    var report: ImportReport { state.withLock { $0.report } }

    func count(_ change: (inout ImportReport) -> Void) { state.withLock { change(&$0.report) } }

    func leaveOut(_ name: String, _ reason: String) {
        state.withLock { $0.report.leftOut += 1 }
        onEvent(.leftOut(.init(name: name, reason: reason)))
    }

    /// Tells, now and then, that a blob or manifest has been seen to.
    func finish(_ digest: Digest, size: Int64) {
        let done = state.withLock { state -> Int64? in
            guard state.seen.insert(digest).inserted else { return nil }
            state.done += size
            let now = ContinuousClock.now
            if let last = state.lastTold, now - last < Self.interval { return nil }
            state.lastTold = now
            return state.done
        }
        if let done { onEvent(.progress(done: done, total: total)) }
    }
}

/// Lets one task at a time work on a digest; the others wait for it.
actor DigestTurns {
    private var waiting: [Digest: [CheckedContinuation<Void, Never>]] = [:]

    /// Runs a body that has a digest to itself.
    nonisolated func with<Value: Sendable>(
        _ digest: Digest,
        _ body: () async throws -> Value
    ) async throws -> Value {
        await take(digest)
        do {
            let value = try await body()
            await pass(digest)
            return value
        } catch {
            await pass(digest)
            throw error
        }
    }

    private func take(_ digest: Digest) async {
        guard waiting[digest] != nil else {
            waiting[digest] = []
            return
        }
        await withCheckedContinuation { waiting[digest, default: []].append($0) }
    }

    private func pass(_ digest: Digest) {
        guard let next = waiting[digest]?.first else {
            waiting[digest] = nil
            return
        }
        waiting[digest]?.removeFirst()
        next.resume()
    }
}
