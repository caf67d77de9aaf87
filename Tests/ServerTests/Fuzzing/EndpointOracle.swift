import TestSupport

/// The table of the specification's endpoints as regular expressions: what a path asks for, read without our router.
struct EndpointOracle {
    /// What there is at a path.
    enum Answer: Equatable {
        /// The endpoint's name and the parts of the path that it takes.
        case endpoint(String, [String])
        case methodNotAllowed
        /// Nothing, or something whose name, digest or reference is malformed.
        case refused
    }

    private struct Row {
        let pattern: POSIXPattern
        /// Which of the pattern's groups are the parts.
        let parts: [Int]
        let endpoints: [String: String]
    }

    private let rows: [Row]
    private let isName = IdentifierGrammar.repository.oracle()
    private let isDigest = IdentifierGrammar.digest.oracle()
    private let isReference = IdentifierGrammar.reference.oracle()

    private static let upload = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

    init() {
        // In the order in which they are tried: an upload session's path looks like that of a longer name.
        let table: [(String, [Int], [String: String])] = [
            ("/v2/?", [], ["GET": "end-1"]),
            ("/v2/_catalog", [], ["GET": "catalog"]),
            (
                "/v2/(.+)/blobs/uploads/(\(Self.upload))", [0, 1],
                ["GET": "end-13", "PATCH": "end-5", "PUT": "end-6", "DELETE": "end-14"]
            ),
            ("/v2/(.+)/blobs/uploads/[^/]+", [], [:]),
            ("/v2/(.+)/blobs/uploads/?", [0], ["POST": "end-4"]),
            ("/v2/(.+)/blobs/([^/]+)", [0, 1], ["GET": "end-2", "DELETE": "end-10"]),
            ("/v2/(.+)/manifests/([^/]+)", [0, 1], ["GET": "end-3", "PUT": "end-7", "DELETE": "end-9"]),
            ("/v2/(.+)/referrers/([^/]+)", [0, 1], ["GET": "end-12"]),
            ("/v2/(.+)/tags/list", [0], ["GET": "end-8"]),
        ]
        rows = table.map { Row(pattern: POSIXPattern($0.0), parts: $0.1, endpoints: $0.2) }
    }

    /// The answer for a path below `/v2` that is decoded already.
    func answer(_ method: String, _ path: String) -> Answer {
        for row in rows {
            guard let groups = row.pattern.groups(path) else { continue }
            guard !row.endpoints.isEmpty else { return .refused }
            let parts = row.parts.map { groups[$0] }
            if let name = parts.first, !isName(name) { return .refused }
            let isLegal =
                switch row.endpoints["GET"] {
                case "end-2", "end-12": isDigest(parts[1])
                case "end-3": isReference(parts[1])
                default: true
                }
            guard isLegal else { return .refused }
            guard let endpoint = row.endpoints[method == "HEAD" ? "GET" : method] else {
                return .methodNotAllowed
            }
            return .endpoint(endpoint, parts)
        }
        return .refused
    }
}
