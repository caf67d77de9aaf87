import TestSupport

/// A JSON document as a tree, written out in any of the spellings that RFC 8259 allows.
indirect enum JSONTree: Sendable {
    /// A number, a string in quotes, `true`: as it stands in the document.
    case literal(String)
    case string(String)
    case array([JSONTree])
    case object([(key: String, value: JSONTree)])

    /// The document's bytes, with random white space and escapes.
    func bytes(_ random: inout SplitMix) -> [UInt8] {
        var text = ""
        write(to: &text, &random)
        return Array(text.utf8)
    }

    private func write(to text: inout String, _ random: inout SplitMix) {
        func space() { if random.once(in: 4) { text += random.pick([" ", "\n", "\t", "\r\n  "]) } }
        space()
        switch self {
        case .literal(let literal): text += literal
        case .string(let string): text += Self.quoted(string, &random)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += "," }
                element.write(to: &text, &random)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                space()
                text += Self.quoted(member.key, &random)
                space()
                text += ":"
                member.value.write(to: &text, &random)
            }
            text += "}"
        }
        space()
    }

    private static func quoted(_ string: String, _ random: inout SplitMix) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            if random.once(in: 12) {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: random.once(in: 2))
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else if scalar == "\"" || scalar == "\\" || scalar == "/" && random.once(in: 2) {
                text += "\\\(scalar)"
            } else if scalar.value < 0x20 {
                text += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

    // MARK: What two readers may read differently

    /// How many brackets stand open at once.
    var depth: Int {
        switch self {
        case .literal, .string: 0
        case .array(let elements): 1 + (elements.map(\.depth).max() ?? 0)
        case .object(let members): 1 + (members.map(\.value.depth).max() ?? 0)
        }
    }

    /// Whether an object has two members that some reader takes for one.
    ///
    /// `key` is what the value stands under: annotations are told apart by case.
    func hasTwins(under key: String? = nil) -> Bool {
        switch self {
        case .literal, .string: return false
        case .array(let elements): return elements.contains { $0.hasTwins() }
        case .object(let members):
            let keys = members.map { key == "annotations" ? Array($0.key.utf8) : Self.folded($0.key) }
            return Set(keys).count < keys.count || members.contains { $0.value.hasTwins(under: $0.key) }
        }
    }

    /// As Go's reader compares keys: by the simple case folding of Unicode, of which only two characters fold to ASCII.
    private static func folded(_ key: String) -> [UInt8] {
        let text = key.replacing("\u{17F}", with: "s").replacing("\u{212A}", with: "k")
        return text.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 + 32 : $0 }
    }

    // MARK: Making one

    /// Any document, of few enough keys that twins are frequent.
    static func random(_ random: inout SplitMix, levels: Int = 4) -> JSONTree {
        let keys = [
            "a", "A", "s", "S", "\u{17F}", "k", "\u{212A}", "annotations", "Annotations", "é", "e\u{301}",
            "\"", "\\", "{", ":", ",", "", "\u{1}", "😀",
        ]
        switch Int.random(in: 0...(levels == 0 ? 1 : 4), using: &random) {
        case 0: return .literal(random.pick(["0", "-1", "1e9", "0.5", "true", "false", "null"]))
        case 1: return .string(random.pick(keys))
        case 2:
            return .array(
                (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    .random(&random, levels: levels - 1)
                }
            )
        default:
            return .object(
                (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    (random.pick(keys), .random(&random, levels: levels - 1))
                }
            )
        }
    }

    /// The tree within so many brackets.
    func nested(_ levels: Int, _ random: inout SplitMix) -> JSONTree {
        var tree = self
        for _ in 0..<max(0, levels) {
            tree = random.once(in: 2) ? .array([tree]) : .object([("x", tree)])
        }
        return tree
    }
}
