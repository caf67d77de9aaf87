/// Refuses JSON that two readers may read differently, before anybody reads it.
///
/// RFC 8259 leaves open what an object with the same key twice means: some readers take the first, others the last,
/// and Go's, which most clients use, ignores the case of keys besides. A registry that looked at one `layers` and a
/// client that pulled the other would disagree about what a digest stands for.
///
/// What is no JSON at all is left to the decoder: this reads strings, brackets and colons, and nothing else.
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
        case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = containers.popLast()
        default: break
        }
    }

    private mutating func open(_ container: Object?) throws(ManifestError) {
        guard containers.count < Self.maximumDepth else { throw .malformed("nested too deeply") }
        containers.append(container)
    }

    private mutating func noteKey() throws(ManifestError) {
        guard var object = containers.popLast() ?? nil else { return }
        let key =
            object.isCaseSensitive ? lastString : lastString.map { $0.isASCIIUppercase ? $0 | 0x20 : $0 }
        guard object.keys.insert(key).inserted else {
            throw .malformed(
                "'\(String(decoding: lastString, as: UTF8.self).printable)' stands twice in an object"
            )
        }
        containers.append(object)
    }

    /// The characters up to the closing quote, with escapes resolved as far as two spellings could be one key.
    private static func string(_ rest: inout ArraySlice<UInt8>) throws(ManifestError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return bytes
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { throw .malformed("the JSON ends within a string") }
                if escaped == UInt8(ascii: "u") {
                    let digits = String(decoding: rest.prefix(4), as: UTF8.self)
                    rest = rest.dropFirst(4)
                    guard digits.utf8.count == 4, let unit = UInt16(digits, radix: 16) else {
                        throw .malformed("a broken escape in a string")
                    }
                    // A half of a surrogate pair stays one, as bytes that no text has.
                    bytes.append(
                        contentsOf: Unicode.Scalar(unit).map { Array(String($0).utf8) } ?? [
                            0xFF, UInt8(unit >> 8), UInt8(unit & 0xFF),
                        ]
                    )
                } else {
                    bytes.append(escaped)
                }
            default: bytes.append(byte)
            }
        }
        throw .malformed("the JSON ends within a string")
    }
}
