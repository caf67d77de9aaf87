import NIOCore

/// Notes when a peer last did its part, and how much of it, to tell one that is slow from one that has stopped.
///
/// A peer that does a little now and then, so as not to have stopped, has stopped too.
struct StallWatch {
    /// What a peer did in a time that it was waited for.
    private struct Pace {
        var bytes = 0
        var time: TimeAmount = .zero

        /// Whether a peer that has been waited for so long did too little of its part.
        func isTooSlow(_ limits: ConnectionLimits) -> Bool {
            Double(bytes) < Double(limits.minimumRate) * Double(time.nanoseconds) / 1e9
        }
    }

    /// When something was last read, or the last reply was on its way.
    private var quietSince: NIODeadline
    /// Since when a read waits for the peer; nil while nobody wants to read.
    private var waitsSince: NIODeadline?
    /// What came of the content, up to the read that waits.
    private var reading = Pace()
    private var unsent = 0
    /// When the peer last took something off what waits for it.
    private var takenAt: NIODeadline
    /// How many bytes of content were written in all.
    private var written = 0
    /// Since when something has waited for the peer without an end, and how much it had taken until then.
    private var behindSince: (time: NIODeadline, taken: Int)

    init(now: NIODeadline) {
        quietSince = now
        takenAt = now
        behindSince = (now, 0)
    }

    /// Somebody wants to read.
    ///
    /// While nobody does, a silent peer is not to blame.
    mutating func wantsToRead(_ now: NIODeadline) { waitsSince = waitsSince ?? now }

    mutating func hasRead(_ count: Int, _ now: NIODeadline) {
        reading.time = reading.time + timeOfRead(now)
        reading.bytes += count
        quietSince = now
        waitsSince = nil
    }

    /// What came before has its own measure.
    mutating func contentBegins() { reading = Pace() }

    /// The peer was told to go on: what it did before does not count.
    mutating func hasAskedForMore(_ now: NIODeadline) {
        waitsSince = waitsSince.map { _ in now }
        reading = Pace()
    }

    mutating func hasReplied(_ now: NIODeadline) { quietSince = now }

    mutating func hasWritten(_ count: Int) { written += count }

    /// How many bytes wait to be sent now.
    mutating func hasUnsent(_ count: Int, _ now: NIODeadline) {
        if count == 0 || count != unsent { takenAt = now }
        unsent = count
        if count == 0 { behindSince = (now, written) }
    }

    func isQuiet(_ now: NIODeadline, _ limit: TimeAmount) -> Bool { now - quietSince > limit }

    /// Whether a peer that owes content has sent none for too long, or too little in the time that it was waited for.
    mutating func isReadStalled(_ now: NIODeadline, _ limits: ConnectionLimits) -> Bool {
        let waited = timeOfRead(now)
        if waited > limits.stall { return true }
        var pace = reading
        pace.time = pace.time + waited
        guard limits.minimumRate > 0, pace.time > limits.stall else { return false }
        // The next measure begins now, in the middle of a read.
        reading = Pace(bytes: 0, time: .zero - waited)
        return pace.isTooSlow(limits)
    }

    /// Whether a peer takes nothing of what waits for it, or too little.
    mutating func isWriteStalled(_ now: NIODeadline, _ limits: ConnectionLimits) -> Bool {
        guard unsent > 0 else { return false }
        if now - takenAt > limits.stall { return true }
        let taken = written - unsent
        let pace = Pace(bytes: taken - behindSince.taken, time: now - behindSince.time)
        guard limits.minimumRate > 0, pace.time > limits.stall else { return false }
        behindSince = (now, taken)
        return pace.isTooSlow(limits)
    }

    /// For how long the peer has been waited for to send something.
    func timeOfRead(_ now: NIODeadline) -> TimeAmount { waitsSince.map { now - $0 } ?? .zero }
}

extension ConnectionLimits {
    /// How often a connection is looked at.
    ///
    /// Often enough that no time-out is late by more than a quarter: what waits to be sent is seen at one look, and that
    /// nothing of it was taken at a later one. What holds while others wait is late by a second at most.
    var checkPeriod: TimeAmount {
        let shortest = min(header, idle, stall)
        return max(.milliseconds(5), min(.seconds(1), .nanoseconds(shortest.nanoseconds / 8)))
    }
}
