import TestSupport
import Testing

@testable import Storage

@Suite("A shared flush")
struct SharedSyncTests {
    struct Failure: Error, Equatable { let number: Int }

    @Test("runs once for a caller who is alone, every time")
    func alone() async throws {
        let runs = Shared(0)
        let sync = SharedSync { _ = runs.increment() }
        for expected in 1...3 {
            try await sync.run()
            #expect(runs.value == expected)
        }
    }

    @Test("that is under way serves nobody who asks meanwhile; the next one serves all of them")
    func followers() async throws {
        let runs = Shared(0)
        let first = Gate()
        let second = Gate()
        let sync = SharedSync {
            let run = runs.increment()
            await (run == 1 ? first : second).wait()
        }
        let served = Shared<[Int]>([])
        try await withThrowingTaskGroup { group in
            group.addTask {
                try await sync.run()
                served.update { $0.append(0) }
            }
            await first.arrivals(1)
            for caller in 1...20 {
                group.addTask {
                    try await sync.run()
                    served.update { $0.append(caller) }
                }
            }
            while sync.waitingCount < 20 { await Task.yield() }
            first.open()
            await second.arrivals(1)
            try await group.next()
            #expect(served.value == [0])
            second.open()
            try await group.waitForAll()
        }
        #expect(runs.value == 2)
        #expect(Set(served.value) == Set(0...20))
    }

    @Test("that fails fails for everybody it served, and for nobody else")
    func failures() async throws {
        let runs = Shared(0)
        let gate = Gate()
        let sync = SharedSync {
            let run = runs.increment()
            if run == 1 { await gate.wait() }
            if run < 3 { throw Failure(number: run) }
        }
        await withTaskGroup { group in
            group.addTask { await #expect(throws: Failure(number: 1)) { try await sync.run() } }
            await gate.arrivals(1)
            for _ in 0..<10 {
                group.addTask { await #expect(throws: Failure(number: 2)) { try await sync.run() } }
            }
            while sync.waitingCount < 10 { await Task.yield() }
            gate.open()
        }
        #expect(runs.value == 2)
        try await sync.run()
        #expect(runs.value == 3)
    }

    @Test("has begun after everything that its callers wrote before they asked")
    func stress() async {
        let seed = UInt64.random(in: 0...UInt64.max)
        let generator = Shared(SplitMix(seed: seed))
        let written = Shared<Set<Int>>([])
        let flushed = Shared<Set<Int>>([])
        let sync = SharedSync {
            let seen = written.value
            await Task.yield()
            if generator.update({ $0.once(in: 5) }) { throw Failure(number: 0) }
            flushed.update { $0.formUnion(seen) }
        }
        await withTaskGroup { group in
            for writer in 0..<2000 {
                group.addTask {
                    written.update { _ = $0.insert(writer) }
                    do {
                        try await sync.run()
                        #expect(flushed.value.contains(writer), "seed \(seed)")
                    } catch {
                        #expect(error is Failure)
                    }
                }
            }
        }
    }
}
