import FoundationEssentials
import OCI

/// What docker's `config.json`, or podman's `auth.json`, says of credentials.
struct CredentialFile: Sendable {
    let path: String
    private var entries: [String: RegistryCredential] = [:]
    private var helpers: [String: String] = [:]
    /// The helper for registries that have none of their own.
    private var store: String?

    /// Such files have some kilobytes.
    static let maximumSize = 1024 * 1024

    private struct Document: Decodable {
        struct Entry: Decodable {
            var auth: String?
            var username: String?
            var password: String?
            var identitytoken: String?
            var registrytoken: String?
        }

        var auths: [String: Entry?]?
        var credHelpers: [String: String?]?
        var credsStore: String?
    }

    /// Parses a file; what it says of other things is not looked at.
    init(parsing bytes: [UInt8], path: String) throws(CredentialFileError) {
        self.path = path
        guard bytes.count <= Self.maximumSize else { throw CredentialFileError(path, "is too large") }
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw CredentialFileError(path, Self.summary(of: error))
        } catch {
            throw CredentialFileError(path, "is not JSON")
        }
        for (key, entry) in document.auths ?? [:] {
            guard let entry, let credential = try Self.credential(entry, key: key, path: path) else {
                continue
            }
            // The same host under two spellings: the plainer one, whatever the order.
            let name = Self.normalized(key)
            if entries[name] == nil || key == name { entries[name] = credential }
        }
        for (key, helper) in document.credHelpers ?? [:] {
            if let helper, !helper.isEmpty { helpers[Self.normalized(key)] = helper }
        }
        store = document.credsStore.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// What stands at a place is never part of the message: it may be a password.
    private static func summary(of error: DecodingError) -> String {
        if case .typeMismatch(_, let context) = error, let first = context.codingPath.first {
            "has something unexpected in '\(first.stringValue.printable)'"
        } else {
            "is not JSON of the expected form"
        }
    }

    private static func credential(
        _ entry: Document.Entry,
        key: String,
        path: String
    ) throws(CredentialFileError) -> RegistryCredential? {
        func given(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
        if let token = given(entry.identitytoken) { return .identityToken(token) }
        if let token = given(entry.registrytoken) { return .registryToken(token) }
        if let auth = given(entry.auth) {
            // Docker ends some with zeros.
            guard let data = Data(base64Encoded: auth),
                let text = String(validating: Array(data), as: UTF8.self),
                let colon = text.firstIndex(of: ":")
            else {
                throw CredentialFileError(path, "has an 'auth' for \(key.printable) that is no user:password")
            }
            let password = text[text.index(after: colon)...].unicodeScalars
            let end = password.lastIndex { $0 != "\0" }.map(password.index(after:)) ?? password.startIndex
            return .password(user: String(text[..<colon]), password: String(password[..<end]))
        }
        guard let user = given(entry.username), let password = entry.password else { return nil }
        return .password(user: user, password: password)
    }

    /// A key as it is compared: docker writes hosts with a scheme and the API's version, podman with a path.
    private static func normalized(_ key: String) -> String {
        var text = key[...]
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
            text = text.dropFirst(scheme.count)
        }
        while text.hasSuffix("/") { text.removeLast() }
        for version in ["/v1", "/v2"] where text.hasSuffix(version) { text.removeLast(version.count) }
        let host = text.prefix { $0 != "/" }
        let name = host.lowercased()
        let isHub = ["index.docker.io", "registry-1.docker.io"].contains(name)
        return (isHub ? RegistryHost.dockerHub : name) + text[host.endIndex...]
    }

    /// The helper to ask for a registry's credentials.
    func helper(for registry: RegistryHost) -> String? { helpers[registry.description] ?? store }

    /// What the file itself has, for the repository or the nearest that contains it.
    func credential(for registry: RegistryHost, _ repository: RepositoryName) -> RegistryCredential? {
        var name = "\(registry)/\(repository)"
        while true {
            if let credential = entries[name] { return credential }
            guard let slash = name.lastIndex(of: "/") else { return nil }
            name = String(name[..<slash])
        }
    }
}

/// Why a file with credentials cannot be used.
struct CredentialFileError: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ path: String, _ problem: String) { description = "\(path.printable(limit: .max)) \(problem)" }
}
