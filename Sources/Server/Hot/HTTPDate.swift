import Glibc
import NIOCore
import OCI
import Synchronization

/// The time of day as replies tell it, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// - SeeAlso: RFC 9110, section 5.6.7
enum HTTPDate {
    private static let last = Mutex((second: time_t.min, text: ""))

    /// The text of this second; made once.
    static var now: String {
        var moment = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &moment)
        let second = moment.tv_sec
        return last.withLock { last in
            if last.second != second { last = (second, text(of: second)) }
            return last.text
        }
    }

    /// Ends the head of a reply with the field that tells this second.
    static func endHead(_ head: inout ByteBuffer) {
        head.writeStaticString("Date: ")
        head.writeString(now)
        head.writeStaticString("\r\n\r\n")
    }

    /// The text of a number of seconds since 1970.
    static func text(of second: time_t) -> String {
        var second = second
        var parts = tm()
        gmtime_r(&second, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let day = "\(days[Int(parts.tm_wday)]), \(parts.tm_mday.padded(to: 2)) \(months[Int(parts.tm_mon)])"
        let hour =
            "\(parts.tm_hour.padded(to: 2)):\(parts.tm_min.padded(to: 2)):\(parts.tm_sec.padded(to: 2))"
        return "\(day) \(1900 + parts.tm_year) \(hour) GMT"
    }
}
