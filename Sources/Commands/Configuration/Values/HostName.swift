import Glibc

/// An IP address or a host name, in lower case, without a port, brackets or a scheme.
///
/// Names are LDH labels (RFC 1123, 2.1) of at most 63 bytes, 253 in all, of which the last is not a number,
/// so that a mistyped IPv4 address is not taken for a name. Underscores are allowed too: container networks
/// make names that have them.
struct HostName: Hashable, Sendable, CustomStringConvertible {
    let text: String
    /// Whether only the machine itself can reach it.
    ///
    /// That is so for 127.0.0.0/8, for `::1`, and for `localhost` with the names below it (RFC 6761, 6.3).
    let isLoopback: Bool
    /// Whether it is an IPv6 address, which URLs and Host headers write in brackets.
    let isIPv6: Bool

    init(_ text: String) throws(HostNameError) {
        guard !text.isEmpty else { throw .empty }
        // The system's parser reads a C string: it would take the part before the zero for the whole.
        guard !text.utf8.contains(0) else { throw .malformed }
        let text = text.lowercased()
        if let address = Self.ipv6(text) {
            self.isLoopback = address == Self.loopback || address.starts(with: Self.mappedLoopback)
            self.isIPv6 = true
        } else if let first = Self.firstByteOfIPv4(text) {
            self.isLoopback = first == 127
            self.isIPv6 = false
        } else {
            try Self.checkName(text)
            self.isLoopback = text == "localhost" || text.hasSuffix(".localhost")
            self.isIPv6 = false
        }
        self.text = text
    }

    var description: String { text }

    private static let loopback: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    /// `::ffff:127.0.0.0/104`, IPv4's loopback network as IPv6 maps it.
    private static let mappedLoopback: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127]

    private static func ipv6(_ text: String) -> [UInt8]? {
        var address = in6_addr()
        guard text.contains(":"), inet_pton(AF_INET6, text, &address) == 1 else { return nil }
        // SAFETY: the bytes of a C structure without padding, copied while the pointer is valid.
        return withUnsafeBytes(of: address) { Array($0) }
    }

    private static func firstByteOfIPv4(_ text: String) -> UInt8? {
        var address = in_addr()
        guard inet_pton(AF_INET, text, &address) == 1 else { return nil }
        return UInt8(truncatingIfNeeded: UInt32(bigEndian: address.s_addr) >> 24)
    }

    private static func checkName(_ text: String) throws(HostNameError) {
        guard !text.contains("/") else { throw .notOnlyAName }
        guard !text.hasPrefix("[") else { throw .brackets }
        guard !text.contains("*") else { throw .wildcard }
        if let colon = text.firstIndex(of: ":"), Int(text[text.index(after: colon)...]) != nil { throw .port }
        guard text.utf8.count <= 253 else { throw .malformed }
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.allSatisfy(isLabel), let last = labels.last, !last.allSatisfy(isDigit) else {
            throw .malformed
        }
    }

    private static func isLabel(_ label: Substring.UTF8View) -> Bool {
        let hyphen = UInt8(ascii: "-")
        return 1...63 ~= label.count && label.first != hyphen && label.last != hyphen
            && label.allSatisfy { byte in
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || isDigit(byte) || byte == hyphen
                    || byte == UInt8(ascii: "_")
            }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }
}

/// Why a text is neither an address nor a host name.
enum HostNameError: Error, Hashable {
    case empty
    /// It has a scheme or a path.
    case notOnlyAName
    case port
    case brackets
    case wildcard
    case malformed

    /// The error in the words of a configuration message.
    var invalidValue: InvalidValue {
        switch self {
        case .empty: InvalidValue("is no host name", advice: "write an address or a name")
        case .notOnlyAName:
            InvalidValue("is more than a host name", advice: "write it without a scheme or a path")
        case .port: InvalidValue("has a port", advice: "write the name alone")
        case .brackets: InvalidValue("has brackets", advice: "write the address alone, such as ::1")
        case .wildcard:
            InvalidValue("has a wildcard", advice: "write names in full; all addresses are 0.0.0.0 or ::")
        case .malformed: InvalidValue("is neither an address nor a host name")
        }
    }
}
