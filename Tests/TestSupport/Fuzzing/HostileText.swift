/// Texts that parsers have come to grief over.
package enum HostileText {
    /// Short ones, to be put into others.
    ///
    /// Characters that Unicode calls equal to ASCII or folds to it, marks that melt with what stands before them,
    /// separators, encoded and overlong ones, and numbers that no integer holds.
    package static let fragments = [
        "\0", "%", "%0", "%00", "%2f", "%2F", "%25", "%c0%af", "%ff", "%u0041", "%%", "\u{301}", "/\u{301}",
        ":\u{301}", "\u{212A}", "\u{17F}", "\u{37E}", "\u{1FEF}", "\u{202E}", "\u{FEFF}", "\u{FF10}",
        "\u{661}", "é", "e\u{301}", "ß", "İ", "😀", "\u{FFFD}", "..", "../", ".", "/", "//", ":", "::", "@",
        "-", "--", "---", "_", "__", "___", "+", "=", "&", "?", "#", ",", ";", "*", "\"", "\\", "\\u0000",
        "'", "[", "]", "{", "}", " ", "\t", "\r\n", "\n", "\u{7F}", "\u{85}", "\u{2028}", "A", "Z", "0",
        "-1", "+1", "0x1", "1e9", "9223372036854775807", "9223372036854775808", "18446744073709551616",
        "99999999999999999999999999", "bytes=", "sha256:", "sha512:", "W/", "null", "latest", "v2", "blobs",
    ]

    /// As long as the head of a request may be.
    package static let long = repeated(["a", "/", "%", "%41", ":", "9", ",", "é", "\u{301}", "["], 1 << 16)

    /// A mebibyte each: for what looks at the length before anything else.
    package static let huge = repeated(["a", "a/", ":", "\u{301}"], 1 << 20)

    private static func repeated(_ fragments: [String], _ size: Int) -> [String] {
        fragments.map { String(repeating: $0, count: size / $0.utf8.count) }
    }
}

extension SplitMix {
    /// One of several.
    package mutating func pick<Element>(_ elements: some Collection<Element>) -> Element {
        guard let element = elements.randomElement(using: &self) else {
            preconditionFailure("there is nothing to pick from")
        }
        return element
    }

    /// So many characters of an alphabet.
    package mutating func text(_ alphabet: String, _ count: ClosedRange<Int>) -> String {
        let characters = Array(alphabet)
        return String((0..<Int.random(in: count, using: &self)).map { _ in pick(characters) })
    }

    /// A text with a few random things done to it; sometimes none.
    package mutating func damage(_ text: String, with fragments: [String] = HostileText.fragments) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<Int.random(in: 0...3, using: &self) {
            let place = Int.random(in: 0...scalars.count, using: &self)
            let end = min(scalars.count, place + Int.random(in: 0...4, using: &self))
            switch Int.random(in: 0...6, using: &self) {
            case 0: scalars.insert(contentsOf: pick(fragments).unicodeScalars, at: place)
            case 1: scalars.replaceSubrange(place..<end, with: pick(fragments).unicodeScalars)
            case 2: scalars.removeSubrange(place..<end)
            case 3: scalars.insert(contentsOf: scalars[place..<end], at: place)
            case 4: scalars.insert(Unicode.Scalar(UInt8.random(in: 0...127, using: &self)), at: place)
            case 5: scalars.removeLast(scalars.count - place)
            default: if place < end { scalars.swapAt(place, end - 1) }
            }
        }
        var damaged = String.UnicodeScalarView()
        damaged.append(contentsOf: scalars)
        return String(damaged)
    }

    /// Bytes with a few random things done to them.
    package mutating func damage(_ bytes: [UInt8], with fragments: [[UInt8]]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &self) {
            let place = Int.random(in: 0...bytes.count, using: &self)
            let end = min(bytes.count, place + Int.random(in: 0...8, using: &self))
            switch Int.random(in: 0...5, using: &self) {
            case 0: bytes.insert(contentsOf: pick(fragments), at: place)
            case 1: bytes.replaceSubrange(place..<end, with: pick(fragments))
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
            case 4: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &self) }
            default: bytes.removeLast(bytes.count - place)
            }
        }
        return bytes
    }
}
