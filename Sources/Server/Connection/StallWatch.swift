import NIOCore

/// Notes when a peer last did its part, to tell one that is slow from one that has stopped.
struct StallWatch {
    /// When something was last read, or waiting for the next request began.
    private(set) var lastRead: NIODeadline
    /// Since when a read waits for the peer; nil while nobody wants to read.
    private var waitsSince: NIODeadline?
    private var buffered = 0
    /// When the peer last took something off what is buffered for it.
    private var lastTaken: NIODeadline

    init(now: NIODeadline) {
        lastRead = now
        lastTaken = now
    }

    /// Somebody wants to read.
    ///
    /// While nobody does, a silent peer is not to blame.
    mutating func wantsToRead(_ now: NIODeadline) { waitsSince = waitsSince ?? now }

    mutating func hasRead(_ now: NIODeadline) {
        lastRead = now
        waitsSince = nil
    }

    /// How many bytes wait to be sent now.
    mutating func hasBuffered(_ count: Int, _ now: NIODeadline) {
        if count == 0 || count != buffered { lastTaken = now }
        buffered = count
    }

    func isReadStalled(_ now: NIODeadline, _ limit: TimeAmount) -> Bool {
        waitsSince.map { now - $0 > limit } ?? false
    }

    func isWriteStalled(_ now: NIODeadline, _ limit: TimeAmount) -> Bool {
        buffered > 0 && now - lastTaken > limit
    }
}

extension ConnectionLimits {
    /// How often a connection is looked at: often enough that no time-out is late by more than a quarter.
    var checkPeriod: TimeAmount {
        let shortest = min(header, idle, stall)
        return max(.milliseconds(5), min(.seconds(5), .nanoseconds(shortest.nanoseconds / 4)))
    }
}
