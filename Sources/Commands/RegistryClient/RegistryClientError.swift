/// Why another registry did not do what it was asked for, in words for whoever gave the command.
struct RegistryClientError: Error, Equatable, CustomStringConvertible {
    enum Kind: Hashable, Sendable {
        /// No connection: the name is unknown, or nobody listens.
        case unreachable
        /// There is a connection, and it could not be made safe.
        case insecure
        /// The connection broke in the middle.
        case interrupted
        /// It does not know who is there, or does not believe it.
        case unauthorized
        /// A reply that says no.
        case refused(status: UInt)
        /// A reply that makes no sense.
        case malformed
    }

    let kind: Kind
    let description: String
    /// When the registry wants to be asked again.
    var retryAfter: Duration?

    init(_ kind: Kind, _ description: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.description = description
        self.retryAfter = retryAfter
    }

    /// Whether it is a reply that says no, and will say so again.
    var isRefusal: Bool {
        if case .refused = kind { !isTransient } else { false }
    }

    /// Whether the same request may succeed soon.
    var isTransient: Bool {
        switch kind {
        case .interrupted: true
        case .refused(let status): status == 408 || status == 429 || (status >= 500 && status != 501)
        case .unreachable, .insecure, .unauthorized, .malformed: false
        }
    }
}

extension RegistryClientError {
    /// What a reply says that is none of those expected.
    init(_ response: RegistryResponse, to purpose: String, of repository: String, at registry: String) {
        let said = response.errorText.map { " (\($0))" } ?? ""
        let text =
            switch response.status {
            case 401: "\(registry) refuses to \(purpose)\(said)"
            case 403: "\(registry) does not allow you to \(purpose) in \(repository)\(said)"
            case 404 where response.isAboutContent: "\(registry) refuses to \(purpose)\(said)"
            case 404: "\(registry) has no repository \(repository), or shows you none\(said)"
            case 413: "it is too large for \(registry) to \(purpose)\(said)"
            case 429: "\(registry) is asked too often, to \(purpose)\(said)"
            default: "\(registry) answers \(response.status) when asked to \(purpose)\(said)"
            }
        self.init(.refused(status: response.status), text, retryAfter: response.retryAfter)
    }
}
