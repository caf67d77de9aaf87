import NIOHTTP1
import OCI

/// A client of the distribution API, for one repository of another registry.
///
/// - SeeAlso: distribution-spec v1.1.1
struct RegistryClient: Sendable {
    let registry: RegistryHost
    /// What messages call the registry.
    let title: String
    let repository: RepositoryName
    let retries: RetryPolicy
    private let base: RegistryURL
    private let transport: RegistryTransport
    private let authorization: RegistryAuthorization

    /// How often a request may be sent elsewhere; object stores need one or two.
    private static let maximumRedirects = 5

    /// `title`: what messages call the registry, where that is not its host.
    ///
    /// `plainHTTP`: whether to go without TLS also where that is not this machine itself.
    init(
        _ registry: RegistryHost,
        _ repository: RepositoryName,
        title: String? = nil,
        plainHTTP: Bool,
        credentials: CredentialSources,
        transport: RegistryTransport,
        actions: String = "pull,push",
        retries: RetryPolicy = RetryPolicy()
    ) {
        self.registry = registry
        self.title = title ?? registry.description
        self.repository = repository
        self.retries = retries
        self.transport = transport
        let isPlain = plainHTTP || registry.isLoopback
        base = registry.url(plainHTTP: isPlain)
        authorization = RegistryAuthorization(
            (registry, repository),
            actions: actions,
            credentials: credentials,
            transport: transport,
            allowsPlainHTTP: isPlain
        )
    }

    /// An address below the repository's.
    func url(_ path: String) -> RegistryURL { base.with(target: "/v2/\(repository)/\(path)") }

    /// Sends a request, says who is there where that is asked for, and follows where it is sent on to.
    ///
    /// What is neither is returned, whatever it says. Nothing is tried again after a failure.
    func execute(_ request: RegistryRequest) async throws -> RegistryResponse {
        var request = request
        var redirects = 0
        var hasRenewed = false
        while true {
            // Whoever else the registry sends us to learns nothing of our credentials.
            let isOwn = request.url.origin == base.origin
            let header = isOwn ? await authorization.header : nil
            var message = request
            if let header { message.fields.replaceOrAdd(name: "Authorization", value: header) }
            let response = try await transport.execute(message)
            switch response.status {
            case 401 where isOwn:
                guard !hasRenewed else { throw await authorization.refusal(response) }
                hasRenewed = true
                try await authorization.renew(after: response, used: header)
            case 301, 302, 303, 307, 308:
                guard let url = try redirect(of: request, response) else { return response }
                redirects += 1
                guard redirects <= Self.maximumRedirects else {
                    throw RegistryClientError(.malformed, "\(title) sends a request on and on")
                }
                request.url = url
            default: return response
            }
        }
    }

    /// Where a request is sent on to; nil where the reply is for whoever asked to decide.
    private func redirect(of request: RegistryRequest, _ response: RegistryResponse) throws -> RegistryURL? {
        // The older codes turn other methods into GET, which is never meant here.
        let isRead = request.method == .GET || request.method == .HEAD
        guard isRead || response.status == 307 || response.status == 308 else { return nil }
        return try location(of: response, from: request.url)
    }

    /// What a reply's Location means.
    func location(of response: RegistryResponse, from url: RegistryURL) throws -> RegistryURL {
        let text = response.fields.first(name: "Location")
        guard let location = text.flatMap(url.resolving) else {
            if let text {
                throw RegistryClientError(
                    .malformed,
                    "\(title) answers \(response.status) with a Location that is no address: '\(text.printable)'"
                )
            }
            throw RegistryClientError(
                .malformed,
                "\(title) answers \(response.status) without saying where"
            )
        }
        guard url.base.scheme == .http || location.base.scheme == .https else {
            throw RegistryClientError(.insecure, "\(title) sends us on to \(location.base), without TLS")
        }
        return location
    }

    /// The error for a reply that is not one of those expected.
    func unexpected(_ response: RegistryResponse, _ purpose: String) -> RegistryClientError {
        RegistryClientError(response, to: purpose, of: repository.rawValue, at: title)
    }

    /// What an error of the layers below means that came while a reply was read.
    func translated(_ error: any Error, _ path: String) -> any Error {
        transport.translated(error, url(path))
    }
}
