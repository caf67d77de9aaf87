import Synchronization

/// Lets the tasks of a test take their steps one at a time, in an order that the test chooses.
///
/// A task passes the turnstile before each step. When all wait there, one is let through, and the next only when that one
/// is back or has ended: so a run is the same whenever the choices are.
final class Turnstile: Sendable {
    /// Which of the tasks this is; nil for whoever is not in the game, and passes freely.
    @TaskLocal static var player: Int?

    private struct State {
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var running: Set<Int> = []
        var isSettled: CheckedContinuation<Void, Never>?

        mutating func takeSettled() -> CheckedContinuation<Void, Never>? {
            guard running.isEmpty else { return nil }
            defer { isSettled = nil }
            return isSettled
        }
    }

    private let state = Mutex(State())

    /// Waits for this task's turn.
    func pass() async {
        guard let player = Self.player else { return }
        await withCheckedContinuation { continuation in
            let settled = state.withLock { state in
                state.waiting[player] = continuation
                state.running.remove(player)
                return state.takeSettled()
            }
            settled?.resume()
        }
    }

    /// Runs the bodies, each as one player, and asks at each step who is next.
    ///
    /// `choose` gets the players that wait, in order, and returns one of them.
    func run(
        _ bodies: [@Sendable () async throws -> Void],
        choose: ([Int]) -> Int
    ) async throws {
        state.withLock { $0.running = Set(bodies.indices) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (player, body) in bodies.enumerated() {
                group.addTask {
                    defer { self.leave(player) }
                    try await Self.$player.withValue(player) { try await body() }
                }
            }
            while true {
                await settle()
                let waiting = state.withLock { $0.waiting.keys.sorted() }
                guard !waiting.isEmpty else { break }
                let next = choose(waiting)
                let continuation = state.withLock { state in
                    state.running.insert(next)
                    return state.waiting.removeValue(forKey: next)
                }
                continuation?.resume()
            }
            try await group.waitForAll()
        }
    }

    private func leave(_ player: Int) {
        state.withLock { state in
            state.running.remove(player)
            return state.takeSettled()
        }?.resume()
    }

    /// Returns when nobody is between two steps.
    private func settle() async {
        await withCheckedContinuation { continuation in
            let isSettled = state.withLock { state in
                if !state.running.isEmpty { state.isSettled = continuation }
                return state.running.isEmpty
            }
            if isSettled { continuation.resume() }
        }
    }
}

/// All orders in which players can take their steps, one after the other: the last choice that can be another one is.
struct Schedules {
    private var choices: [(taken: Int, of: Int)] = []
    private var depth = 0
    private(set) var count = 0

    /// Begins the next run; false where there is none.
    mutating func next() -> Bool {
        if count > 0 {
            while let last = choices.last, last.taken + 1 == last.of { choices.removeLast() }
            guard !choices.isEmpty else { return false }
            choices[choices.count - 1].taken += 1
        }
        depth = 0
        count += 1
        return true
    }

    /// Who is next in this run.
    mutating func choose(_ waiting: [Int]) -> Int {
        if depth == choices.count { choices.append((0, waiting.count)) }
        defer { depth += 1 }
        return waiting[choices[depth].taken]
    }

    /// What was chosen, to run a failure again.
    var description: String { choices.map { "\($0.taken)" }.joined() }
}
