/// An absolute address over HTTP, as a registry's requests, redirects and upload sessions have it.
///
/// What a registry wrote into a query is kept to the byte: upload sessions are found by it.
struct RegistryURL: Hashable, Sendable {
    /// Where requests go: what credentials are bound to.
    struct Origin: Hashable, Sendable {
        let scheme: BaseURL.Scheme
        let host: HostName
        let port: Int
    }

    let base: BaseURL
    /// The path and the query, beginning with a slash.
    let target: String

    /// Long enough for the signed addresses of object stores.
    private static let maximumLength = 16 * 1024

    private init(base: BaseURL, target: String) {
        self.base = base
        self.target = target
    }

    /// The root of a host that is known to be one.
    init(scheme: BaseURL.Scheme, authority: String) {
        guard let base = try? BaseURL("\(scheme.rawValue)://\(authority)") else {
            preconditionFailure("\(authority) is no host")
        }
        self.init(base: base, target: "/")
    }

    /// Parses an address with a scheme; nil for anything else, and for one with a user's name in it.
    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let slashes = text.firstRange(of: "://")
        else { return nil }
        let rest = text[slashes.upperBound...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard let base = try? BaseURL(String(text[..<slashes.upperBound]) + authority) else { return nil }
        let target = rest[authority.endIndex...]
        self.init(base: base, target: target.hasPrefix("/") ? String(target) : "/" + target)
    }

    var origin: Origin {
        Origin(
            scheme: base.scheme,
            host: base.host,
            port: base.port ?? (base.scheme == .https ? 443 : 80)
        )
    }

    private var path: Substring { target.prefix { $0 != "?" } }

    /// The same host with another path and query.
    func with(target: String) -> RegistryURL { RegistryURL(base: base, target: target) }

    /// What a `Location` means that came from this address: absolute, or relative to it in any form.
    ///
    /// - SeeAlso: RFC 3986, 5.2
    func resolving(_ location: String) -> RegistryURL? {
        guard location.utf8.count <= Self.maximumLength,
            location.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        let text = String(location.prefix { $0 != "#" })
        if let scheme = text.prefix(while: { $0 != "/" && $0 != "?" }).firstIndex(of: ":") {
            // Anything with a scheme that is not HTTP's.
            return text[scheme...].hasPrefix("://") ? RegistryURL(text) : nil
        }
        if text.hasPrefix("//") { return RegistryURL("\(base.scheme.rawValue):\(text)") }
        if text.hasPrefix("?") { return with(target: path + text) }
        if text.isEmpty { return self }
        let folder = text.hasPrefix("/") ? "" : path[...(path.lastIndex(of: "/") ?? path.startIndex)]
        return with(target: Self.withoutDots(folder + text))
    }

    /// Removes `.` and `..` from a path before its query.
    private static func withoutDots(_ target: String) -> String {
        let path = target.prefix { $0 != "?" }
        var components: [Substring] = []
        for component in path.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            switch component {
            case ".": continue
            case "..": _ = components.popLast()
            default: components.append(component)
            }
        }
        if path.hasSuffix("/.") || path.hasSuffix("/..") { components.append("") }
        return "/" + components.joined(separator: "/") + target[path.endIndex...]
    }

    /// The same address with a further parameter behind its query.
    func adding(_ name: String, _ value: String) -> RegistryURL {
        let separator =
            !target.contains("?") ? "?" : target.hasSuffix("?") || target.hasSuffix("&") ? "" : "&"
        return with(target: target + separator + name + "=" + URLText.encoded(value))
    }
}

extension RegistryURL: CustomStringConvertible {
    var description: String { base.description + target }
}
