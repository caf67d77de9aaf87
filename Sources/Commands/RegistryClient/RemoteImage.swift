import OCI

/// A registry as an image reference names it: a host, and a port where it is not the usual one.
struct RegistryHost: Hashable, Sendable {
    private let address: BaseURL

    /// Where Docker looks for whatever names no registry.
    static let dockerHub = "docker.io"

    /// Parses `host [":" port]`; IPv6 addresses stand in brackets.
    init(_ text: some StringProtocol) throws(RemoteImageError) {
        // Its old name, which stands in configuration files to this day.
        let name = text == "index.docker.io" ? Self.dockerHub : String(text)
        do { address = try BaseURL("https://\(name)") } catch { throw .host(String(text)) }
        guard address.authority == name.lowercased() else { throw .host(String(text)) }
    }

    /// Whether only this machine can reach it.
    var isLoopback: Bool { address.host.isLoopback }

    /// Where its API is; Docker Hub's is on another host than its name says.
    func url(plainHTTP: Bool) -> RegistryURL {
        let authority = isDockerHub ? "registry-1.docker.io" : description
        return RegistryURL(scheme: plainHTTP ? .http : .https, authority: authority)
    }

    var isDockerHub: Bool { description == Self.dockerHub }
}

extension RegistryHost: CustomStringConvertible {
    var description: String { address.authority }
}

/// An image in some registry as docker writes it: `registry.example.com:5000/team/app:1.2.0`.
///
/// What stands before the first slash is a registry only if it has a dot, a colon or a capital letter in it, or is
/// `localhost`. Anything else is on Docker Hub, in `library` where it has no slash.
struct RemoteImage: Hashable, Sendable {
    let registry: RegistryHost
    let repository: RepositoryName
    /// `latest` where none was written.
    let tag: Tag

    /// Parses `[host [":" port] "/"] repository [":" tag]`.
    init(_ text: String) throws(RemoteImageError) {
        guard !text.contains("://") else { throw .scheme }
        guard !text.contains("@") else { throw .digest }
        // Docker would look for an image of that name; nobody means that.
        guard text.prefix(while: { $0 != ":" }) != "localhost" || text.contains("/") else {
            throw .name(.repository(.empty))
        }
        let slash = text.firstIndex(of: "/")
        let first = text[..<(slash ?? text.startIndex)]
        let path: String
        if let slash, Self.isHost(first) {
            registry = try RegistryHost(first)
            path = String(text[text.index(after: slash)...])
        } else {
            registry = try RegistryHost(RegistryHost.dockerHub)
            path = text
        }
        let name: ImageName
        do {
            name = try ImageName(registry.isDockerHub && !path.contains("/") ? "library/\(path)" : path)
        } catch {
            throw .name(error)
        }
        guard case .tag(let tag) = name.reference else { throw .digest }
        self.repository = name.repository
        self.tag = tag
    }

    static func isHost(_ text: Substring) -> Bool {
        text == "localhost" || text.utf8.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") }
            || text != text.lowercased()
    }
}

extension RemoteImage: CustomStringConvertible {
    var description: String { "\(registry)/\(repository):\(tag)" }
}

/// Why a text names no image to push to.
enum RemoteImageError: Error, Equatable {
    case scheme
    case digest
    case host(String)
    case name(ImageNameError)
}

extension RemoteImageError: CustomStringConvertible {
    var description: String {
        switch self {
        case .scheme: "write it without https://, as registry.example.com/team/app:1.2.0"
        case .digest: "name a tag, not a digest: the digest is what comes out"
        case .host(let text): "'\(text.printable)' is no host name, with or without a port"
        case .name(let error): error.description
        }
    }
}
