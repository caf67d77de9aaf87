/// Refuses JSON that two readers may read differently, before anybody reads it.
///
/// RFC 8259 leaves open what an object with the same key twice means: some readers take the first, others the last,
/// and Go's, which most clients use, ignores the case of keys besides. A registry that looked at one `layers` and a
/// client that pulled the other would disagree about what a digest stands for.
///
/// What is no JSON at all is left to the decoder, but for strings and numbers: what nobody asks for it does not look at.
struct StrictJSON {
    /// No manifest of any tool is nested a tenth as deep.
    ///
    /// Bounds the memory that a hostile one takes.
    static let maximumDepth = 128

    private struct Object {
        var keys: Set<[UInt8]> = []
        /// Whether keys that differ in case alone are different: so they are among annotations.
        let isCaseSensitive: Bool
    }

    /// Nil stands for an array.
    private var containers: [Object?] = []
    private var lastString: [UInt8] = []

    /// Throws what is wrong with a document.
    static func check(_ bytes: [UInt8]) throws(ManifestError) {
        guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]), !bytes.starts(with: [0xFE, 0xFF]),
            !bytes.starts(with: [0xFF, 0xFE]), !bytes.contains(0)
        else { throw .malformed("a manifest is JSON in UTF-8, without a byte order mark") }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw .malformed("not UTF-8") }
        var scanner = StrictJSON()
        var rest = bytes[...]
        while let byte = rest.popFirst() { try scanner.take(byte, &rest) }
    }

    private mutating func take(_ byte: UInt8, _ rest: inout ArraySlice<UInt8>) throws(ManifestError) {
        switch byte {
        case UInt8(ascii: "\""): lastString = try Self.string(&rest)
        case UInt8(ascii: ":"): try noteKey()
        case UInt8(ascii: "{"):
            try open(Object(isCaseSensitive: lastString == Array("annotations".utf8)))
        case UInt8(ascii: "["): try open(nil)
        // A string that is a value is no key of what follows it.
        case UInt8(ascii: ","): lastString = []
        case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = containers.popLast()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try Self.skipNumber(byte, &rest)
        default: break
        }
    }

    private mutating func open(_ container: Object?) throws(ManifestError) {
        guard containers.count < Self.maximumDepth else { throw .malformed("nested too deeply") }
        containers.append(container)
        lastString = []
    }

    private mutating func noteKey() throws(ManifestError) {
        guard var object = containers.popLast() ?? nil else { return }
        let key = object.isCaseSensitive ? lastString : Self.folded(lastString)
        guard object.keys.insert(key).inserted else {
            throw .malformed(
                "'\(String(decoding: lastString, as: UTF8.self).printable)' stands twice in an object"
            )
        }
        containers.append(object)
    }

    /// A key as Go's reader compares it: besides capital letters it takes U+017F for an s and U+212A for a k.
    private static func folded(_ key: [UInt8]) -> [UInt8] {
        var folded: [UInt8] = []
        var rest = key[...]
        while let byte = rest.popFirst() {
            if byte == 0xC5, rest.first == 0xBF {
                rest.removeFirst()
                folded.append(UInt8(ascii: "s"))
            } else if byte == 0xE2, rest.starts(with: [0x84, 0xAA]) {
                rest.removeFirst(2)
                folded.append(UInt8(ascii: "k"))
            } else {
                folded.append(byte.isASCIIUppercase ? byte | 0x20 : byte)
            }
        }
        return folded
    }

    /// Passes over what a number is made of, which has to be one.
    private static func skipNumber(_ first: UInt8, _ rest: inout ArraySlice<UInt8>) throws(ManifestError) {
        func skipDigits() -> Int {
            let count = rest.prefix(while: \.isASCIIDigit).count
            rest = rest.dropFirst(count)
            return count
        }
        func skip(_ characters: String) -> Bool {
            guard let byte = rest.first, characters.utf8.contains(byte) else { return false }
            rest.removeFirst()
            return true
        }
        var leading = first
        var isNumber = true
        if first == UInt8(ascii: "-") { leading = rest.popFirst() ?? 0 }
        if leading == UInt8(ascii: "0") { isNumber = skipDigits() == 0 } else { _ = skipDigits() }
        isNumber = isNumber && leading.isASCIIDigit
        if skip(".") { isNumber = skipDigits() > 0 && isNumber }
        if skip("eE") {
            _ = skip("+-")
            isNumber = skipDigits() > 0 && isNumber
        }
        // A number ends where something begins that is part of none.
        if !isNumber || rest.first.map({ "+-.eE".utf8.contains($0) }) == true {
            throw .malformed("a broken number")
        }
    }

    /// The characters up to the closing quote, with escapes resolved as far as two spellings could be one key.
    private static func string(_ rest: inout ArraySlice<UInt8>) throws(ManifestError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return bytes
            case UInt8(ascii: "\\"): bytes.append(contentsOf: try escaped(&rest))
            case 0..<0x20: throw .malformed("a control character in a string")
            default: bytes.append(byte)
            }
        }
        throw .malformed("the JSON ends within a string")
    }

    /// What an escape stands for, its backslash taken already.
    private static func escaped(_ rest: inout ArraySlice<UInt8>) throws(ManifestError) -> [UInt8] {
        switch rest.popFirst() {
        case nil: throw .malformed("the JSON ends within a string")
        case UInt8(ascii: "u"): break
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case let byte? where "\"\\/".utf8.contains(byte): return [byte]
        default: throw .malformed("a broken escape in a string")
        }
        let unit = try codeUnit(&rest)
        if let scalar = Unicode.Scalar(unit) { return Array(String(scalar).utf8) }
        if UTF16.isLeadSurrogate(unit), rest.starts(with: "\\u".utf8) {
            var behind = rest.dropFirst(2)
            let second = try codeUnit(&behind)
            if UTF16.isTrailSurrogate(second) {
                rest = behind
                return Array(String(decoding: [unit, second], as: UTF16.self).utf8)
            }
        }
        // A half of a pair stays one, as bytes that no text has.
        return [0xFF, UInt8(unit >> 8), UInt8(unit & 0xFF)]
    }

    private static func codeUnit(_ rest: inout ArraySlice<UInt8>) throws(ManifestError) -> UInt16 {
        let digits = rest.prefix(4)
        rest = rest.dropFirst(4)
        // The parser of numbers would take a sign.
        guard digits.count == 4, digits.allSatisfy({ $0 != UInt8(ascii: "+") }),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw .malformed("a broken escape in a string") }
        return unit
    }
}
