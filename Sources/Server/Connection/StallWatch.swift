import NIOCore

/// Notes when a peer last did its part, to tell one that is slow from one that has stopped.
struct StallWatch {
    /// When something was last read, or the last reply was on its way.
    private var quietSince: NIODeadline
    /// Since when a read waits for the peer; nil while nobody wants to read.
    private var waitsSince: NIODeadline?
    private var unsent = 0
    /// When the peer last took something off what waits for it.
    private var takenAt: NIODeadline

    init(now: NIODeadline) {
        quietSince = now
        takenAt = now
    }

    /// Somebody wants to read.
    ///
    /// While nobody does, a silent peer is not to blame.
    mutating func wantsToRead(_ now: NIODeadline) { waitsSince = waitsSince ?? now }

    mutating func hasRead(_ now: NIODeadline) {
        quietSince = now
        waitsSince = nil
    }

    /// The peer was told to go on: what it did before does not count.
    mutating func hasAskedForMore(_ now: NIODeadline) { waitsSince = waitsSince.map { _ in now } }

    mutating func hasReplied(_ now: NIODeadline) { quietSince = now }

    /// How many bytes wait to be sent now.
    mutating func hasUnsent(_ count: Int, _ now: NIODeadline) {
        if count == 0 || count != unsent { takenAt = now }
        unsent = count
    }

    func isQuiet(_ now: NIODeadline, _ limit: TimeAmount) -> Bool { now - quietSince > limit }

    func isReadStalled(_ now: NIODeadline, _ limit: TimeAmount) -> Bool {
        waitsSince.map { now - $0 > limit } ?? false
    }

    func isWriteStalled(_ now: NIODeadline, _ limit: TimeAmount) -> Bool {
        unsent > 0 && now - takenAt > limit
    }
}

extension ConnectionLimits {
    /// How often a connection is looked at.
    ///
    /// Often enough that no time-out is late by more than a quarter: what waits to be sent is seen at one look, and that
    /// nothing of it was taken at a later one.
    var checkPeriod: TimeAmount {
        let shortest = min(header, idle, stall)
        return max(.milliseconds(5), min(.seconds(5), .nanoseconds(shortest.nanoseconds / 8)))
    }
}
