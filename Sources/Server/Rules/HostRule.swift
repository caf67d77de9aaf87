import Glibc
import OCI

/// Which names in a request's `Host` a listener answers to.
///
/// A web page whose name its owner points at 127.0.0.1 speaks to this server as if it were its own: the browser's
/// rules do not stop it, but its name does not become a different one. So a listener on a loopback address answers
/// only to names that cannot be somebody else's.
package struct HostRule: Hashable, Sendable {
    private let isRestricted: Bool
    private let additional: Set<String>

    /// For a listener on an address of this machine alone, or on any other.
    ///
    /// `hosts` are further names, without ports. Where there are any, a listener that others reach answers only to
    /// them as well.
    package init(isLoopback: Bool, hosts: [String]) {
        additional = Set(hosts.map { $0.lowercased() })
        isRestricted = isLoopback || !hosts.isEmpty
    }

    private init() {
        additional = []
        isRestricted = false
    }

    /// For the socket beside the storage folder, which no browser reaches.
    package static let unrestricted = HostRule()

    /// Whether a request with this header is answered.
    ///
    /// `host` includes the port.
    func allows(_ host: String) -> Bool {
        guard isRestricted else { return true }
        guard let name = Self.name(in: host) else { return false }
        let isLocal = name == "localhost"
        return isLocal || additional.contains(name) || Self.isLoopbackAddress(name)
    }

    /// The name in `name[:port]`, in lower case and without the brackets of an IPv6 address; nil for a malformed one.
    static func name(in host: String) -> String? {
        let lowercased = host.lowercased()
        let name: Substring
        let rest: Substring
        if lowercased.utf8.first == UInt8(ascii: "[") {
            guard let bracket = lowercased.utf8.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            name = lowercased[lowercased.utf8.index(after: lowercased.startIndex)..<bracket]
            rest = lowercased[lowercased.utf8.index(after: bracket)...]
        } else {
            let colon = lowercased.utf8.firstIndex(of: UInt8(ascii: ":")) ?? lowercased.endIndex
            (name, rest) = (lowercased[..<colon], lowercased[colon...])
        }
        let port = rest.utf8.dropFirst()
        let isPort = rest.isEmpty || (rest.utf8.first == UInt8(ascii: ":") && port.allSatisfy(\.isASCIIDigit))
        return isPort && !name.isEmpty ? String(name) : nil
    }

    /// Whether a name is an address of the loopback network, 127.0.0.0/8 or ::1, in any of its spellings.
    static func isLoopbackAddress(_ name: String) -> Bool {
        // A NUL would end the text for inet_pton, and only for it.
        guard !name.utf8.contains(0) else { return false }
        var address4 = in_addr()
        if inet_pton(AF_INET, name, &address4) == 1 {
            return UInt32(bigEndian: address4.s_addr) >> 24 == 127
        }
        var address6 = in6_addr()
        guard inet_pton(AF_INET6, name, &address6) == 1 else { return false }
        // SAFETY: the bytes are used within the closure alone.
        let bytes = withUnsafeBytes(of: &address6) { Array($0) }
        let isMapped = bytes[..<12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        return bytes == Array(repeating: 0, count: 15) + [1] || (isMapped && bytes[12] == 127)
    }
}
