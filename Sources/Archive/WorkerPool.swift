import Dispatch
import Glibc
import Synchronization

/// A fixed number of threads for work that keeps a processor busy, outside Swift's cooperative pool.
///
/// Work that is handed in begins in order. The pool is shared by all that run at once, so that their number
/// does not multiply threads.
package final class WorkerPool: Sendable {
    /// How many pieces of work run at the same time.
    package let workerCount: Int
    /// What workers compress with, at most one for each of them.
    let deflateEncoders = DeflateEncoders()

    private struct State {
        var running = 0
        var waiting: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "berth.workers", attributes: .concurrent)

    /// The number of processors that the machine has online.
    package static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Makes a pool of at least one worker.
    package init(workerCount: Int = WorkerPool.processorCount) {
        precondition(workerCount > 0, "a pool without workers never finishes anything")
        self.workerCount = workerCount
    }

    /// Whether as much work waits as is being done.
    ///
    /// Whoever has a piece of work here already gains nothing from handing in the next, which is memory that waits.
    var isBusy: Bool { state.withLock { $0.waiting.count >= workerCount } }

    /// Hands in work, which begins as soon as a worker is free.
    ///
    /// Where the result is dropped before the work has begun, it never begins.
    func submit<Value: Sendable>(_ work: @escaping @Sendable () -> Value) -> PendingResult<Value> {
        let result = PendingResult<Value>()
        let job: @Sendable () -> Void = { [weak result] in
            guard let result else { return }
            result.fulfil(with: work())
        }
        let starts = state.withLock { state in
            guard state.running < workerCount else {
                state.waiting.append(job)
                return false
            }
            state.running += 1
            return true
        }
        if starts { queue.async { self.work(on: job) } }
        return result
    }

    /// Runs a job, and those that have come to wait for a worker meanwhile.
    private func work(on first: @escaping @Sendable () -> Void) {
        var next: (@Sendable () -> Void)? = first
        while let job = next {
            job()
            next = state.withLock { state in
                guard !state.waiting.isEmpty else {
                    state.running -= 1
                    return nil
                }
                return state.waiting.removeFirst()
            }
        }
    }
}

/// The result of work that another thread does.
final class PendingResult<Value: Sendable>: Sendable {
    private enum State {
        case pending([CheckedContinuation<Value, Never>])
        case fulfilled(Value)
    }

    private let state = Mutex(State.pending([]))

    /// The result if it is there already.
    var valueIfReady: Value? {
        state.withLock { state in
            guard case .fulfilled(let value) = state else { return nil }
            return value
        }
    }

    /// Waits for the result, which always comes: cancelling the waiting task does not cut the wait short.
    func value() async -> Value {
        await withCheckedContinuation { continuation in
            let value: Value? = state.withLock { state in
                switch state {
                case .fulfilled(let value): return value
                case .pending(let continuations):
                    state = .pending(continuations + [continuation])
                    return nil
                }
            }
            if let value { continuation.resume(returning: value) }
        }
    }

    fileprivate func fulfil(with value: Value) {
        let continuations = state.withLock { state in
            guard case .pending(let continuations) = state else { preconditionFailure("fulfilled twice") }
            state = .fulfilled(value)
            return continuations
        }
        for continuation in continuations { continuation.resume(returning: value) }
    }
}
