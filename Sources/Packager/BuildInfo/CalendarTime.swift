/// A moment of the calendar as images write it: RFC 3339, in UTC and whole seconds.
enum CalendarTime {
    private static let pattern = Array("dddd-dd-ddTdd:dd:ddZ".utf8)

    /// Whether a text is such a moment, of 1970 or later, such as `2026-11-23T09:31:24Z`.
    ///
    /// Clients refuse an image with a day that the calendar does not have.
    static func isWellFormed(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == pattern.count else { return false }
        var numbers: [Int] = [0]
        for (byte, expected) in zip(bytes, pattern) {
            if expected == UInt8(ascii: "d") {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return false }
                numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int(byte - UInt8(ascii: "0"))
            } else {
                guard byte == expected else { return false }
                numbers.append(0)
            }
        }
        let (year, month, day) = (numbers[0], numbers[1], numbers[2])
        guard year >= 1970, (1...12).contains(month), numbers[3] < 24, numbers[4] < 60, numbers[5] < 60 else {
            return false
        }
        let isLeapYear = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeapYear ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...days[month - 1]).contains(day)
    }
}
