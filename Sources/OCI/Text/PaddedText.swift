extension BinaryInteger {
    /// The number in decimal digits, with zeros before it where it has fewer than `digits`.
    package func padded(to digits: Int) -> String {
        let text = String(self)
        return text.utf8.count >= digits
            ? text : String(repeating: "0", count: digits - text.utf8.count) + text
    }
}
