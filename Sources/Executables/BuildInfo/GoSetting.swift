/// A setting of a build, `KEY=VALUE`, either of which may stand in quotation marks as in a Go program.
struct GoSetting: Hashable {
    let key: String
    let value: String

    /// nil for what Go would not have written.
    init?(_ text: Substring) {
        guard let (key, rest) = Self.word(text, endingAt: "="), !key.isEmpty, rest.first == "=",
            let (value, end) = Self.word(rest.dropFirst(), endingAt: nil), end.isEmpty
        else { return nil }
        self.key = key
        self.value = value
    }

    /// Reads a word, and gives what follows it.
    private static func word(
        _ text: Substring,
        endingAt end: Character?
    ) -> (word: String, rest: Substring)? {
        switch text.first {
        case "`":
            let body = text.dropFirst()
            guard let close = body.firstIndex(of: "`") else { return nil }
            return (String(body[..<close]), body[body.index(after: close)...])
        case "\"": return unquoted(text.dropFirst())
        default:
            let close = end.flatMap { text.firstIndex(of: $0) } ?? text.endIndex
            return (String(text[..<close]), text[close...])
        }
    }

    /// Reads up to the closing quotation mark.
    ///
    /// - SeeAlso: The Go Programming Language Specification, "String literals"
    private static func unquoted(_ text: Substring) -> (word: String, rest: Substring)? {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") {
                return String(validating: bytes, as: UTF8.self).map { ($0, Substring(rest)) }
            }
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard let escaped = escape(&rest) else { return nil }
            bytes += escaped
        }
        return nil
    }

    private static let simpleEscapes: [UInt8: UInt8] = [
        UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10,
        UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9, UInt8(ascii: "v"): 11,
        UInt8(ascii: "\\"): UInt8(ascii: "\\"), UInt8(ascii: "\""): UInt8(ascii: "\""),
    ]

    /// Reads what follows a backslash.
    private static func escape(_ rest: inout Substring.UTF8View) -> [UInt8]? {
        guard let letter = rest.popFirst() else { return nil }
        if let byte = simpleEscapes[letter] { return [byte] }
        let digitCount: Int
        switch letter {
        case UInt8(ascii: "x"): digitCount = 2
        case UInt8(ascii: "u"): digitCount = 4
        case UInt8(ascii: "U"): digitCount = 8
        default: return nil
        }
        let digits = rest.prefix(digitCount)
        guard digits.count == digitCount, digits.first != UInt8(ascii: "+"),
            digits.first != UInt8(ascii: "-"),
            let number = UInt32(Substring(digits), radix: 16)
        else { return nil }
        rest = rest.dropFirst(digitCount)
        if letter == UInt8(ascii: "x") { return [UInt8(number)] }
        return Unicode.Scalar(number).map { Array(String($0).utf8) }
    }
}
