import Storage
import Synchronization

/// Counts the upload sessions that can be resumed, so that there is an end to them.
///
/// The count is what the blob store had when it was last asked, and what has begun and ended since.
final class SessionCensus: Sendable {
    private struct State {
        /// Nil before the first count.
        var count: Int?
        /// Grows while a count is made: sessions that begin and end meanwhile, as the count may or may not see them.
        var change = 0
        var countedAt: Timestamp?
    }

    private let state = Mutex(State())

    /// Counts one more session, if there may be one more.
    func begin(limit: Int) -> Bool {
        state.withLock { state in
            guard let count = state.count, count < limit else { return false }
            state.count = count + 1
            state.change += 1
            return true
        }
    }

    /// A session has ended, or did not come to be.
    func end() {
        state.withLock { state in
            state.count = state.count.map { max(0, $0 - 1) }
            state.change -= 1
        }
    }

    /// Counts anew, unless somebody else has just done so.
    ///
    /// The body may take long, and is not to be had for every request that is refused.
    func recount(now: Timestamp, every interval: Duration, _ body: () async throws -> Int) async throws {
        let change: Int? = state.withLock { state in
            if let last = state.countedAt, state.count != nil, last <= now, now < last + interval {
                return nil
            }
            state.countedAt = now
            return state.change
        }
        guard let change else { return }
        let count = try await body()
        state.withLock { $0.count = count + max(0, $0.change - change) }
    }
}
