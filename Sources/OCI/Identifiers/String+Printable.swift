extension StringProtocol {
    /// The text with everything that could disturb a terminal or a log line replaced, and cut to a length
    /// that a person reads.
    ///
    /// For messages only.
    package var printable: String { printable(limit: 120) }

    /// The same, cut to a number of characters.
    package func printable(limit: Int) -> String {
        // Nearly everything is plain, and every request has a line in the log.
        if utf8.count <= limit, utf8.allSatisfy({ 0x20 <= $0 && $0 < 0x7F }) { return String(self) }
        let safe = unicodeScalars.prefix(limit).map { scalar -> Character in
            let isUnsafe =
                scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
            return isUnsafe ? "\u{FFFD}" : Character(scalar)
        }
        return String(safe) + (unicodeScalars.count > limit ? "…" : "")
    }
}
