import Synchronization
import TestSupport
import Testing

@testable import Server

/// Who is let in, and when.
@Suite("Gate")
struct GateTests {
    private typealias Gate = Server.Gate

    private static let refusal = AdmissionError.busy(.upload, limit: 0)

    private func makeGate(_ capacity: Int, patience: Duration = .seconds(300)) -> Gate {
        Gate(capacity: capacity, patience: patience, refusal: Self.refusal)
    }

    /// Begins to wait, and returns when that has a place in the line.
    private func line(
        _ gate: Gate,
        _ client: String,
        weight: Int = 1,
        in group: inout ThrowingTaskGroup<(String, Gate.Ticket), any Error>
    ) async throws {
        let before = gate.waitingCount
        group.addTask { (client, try await gate.enter(client, weight: weight)) }
        try await eventually("a place in the line") { gate.waitingCount > before ? () : nil }
    }

    @Test("As many are let in as there is room for, and the next one when somebody leaves")
    func capacity() async throws {
        let gate = makeGate(4)
        var tickets = [
            try await gate.enter("a"), try await gate.enter("b"), try await gate.enter("c", weight: 2),
        ]
        #expect(gate.used == 4)
        try await withThrowingTaskGroup(of: (String, Gate.Ticket).self) { group in
            try await line(gate, "d", in: &group)
            tickets.removeLast()
            let entered = try await group.next()
            #expect(entered?.0 == "d" && gate.used == 3)
        }
        tickets = []
        #expect(gate.used == 0)
    }

    @Test("A client has at most three quarters, and others get the rest at once")
    func share() async throws {
        let gate = makeGate(8)
        #expect(gate.share == 6)
        var tickets: [Gate.Ticket] = []
        for _ in 1...6 { tickets.append(try await gate.enter("greedy")) }
        try await withThrowingTaskGroup(of: (String, Gate.Ticket).self) { group in
            try await line(gate, "greedy", in: &group)
            let other = try await gate.enter("other")
            #expect(gate.used == 7 && gate.waitingCount == 1)
            tickets.removeLast()
            let entered = try await group.next()
            #expect(entered?.0 == "greedy")
            withExtendedLifetime(other) {}
        }
    }

    @Test("Whoever has least inside is next, and of one client whoever came first")
    func fairness() async throws {
        let gate = makeGate(4)
        var tickets: [(String, Gate.Ticket)] = []
        for _ in 1...3 { tickets.append(("many", try await gate.enter("many"))) }
        tickets.append(("few", try await gate.enter("few")))
        try await withThrowingTaskGroup(of: (String, Gate.Ticket).self) { group in
            // All of the first client's wait longer than the second's.
            for _ in 1...3 { try await line(gate, "many", in: &group) }
            for _ in 1...2 { try await line(gate, "none", in: &group) }
            var order: [String] = []
            for _ in 1...5 {
                tickets.removeFirst()
                let entered = try #require(try await group.next())
                order.append(entered.0)
                tickets.append(entered)
            }
            // With as much inside as the other, whoever came first.
            #expect(order == ["none", "many", "many", "none", "many"])
        }
    }

    @Test("What weighs much is not overtaken for ever by what weighs little")
    func heavy() async throws {
        let gate = makeGate(4)
        var tickets = [try await gate.enter("a"), try await gate.enter("b")]
        try await withThrowingTaskGroup(of: (String, Gate.Ticket).self) { group in
            try await line(gate, "heavy", weight: 3, in: &group)
            try await line(gate, "light", weight: 1, in: &group)
            #expect(gate.used == 2)
            tickets.removeLast()
            let first = try await group.next()
            #expect(first?.0 == "heavy")
            tickets.removeAll()
            let second = try await group.next()
            #expect(second?.0 == "light")
        }
    }

    @Test("What weighs more than all is let in alone")
    func tooHeavy() async throws {
        let gate = makeGate(4)
        let ticket = try await gate.enter("a", weight: 1000)
        #expect(gate.used == gate.share)
        withExtendedLifetime(ticket) {}
    }

    @Test("What turns out not to be needed is given back at once")
    func shrinks() async throws {
        let gate = makeGate(100)
        let ticket = try await gate.enter("a", weight: 60)
        ticket.shrink(to: 10)
        #expect(gate.used == 10)
        ticket.shrink(to: 50)
        #expect(gate.used == 10)
        ticket.shrink(to: 0)
        #expect(gate.used == 0)
    }

    @Test("Whoever waits too long is refused, and stands in nobody's way any more")
    func patience() async throws {
        let gate = makeGate(4, patience: .milliseconds(50))
        let tickets = [try await gate.enter("a", weight: 3)]
        await #expect(throws: Self.refusal) { try await gate.enter("b", weight: 2) }
        let light = try await gate.enter("c", weight: 1)
        #expect(gate.waitingCount == 0 && gate.used == 4)
        withExtendedLifetime((tickets, light)) {}
    }

    @Test("Whoever does not want to wait any more leaves no trace")
    func cancellation() async throws {
        let gate = makeGate(1)
        let ticket = try await gate.enter("a")
        await withThrowingTaskGroup(of: (String, Gate.Ticket).self) { group in
            try? await line(gate, "b", in: &group)
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
        #expect(gate.waitingCount == 0)
        withExtendedLifetime(ticket) {}
    }

    @Test("Many at once are never more than there is room for, and all get in")
    func storm() async throws {
        let gate = makeGate(10)
        let inside = Inside()
        try await withThrowingTaskGroup(of: Void.self) { group in
            var random = TestSeed.current.random()
            for index in 0..<500 {
                let weight = Int.random(in: 1...4, using: &random)
                group.addTask {
                    let ticket = try await gate.enter("client \(index % 7)", weight: weight)
                    inside.add(weight)
                    for _ in 0..<weight { await Task.yield() }
                    inside.add(-weight)
                    withExtendedLifetime(ticket) {}
                }
            }
            try await group.waitForAll()
        }
        #expect(inside.most <= 10, "\(TestSeed.current)")
        #expect(gate.used == 0 && gate.waitingCount == 0)
    }
}

/// What is inside a gate, as those see it who are.
private final class Inside: Sendable {
    private let weight = Mutex((now: 0, most: 0))

    var most: Int { weight.withLock { $0.most } }

    func add(_ change: Int) {
        weight.withLock {
            $0.now += change
            $0.most = max($0.most, $0.now)
        }
    }
}
