import Glibc
import OCI
import Storage

/// What a backup's folder is called: when it was begun, such as `20260131T120000Z`, and which of that second or of one
/// that the clock had passed already, such as `20260131T120000Z-2`.
///
/// The names of a folder of backups are in the order in which they were made.
package struct BackupName: Hashable, Comparable, Sendable, CustomStringConvertible {
    private let moment: String
    private let number: Int

    /// Nil for the name of anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        moment = String(parts[0])
        guard Self.isMoment(moment) else { return nil }
        guard parts.count > 1 else {
            number = 1
            return
        }
        guard let number = Int(parts[1]), number > 1, String(number) == parts[1] else { return nil }
        self.number = number
    }

    /// The name of a backup that begins at a moment, behind the last.
    init(at time: Timestamp, after last: BackupName?) {
        let moment = Self.text(of: time)
        if let last, last.moment >= moment {
            self.moment = last.moment
            number = last.number + 1
        } else {
            self.moment = moment
            number = 1
        }
    }

    package var description: String { number == 1 ? moment : "\(moment)-\(number)" }

    package static func < (left: BackupName, right: BackupName) -> Bool {
        (left.moment, left.number) < (right.moment, right.number)
    }

    /// The last of the backups whose names are among these.
    package static func last(among names: [String]) -> BackupName? { names.compactMap(BackupName.init).max() }

    private static func isMoment(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z") else {
            return false
        }
        return (bytes[..<8] + bytes[9..<15]).allSatisfy(\.isASCIIDigit)
    }

    private static func text(of time: Timestamp) -> String {
        var seconds = time_t(time.milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let year = (parts.tm_year + 1900).padded(to: 4)
        let date = year + (parts.tm_mon + 1).padded(to: 2) + parts.tm_mday.padded(to: 2)
        let hour = parts.tm_hour.padded(to: 2) + parts.tm_min.padded(to: 2) + parts.tm_sec.padded(to: 2)
        return date + "T" + hour + "Z"
    }
}
