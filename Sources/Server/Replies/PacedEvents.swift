import OCI
import Synchronization

/// What an operation tells, as lines of a reply; of the progress not more than anybody follows.
final class PacedEvents: Sendable {
    private let send: @Sendable (JSONValue.Member) -> Void
    private let lastSent = Mutex(ContinuousClock.Instant?.none)

    /// Five times a second is a line that moves.
    private static let interval = Duration.milliseconds(200)

    init(_ send: @escaping @Sendable (JSONValue.Member) -> Void) { self.send = send }

    /// Tells how many bytes are done, unless that was told just now.
    func tellBytes(_ done: Int64, of total: Int64) {
        let now = ContinuousClock.now
        let isDue = lastSent.withLock { last in
            if let last, now - last < Self.interval { return false }
            last = now
            return true
        }
        guard isDue else { return }
        tell(.init("bytes", .object([.init("done", .integer(done)), .init("total", .integer(total))])))
    }

    /// Tells anything else.
    func tell(_ member: JSONValue.Member) { send(.init("progress", .object([member]))) }
}
