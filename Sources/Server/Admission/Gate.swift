import Synchronization

/// Lets in as much work as there is room for, and has the rest wait in line.
///
/// Next is whoever has waited longest of the client that has least inside, so that one who asks for much does not keep
/// the others out. No client alone takes more than three quarters.
final class Gate: Sendable {
    /// What somebody has who was let in; the place is free again when nobody holds the ticket any more.
    final class Ticket: Sendable {
        private let gate: Gate
        private let client: String
        private let weight: Mutex<Int>

        fileprivate init(_ gate: Gate, _ client: String, weight: Int) {
            self.gate = gate
            self.client = client
            self.weight = Mutex(weight)
        }

        /// Gives back what turned out not to be needed.
        func shrink(to size: Int) {
            let rest = weight.withLock { weight in
                defer { weight = min(weight, max(size, 0)) }
                return weight - min(weight, max(size, 0))
            }
            gate.leave(client, weight: rest)
        }

        deinit { gate.leave(client, weight: weight.withLock { $0 }) }
    }

    private struct Waiter {
        let number: UInt64
        let client: String
        let weight: Int
        let continuation: CheckedContinuation<Ticket, any Error>
    }

    private struct State {
        var used = 0
        var usedBy: [String: Int] = [:]
        /// In the order in which they came.
        var waiting: [Waiter] = []
        var nextNumber: UInt64 = 0
    }

    /// What there is room for, in the unit of the weights.
    let capacity: Int
    /// What one client has of it at most.
    let share: Int
    private let patience: Duration
    private let refusal: AdmissionError
    private let state = Mutex(State())

    /// `patience`: how long somebody waits at most before the refusal.
    init(capacity: Int, patience: Duration, refusal: AdmissionError) {
        precondition(capacity > 0, "somebody has to be let in")
        self.capacity = capacity
        share = max(1, Self.share(of: capacity))
        self.patience = patience
        self.refusal = refusal
    }

    /// What is left to others when a client takes all that it can.
    static func share(of capacity: Int) -> Int { capacity - capacity / 4 }

    /// How much is inside now.
    var used: Int { state.withLock { $0.used } }

    /// How many wait now.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Returns when there is room.
    ///
    /// What weighs more than a client can have is let in when that client has nothing else inside.
    /// - Throws: the refusal after too long a wait; `CancellationError`.
    func enter(_ client: String, weight: Int = 1) async throws -> Ticket {
        let weight = min(max(weight, 0), share)
        let isIn = state.withLock { state in
            guard state.waiting.isEmpty, fits(client, weight, state) else { return false }
            Self.add(weight, of: client, to: &state)
            return true
        }
        return isIn ? Ticket(self, client, weight: weight) : try await waitInLine(client, weight)
    }

    private func waitInLine(_ client: String, _ weight: Int) async throws -> Ticket {
        let number = state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
        return try await withThrowingTaskGroup(of: Ticket?.self) { group in
            group.addTask { try await self.place(number, client, weight) }
            group.addTask { [patience, refusal] in
                try await Task.sleep(for: patience)
                self.giveUp(number, refusal)
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let ticket = result { return ticket }
            }
            throw refusal
        }
    }

    private func place(_ number: UInt64, _ client: String, _ weight: Int) async throws -> Ticket {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                state.withLock {
                    $0.waiting.append(
                        Waiter(number: number, client: client, weight: weight, continuation: continuation)
                    )
                }
                // Somebody may have left since it was found that there was no room.
                admit()
                if Task.isCancelled { giveUp(number, CancellationError()) }
            }
        } onCancel: {
            giveUp(number, CancellationError())
        }
    }

    private func giveUp(_ number: UInt64, _ error: any Error) {
        let waiter = state.withLock { state in
            state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
        }
        waiter?.continuation.resume(throwing: error)
        // It may have stood in the way of somebody who asks for less.
        if waiter != nil { admit() }
    }

    private func leave(_ client: String, weight: Int) {
        guard weight > 0 else { return }
        state.withLock { state in
            state.used -= weight
            let rest = (state.usedBy[client] ?? 0) - weight
            state.usedBy[client] = rest > 0 ? rest : nil
        }
        admit()
    }

    /// Lets in whom there is room for.
    private func admit() {
        let admitted = state.withLock { state in
            var admitted: [Waiter] = []
            while let index = next(in: state),
                fits(state.waiting[index].client, state.waiting[index].weight, state)
            {
                let waiter = state.waiting.remove(at: index)
                Self.add(waiter.weight, of: waiter.client, to: &state)
                admitted.append(waiter)
            }
            return admitted
        }
        for waiter in admitted {
            waiter.continuation.resume(returning: Ticket(self, waiter.client, weight: waiter.weight))
        }
    }

    /// The one whose turn it is, among those whose clients may have more.
    ///
    /// Where there is no room for that one, nobody overtakes it: what weighs much would never get in.
    private func next(in state: State) -> Int? {
        state.waiting.indices
            .filter { has(state.waiting[$0].client, roomFor: state.waiting[$0].weight, state) }
            .min {
                (state.usedBy[state.waiting[$0].client] ?? 0) < (state.usedBy[state.waiting[$1].client] ?? 0)
            }
    }

    private func has(_ client: String, roomFor weight: Int, _ state: State) -> Bool {
        (state.usedBy[client] ?? 0) + weight <= share
    }

    private func fits(_ client: String, _ weight: Int, _ state: State) -> Bool {
        state.used + weight <= capacity && has(client, roomFor: weight, state)
    }

    private static func add(_ weight: Int, of client: String, to state: inout State) {
        state.used += weight
        state.usedBy[client, default: 0] += weight
    }
}
