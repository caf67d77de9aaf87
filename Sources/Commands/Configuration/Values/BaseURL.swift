/// The address under which clients reach the registry, such as `https://registry.example.com`.
///
/// It has a scheme, a host and perhaps a port, and nothing else: the paths of the distribution API begin at
/// the root, and an image reference has no place for more.
struct BaseURL: Hashable, Sendable, CustomStringConvertible {
    enum Scheme: String, CaseIterable, Sendable {
        case http
        case https
    }

    let scheme: Scheme
    let host: HostName
    /// The port if the address names one, from 1 to 65535.
    let port: Int?

    /// Parses the address; one slash after the host is dropped.
    init(_ text: String) throws(BaseURLError) {
        // First, so that no other error shows a password.
        guard !text.contains("@") else { throw .credentials }
        guard
            let scheme = Scheme.allCases.first(where: { text.lowercased().hasPrefix($0.rawValue + "://") })
        else { throw .scheme }
        var rest = text.dropFirst(scheme.rawValue.count + 3)
        guard !rest.contains(where: { $0 == "?" || $0 == "#" }) else { throw .query }
        if rest.hasSuffix("/") { rest.removeLast() }
        guard !rest.contains("/") else { throw .path }
        let (host, port) = Self.split(rest)
        self.scheme = scheme
        do {
            self.host = try HostName(host)
        } catch {
            throw .host
        }
        // Host names in URLs have brackets exactly where the host is an IPv6 address (RFC 3986, 3.2.2).
        guard self.host.isIPv6 == rest.hasPrefix("[") else { throw .host }
        self.port = try port.map(Self.parsePort)
    }

    /// The host, in brackets where it is an IPv6 address, and the port: the first part of an image reference.
    var authority: String {
        (host.isIPv6 ? "[\(host)]" : host.text) + (port.map { ":\($0)" } ?? "")
    }

    /// The address without a slash at the end.
    var description: String { "\(scheme.rawValue)://\(authority)" }

    private static func split(_ authority: Substring) -> (host: String, port: Substring?) {
        if authority.hasPrefix("["), let bracket = authority.firstIndex(of: "]") {
            let host = String(authority[..<bracket].dropFirst())
            let rest = authority[authority.index(after: bracket)...]
            // Anything but a port behind the bracket is left to fail as one.
            return (host, rest.isEmpty ? nil : rest.hasPrefix(":") ? rest.dropFirst() : rest)
        }
        guard let colon = authority.firstIndex(of: ":") else { return (String(authority), nil) }
        return (String(authority[..<colon]), authority[authority.index(after: colon)...])
    }

    private static func parsePort(_ text: Substring) throws(BaseURLError) -> Int {
        guard let port = Int(text), String(port) == text, 1...65535 ~= port else { throw .port }
        return port
    }
}

/// Why a text is no base address.
enum BaseURLError: Error, Hashable {
    case scheme
    case query
    case path
    case credentials
    case host
    case port

    /// The error in the words of a configuration message.
    var invalidValue: InvalidValue {
        switch self {
        case .scheme:
            InvalidValue(
                "is no http or https address",
                advice: "write it with its scheme, such as https://registry.example.com"
            )
        case .query:
            InvalidValue("has a query or a fragment", advice: "end the address after the host and port")
        case .path:
            InvalidValue("has a path", advice: "end the address after the host and port")
        case .credentials:
            InvalidValue("has a user name", advice: "leave out everything up to the @", isSecret: true)
        case .host:
            InvalidValue("has no proper host name", advice: "write it such as https://registry.example.com")
        case .port:
            InvalidValue("has no proper port", advice: "write a number from 1 to 65535 after the colon")
        }
    }
}
