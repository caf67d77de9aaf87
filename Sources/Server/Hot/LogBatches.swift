import NIOCore
import Synchronization

/// The lines of the log about replies that cost less than a line does: those of one turn of an event loop are written
/// together.
struct LogBatches: Sendable {
    private let log: ServerLog
    private let batches = Batches()

    init(_ log: ServerLog) { self.log = log }

    /// The batch of an event loop; called on it.
    func batch(on eventLoop: any EventLoop) -> LogBatch {
        batches.ofLoop.withLock { ofLoop in
            // A loop that has a batch stays, so that no other takes its place.
            if let batch = ofLoop[ObjectIdentifier(eventLoop)] { return batch.value }
            let batch = NIOLoopBound(LogBatch(log, eventLoop), eventLoop: eventLoop)
            ofLoop[ObjectIdentifier(eventLoop)] = batch
            return batch.value
        }
    }

    private final class Batches: Sendable {
        let ofLoop = Mutex<[ObjectIdentifier: NIOLoopBound<LogBatch>]>([:])
    }
}

/// What one event loop has to write into the log when its turn ends.
final class LogBatch {
    private let log: ServerLog
    private let eventLoop: any EventLoop
    private var records: [RequestRecord] = []

    init(_ log: ServerLog, _ eventLoop: any EventLoop) {
        self.log = log
        self.eventLoop = eventLoop
    }

    /// Has a line written behind those that are waiting, in this turn of the event loop.
    func append(_ record: RequestRecord) {
        if records.isEmpty {
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            // What a loop is given to do in its turn it does before it waits for anybody.
            eventLoop.execute { bound.value.write() }
        }
        records.append(record)
    }

    private func write() {
        log.requests(records)
        records.removeAll(keepingCapacity: true)
    }
}
