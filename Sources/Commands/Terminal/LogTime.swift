import Glibc
import OCI
import Synchronization

/// The time of day as lines of the log begin with it, such as `2026-01-31T12:00:00.000Z`.
enum LogTime {
    private static let last = Mutex((second: time_t.min, text: ""))

    /// The text of this moment; all but its milliseconds is made once a second.
    static var now: String {
        var moment = timespec()
        clock_gettime(CLOCK_REALTIME, &moment)
        let second = last.withLock { last in
            if last.second != moment.tv_sec { last = (moment.tv_sec, text(of: moment.tv_sec)) }
            return last.text
        }
        return second + "." + (moment.tv_nsec / 1_000_000).padded(to: 3) + "Z"
    }

    /// The text of a number of seconds since 1970, without the zone.
    static func text(of second: time_t) -> String {
        var second = second
        var parts = tm()
        gmtime_r(&second, &parts)
        let date = "\((parts.tm_year + 1900).padded(to: 4))-\((parts.tm_mon + 1).padded(to: 2))"
        let hour =
            "\(parts.tm_hour.padded(to: 2)):\(parts.tm_min.padded(to: 2)):\(parts.tm_sec.padded(to: 2))"
        return "\(date)-\(parts.tm_mday.padded(to: 2))T\(hour)"
    }
}
