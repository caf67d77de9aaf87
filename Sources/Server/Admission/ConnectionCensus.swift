import Synchronization

/// Counts the connections of one listener, by who has them.
///
/// The listener takes no further one when there are as many as it may have; the others wait in the kernel's queue. So
/// whoever does nothing with a connection then has it for a short time only, and no client has all of them.
final class ConnectionCensus: Sendable {
    private struct State {
        var count = 0
        var byClient: [String: Int] = [:]
    }

    /// How many there may be at once.
    let limit: Int
    /// How many of them one client may use.
    let share: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
        share = max(1, Gate.share(of: limit))
    }

    func opened(by client: String) {
        state.withLock { state in
            state.count += 1
            state.byClient[client, default: 0] += 1
        }
    }

    func closed(by client: String) {
        state.withLock { state in
            state.count -= 1
            let rest = (state.byClient[client] ?? 0) - 1
            state.byClient[client] = rest > 0 ? rest : nil
        }
    }

    /// Whether others may wait for a connection to end.
    var isCrowded: Bool { state.withLock { $0.count >= limit } }

    /// Whether a client has more than its share.
    func isExceeded(by client: String) -> Bool { state.withLock { ($0.byClient[client] ?? 0) > share } }
}
