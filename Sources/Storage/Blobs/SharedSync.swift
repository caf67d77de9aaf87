import Synchronization

/// Runs one costly flush for everybody who asks while the one before it runs.
///
/// A caller is served by a flush that began after it asked, never by one that was under way already: what the caller
/// wrote may have missed that one.
final class SharedSync: Sendable {
    private enum Turn {
        case lead
        case finished(Result<Void, any Error>)
    }

    private struct State {
        var isRunning = false
        var waiting: [CheckedContinuation<Turn, Never>] = []
    }

    private let state = Mutex(State())
    private let flush: @Sendable () async throws -> Void

    init(_ flush: @escaping @Sendable () async throws -> Void) { self.flush = flush }

    /// Returns when a flush that began after this call has ended well.
    func run() async throws {
        switch await takeTurn() {
        case .finished(let result): try result.get()
        case .lead:
            let followers = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            let result: Result<Void, any Error>
            do { result = .success(try await flush()) } catch { result = .failure(error) }
            for follower in followers { follower.resume(returning: .finished(result)) }
            passLeadership()
            try result.get()
        }
    }

    /// How many wait for the next flush.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    private func takeTurn() async -> Turn {
        await withCheckedContinuation { continuation in
            let leads = state.withLock { state in
                guard state.isRunning else {
                    state.isRunning = true
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if leads { continuation.resume(returning: .lead) }
        }
    }

    private func passLeadership() {
        let next = state.withLock { state -> CheckedContinuation<Turn, Never>? in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume(returning: .lead)
    }
}
