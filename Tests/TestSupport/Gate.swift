import Synchronization

/// A point in a test at which tasks wait until it is opened, once and for all.
package final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var arrivals = 0
        var expected: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Returns when the gate is open.
    package func wait() async {
        await withCheckedContinuation { continuation in
            let (isOpen, arrived) = state.withLock { state in
                state.arrivals += 1
                let arrived = state.expected.filter { $0.count <= state.arrivals }
                state.expected.removeAll { $0.count <= state.arrivals }
                if !state.isOpen { state.waiting.append(continuation) }
                return (state.isOpen, arrived.map(\.continuation))
            }
            if isOpen { continuation.resume() }
            for continuation in arrived { continuation.resume() }
        }
    }

    /// Returns when so many tasks have come to the gate.
    package func arrivals(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.arrivals < count { state.expected.append((count, continuation)) }
                return state.arrivals >= count
            }
            if isReached { continuation.resume() }
        }
    }

    /// Lets everybody through.
    package func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
