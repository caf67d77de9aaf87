import Dispatch
import Synchronization
import Testing

@testable import Archive

@Suite("Workers")
struct WorkerPoolTests {
    @Test("No more work runs at once than there are workers, and all of it is done", arguments: [1, 2, 5])
    func bound(workers: Int) async {
        let pool = WorkerPool(workerCount: workers)
        let running = Mutex((now: 0, most: 0))
        let results = (0..<200).map { number in
            pool.submit {
                running.withLock { state in
                    state.now += 1
                    state.most = max(state.most, state.now)
                }
                defer { running.withLock { $0.now -= 1 } }
                return number
            }
        }
        for (number, result) in results.enumerated() { #expect(await result.value() == number) }
        #expect(running.withLock { $0.most } <= workers)
        #expect(running.withLock { $0.now } == 0)
    }

    @Test("Two workers work at the same time")
    func parallelism() async {
        let pool = WorkerPool(workerCount: 2)
        let (first, second) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        // Each waits for the other: on one worker neither would end.
        let results = [
            pool.submit {
                first.signal()
                second.wait()
            },
            pool.submit {
                second.signal()
                first.wait()
            },
        ]
        for result in results { await result.value() }
    }

    @Test("Work whose result was dropped before its turn never begins")
    func abandonment() async {
        let pool = WorkerPool(workerCount: 1)
        let gate = DispatchSemaphore(value: 0)
        let begun = Mutex<[String]>([])
        let first = pool.submit { gate.wait() }
        var dropped: PendingResult<Void>? = pool.submit { begun.withLock { $0.append("dropped") } }
        weak let observed = dropped
        dropped = nil
        #expect(observed == nil)
        let last = pool.submit { begun.withLock { $0.append("last") } }
        gate.signal()
        await first.value()
        await last.value()
        #expect(begun.withLock { $0 } == ["last"])
    }

    @Test("Everyone who waits gets the result, before it is there and after")
    func waiters() async {
        let pool = WorkerPool(workerCount: 1)
        let gate = DispatchSemaphore(value: 0)
        let result = pool.submit {
            gate.wait()
            return 42
        }
        #expect(result.valueIfReady == nil)
        await withTaskGroup { group in
            for _ in 0..<4 { group.addTask { await result.value() } }
            gate.signal()
            for await value in group { #expect(value == 42) }
        }
        #expect(result.valueIfReady == 42)
    }
}
