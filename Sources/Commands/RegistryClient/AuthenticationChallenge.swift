/// One way of saying who one is, out of a `WWW-Authenticate` header.
///
/// - SeeAlso: RFC 9110, 11.6.1
struct AuthenticationChallenge: Hashable, Sendable {
    /// In lower case, such as `bearer`.
    let scheme: String
    /// By their names in lower case.
    let parameters: [String: String]

    /// More than any registry sends; a hostile one could keep us busy.
    private static let maximumSize = 16 * 1024

    /// Parses the values of all such headers of a reply, each of which may hold several challenges.
    ///
    /// Where a header stops making sense, the rest of it is left out, with the challenge that it stood in.
    static func parse(_ headers: [String]) -> [AuthenticationChallenge] {
        headers.flatMap { header in
            var parser = Parser(rest: Array(header.utf8.prefix(maximumSize))[...])
            return parser.challenges()
        }
    }

    private struct Parser {
        var rest: ArraySlice<UInt8>

        mutating func challenges() -> [AuthenticationChallenge] {
            var found: [AuthenticationChallenge] = []
            skip { $0.isBlank || $0 == UInt8(ascii: ",") }
            while let scheme = token() {
                guard let parameters = parameters() else { break }
                found.append(AuthenticationChallenge(scheme: scheme.lowercased(), parameters: parameters))
            }
            return found
        }

        /// Everything up to the next scheme; nil where it is malformed.
        private mutating func parameters() -> [String: String]? {
            var parameters: [String: String] = [:]
            guard rest.first.map({ $0.isBlank || $0 == UInt8(ascii: ",") }) ?? true else { return nil }
            skipToken68()
            while true {
                skip { $0.isBlank || $0 == UInt8(ascii: ",") }
                guard !rest.isEmpty else { return parameters }
                let start = rest
                guard let name = token() else { return nil }
                skip(\.isBlank)
                guard rest.first == UInt8(ascii: "=") else {
                    // A token that no value follows is the next scheme.
                    rest = start
                    return parameters
                }
                rest = rest.dropFirst()
                skip(\.isBlank)
                guard let value = value() else { return nil }
                guard parameters.updateValue(value, forKey: name.lowercased()) == nil else { return nil }
            }
        }

        private mutating func value() -> String? {
            guard rest.first == UInt8(ascii: "\"") else { return token() }
            var bytes: [UInt8] = []
            var isEscaped = false
            for (index, byte) in rest.enumerated().dropFirst() {
                if isEscaped {
                    bytes.append(byte)
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    rest = rest.dropFirst(index + 1)
                    return String(validating: bytes, as: UTF8.self)
                } else {
                    bytes.append(byte)
                }
            }
            return nil
        }

        private mutating func token() -> String? {
            let bytes = rest.prefix(while: \.isTokenByte)
            rest = rest.dropFirst(bytes.count)
            return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
        }

        /// Skips what Negotiate and its like have in place of parameters.
        private mutating func skipToken68() {
            var next = rest.drop(while: \.isBlank)
            guard next.count < rest.count else { return }
            next = next.drop { $0.isTokenByte || $0 == UInt8(ascii: "/") }.drop { $0 == UInt8(ascii: "=") }
            next = next.drop(while: \.isBlank)
            guard next.isEmpty || next.first == UInt8(ascii: ",") else { return }
            let hasPadding = rest.dropLast(next.count).contains(UInt8(ascii: "="))
            // Without any, a scheme without parameters might stand there.
            if hasPadding || next.isEmpty { rest = next }
        }

        private mutating func skip(_ isSkipped: (UInt8) -> Bool) { rest = rest.drop(while: isSkipped) }
    }
}

extension UInt8 {
    fileprivate var isBlank: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }

    /// Whether it may stand in a token (RFC 9110, 5.6.2).
    fileprivate var isTokenByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }
}
