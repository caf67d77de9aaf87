import HTTPTypes

/// Whether a request that changes something comes from a web page that this server did not serve.
///
/// Browsers say where a request comes from; programs do not, and are let through.
///
/// - SeeAlso: Fetch standard, "Origin" header; Fetch Metadata, "Sec-Fetch-Site"
enum OriginRule {
    /// Whether to refuse.
    ///
    /// Reading is left to the browser's own rules, which let no foreign page see an answer.
    static func refuses(_ request: HTTPRequest) -> Bool {
        if request.method == .get || request.method == .head { return false }
        // A page of another port of this host is of the same site, and as foreign as any.
        if let site = request.headerFields[.secFetchSite],
            !["same-origin", "none"].contains(site.lowercased())
        {
            return true
        }
        guard let origin = request.headerFields[.origin] else { return false }
        return !isSame(origin, host: request.authority)
    }

    private static func isSame(_ origin: String, host: String?) -> Bool {
        guard let host, let colon = origin.firstIndex(of: ":") else { return false }
        let rest = origin[colon...]
        return rest.hasPrefix("://") && rest.dropFirst(3).lowercased() == host.lowercased()
    }
}

extension HTTPField.Name {
    /// Every part is a legal field name, so the parse cannot fail.
    static func known(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else { preconditionFailure("\(name) is no header name") }
        return field
    }

    static let host = known("Host")
    static let secFetchSite = known("Sec-Fetch-Site")
    static let dockerContentDigest = known("Docker-Content-Digest")
    static let dockerUploadUUID = known("Docker-Upload-UUID")
    static let dockerDistributionAPIVersion = known("Docker-Distribution-Api-Version")
    static let ociSubject = known("OCI-Subject")
    static let ociTag = known("OCI-Tag")
    static let ociNamespace = known("OCI-Namespace")
    static let ociFiltersApplied = known("OCI-Filters-Applied")
    /// Of the whole, also beside a part of it; RFC 9530.
    static let reprDigest = known("Repr-Digest")
    /// Where a list goes on; RFC 8288.
    static let link = known("Link")
}
