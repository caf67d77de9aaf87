import HTTPTypes
import OCI

/// The registry that a client of a mirror means: containerd adds `?ns=docker.io` to what it asks in place of that one.
///
/// Here every name is served as it is, whichever registry it was copied from, and the reply says that the parameter was
/// read.
///
/// - SeeAlso: distribution-spec, "Registry Proxying"
enum UpstreamNamespace {
    /// What `ns` says, if it names a host and may stand in a header; nil where a request has none.
    static func named(by query: Query?, of method: HTTPRequest.Method) -> String? {
        guard method == .get || method == .head, let host = query?["ns"], isHost(host) else { return nil }
        return host
    }

    /// A host, and perhaps a port: RFC 1123 allows 253 characters.
    private static func isHost(_ text: String) -> Bool {
        (1...259).contains(text.utf8.count)
            && text.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || ".-_:[]".utf8.contains($0) }
    }
}
