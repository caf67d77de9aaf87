import Glibc

/// A moment of the calendar, in milliseconds since 1970 in UTC.
package struct Timestamp: Hashable, Comparable, Sendable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// What the machine's clock says.
    package static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(time)
    }

    /// A moment as the system tells it.
    init(_ time: timespec) {
        milliseconds = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// The moment this much later, to the millisecond.
    package static func + (moment: Timestamp, duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        return Timestamp(
            milliseconds: moment.milliseconds + seconds * 1000 + attoseconds / 1_000_000_000_000_000
        )
    }

    /// The moment this much earlier, to the millisecond.
    package static func - (moment: Timestamp, duration: Duration) -> Timestamp { moment + (.zero - duration) }
}

/// Where the time comes from: the machine's clock, or a test's.
package typealias WallClock = @Sendable () -> Timestamp
