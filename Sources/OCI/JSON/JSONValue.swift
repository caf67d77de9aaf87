/// A JSON document that this program makes.
///
/// Members of an object stand in the order given, so the same values are always the same bytes. What clients send is
/// never rewritten through this type: stored bytes stay as they came.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// A number with three decimals, given in thousandths; never negative.
    case thousandths(UInt64)
    case string(String)
    case array([JSONValue])
    case object([Member])
    /// A document in its canonical spelling that was made before.
    case canonical([UInt8])

    /// One `"key": value` of an object.
    package struct Member: Hashable, Sendable {
        package let key: String
        package let value: JSONValue

        package init(_ key: String, _ value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// An object of strings, its keys in byte order.
    package static func sorted(_ strings: [String: String]) -> JSONValue {
        .object(
            strings.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map {
                Member($0.key, .string($0.value))
            }
        )
    }

    /// An array of strings.
    package static func strings(_ strings: some Sequence<String>) -> JSONValue {
        .array(strings.map(JSONValue.string))
    }
}

extension JSONValue {
    /// The document without white space, in UTF-8; only what RFC 8259 demands is escaped.
    package var canonicalBytes: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes, indentation: nil)
        return bytes
    }

    /// The document for people: two spaces a level, and a newline at the end.
    package var prettyBytes: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes, indentation: 0)
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    private func write(to bytes: inout [UInt8], indentation: Int?) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): bytes.append(contentsOf: String(value).utf8)
        case .thousandths(let value):
            bytes.append(contentsOf: "\(value / 1000).\((value % 1000).padded(to: 3))".utf8)
        case .string(let value): Self.write(value, to: &bytes)
        case .canonical(let document): bytes.append(contentsOf: document)
        case .array(let elements):
            Self.write(elements, between: ("[", "]"), to: &bytes, indentation: indentation) {
                element,
                bytes,
                inner in
                element.write(to: &bytes, indentation: inner)
            }
        case .object(let members):
            Self.write(members, between: ("{", "}"), to: &bytes, indentation: indentation) {
                member,
                bytes,
                inner in
                Self.write(member.key, to: &bytes)
                bytes.append(contentsOf: (inner == nil ? ":" : ": ").utf8)
                member.value.write(to: &bytes, indentation: inner)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element],
        between brackets: (String, String),
        to bytes: inout [UInt8],
        indentation: Int?,
        each: (Element, inout [UInt8], Int?) -> Void
    ) {
        let inner = indentation.map { $0 + 1 }
        func startLine(_ level: Int?, _ bytes: inout [UInt8]) {
            guard let level else { return }
            bytes.append(UInt8(ascii: "\n"))
            bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * level))
        }
        bytes.append(contentsOf: brackets.0.utf8)
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            startLine(inner, &bytes)
            each(element, &bytes, inner)
        }
        if !elements.isEmpty { startLine(indentation, &bytes) }
        bytes.append(contentsOf: brackets.1.utf8)
    }

    private static func write(_ string: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        // Nearly every text is plain.
        let isPlain = string.utf8.allSatisfy { byte in
            byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
        }
        guard !isPlain else {
            bytes.append(contentsOf: string.utf8)
            bytes.append(UInt8(ascii: "\""))
            return
        }
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): bytes.append(contentsOf: "\\r".utf8)
            case UInt8(ascii: "\t"): bytes.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                let hexadecimal = String(byte, radix: 16)
                bytes.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - hexadecimal.count)).utf8)
                bytes.append(contentsOf: hexadecimal.utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
