import FoundationEssentials
import NIOHTTP1
import OCI

/// What a client puts into `Authorization` for one repository, and how it comes by it.
///
/// Credentials are looked for when a registry asks for them, and not before.
///
/// - SeeAlso: distribution's documentation, "Token Authentication Specification" and "OAuth2 Token Authentication"
actor RegistryAuthorization {
    private let registry: RegistryHost
    private let repository: RepositoryName
    private let actions: String
    private let credentials: CredentialSources
    private let transport: RegistryTransport
    private let allowsPlainHTTP: Bool

    /// The value of the header, once there is one.
    private(set) var header: String?
    /// Nil before it was looked for.
    private var found: FoundCredential??

    /// `actions`: what is to be done with the repository, such as `pull,push`.
    init(
        _ image: (registry: RegistryHost, repository: RepositoryName),
        actions: String,
        credentials: CredentialSources,
        transport: RegistryTransport,
        allowsPlainHTTP: Bool
    ) {
        (registry, repository) = image
        self.actions = actions
        self.credentials = credentials
        self.transport = transport
        self.allowsPlainHTTP = allowsPlainHTTP
    }

    /// Finds what to say to a registry that has answered 401.
    ///
    /// `used`: the header of the request that was refused.
    func renew(after response: RegistryResponse, used: String?) async throws {
        let challenges = AuthenticationChallenge.parse(response.fields["WWW-Authenticate"])
        if let bearer = challenges.first(where: { $0.scheme == "bearer" }) {
            if case .registryToken(let token) = try await credential()?.credential {
                try take("Bearer \(token)", unless: used, response)
            } else {
                header = "Bearer \(try await token(for: bearer))"
            }
        } else if challenges.contains(where: { $0.scheme == "basic" }) {
            switch try await credential()?.credential {
            case .password(let user, let password):
                try take(Self.basic(user, password), unless: used, response)
            case .registryToken(let token): try take("Bearer \(token)", unless: used, response)
            case .identityToken, nil: throw refusal(response)
            }
        } else {
            throw RegistryClientError(
                .unauthorized,
                "\(registry) answers 401 and does not say how to log in there"
            )
        }
    }

    private func take(_ value: String, unless used: String?, _ response: RegistryResponse) throws {
        guard value != used else { throw refusal(response) }
        header = value
    }

    /// Why a registry, or its token server, lets nobody in.
    func refusal(_ response: RegistryResponse) -> RegistryClientError {
        let said = response.errorText.map { " (\($0))" } ?? ""
        guard let found = found ?? nil else {
            let places = credentials.paths.map { $0.printable(limit: .max) }.joined(separator: ", ")
            return RegistryClientError(
                .unauthorized,
                """
                \(registry) wants to know who you are\(said), and there are no credentials for it in \
                \(places.isEmpty ? "any file" : places): docker login \(registry)
                """
            )
        }
        return RegistryClientError(
            .unauthorized,
            "\(registry) refuses the credentials from \(found.place.printable(limit: .max))\(said)"
        )
    }

    private func credential() async throws -> FoundCredential? {
        if let found { return found }
        let found = try await credentials.credential(for: registry, repository)
        self.found = .some(found)
        return found
    }

    private static func basic(_ user: String, _ password: String) -> String {
        "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    }
}

// MARK: - Tokens

extension RegistryAuthorization {
    private struct TokenReply: Decodable {
        let token: String?
        let accessToken: String?

        private enum CodingKeys: String, CodingKey {
            case token
            case accessToken = "access_token"
        }
    }

    /// Has the token server that a challenge names give a token for the repository.
    private func token(for challenge: AuthenticationChallenge) async throws -> String {
        guard let text = challenge.parameters["realm"], let realm = RegistryURL(text) else {
            throw RegistryClientError(.malformed, "\(registry) names no token server that could be asked")
        }
        // A password must not go over the network in the clear because a registry says so.
        guard realm.base.scheme == .https || realm.base.host.isLoopback || allowsPlainHTTP else {
            throw RegistryClientError(
                .insecure,
                "\(registry) wants its tokens fetched from \(realm.base), without TLS"
            )
        }
        let response = try await transport.execute(try await tokenRequest(realm, challenge))
        guard response.status == 200 else {
            if [400, 401, 403].contains(response.status) { throw refusal(response) }
            let text = "\(realm.base.authority) gives no token for \(registry): it answers \(response.status)"
            throw RegistryClientError(
                .refused(status: response.status),
                text,
                retryAfter: response.retryAfter
            )
        }
        let reply = try? JSONDecoder().decode(TokenReply.self, from: Data(response.body))
        guard let token = reply?.token ?? reply?.accessToken, !token.isEmpty,
            token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw RegistryClientError(.malformed, "\(realm.base.authority) gives no token that could be used")
        }
        return token
    }

    private func tokenRequest(
        _ realm: RegistryURL,
        _ challenge: AuthenticationChallenge
    ) async throws -> RegistryRequest {
        let scope = "repository:\(repository):\(actions)"
        var parameters: [(name: String, value: String)] = []
        if let service = challenge.parameters["service"] { parameters.append(("service", service)) }
        switch try await credential()?.credential {
        case .identityToken(let token):
            parameters += [
                ("scope", scope), ("grant_type", "refresh_token"), ("client_id", "berth"),
                ("refresh_token", token),
            ]
            let form = parameters.map { "\($0.name)=\(URLText.encoded($0.value))" }.joined(separator: "&")
            return RegistryRequest(
                .POST,
                realm,
                ["Content-Type": "application/x-www-form-urlencoded"],
                content: .bytes(Array(form.utf8))
            )
        case .password(let user, let password):
            parameters += [("scope", scope), ("account", user)]
            return RegistryRequest(
                .GET,
                parameters.reduce(realm) { $0.adding($1.name, $1.value) },
                ["Authorization": Self.basic(user, password)]
            )
        case .registryToken, nil:
            parameters.append(("scope", scope))
            return RegistryRequest(reading: parameters.reduce(realm) { $0.adding($1.name, $1.value) })
        }
    }
}
