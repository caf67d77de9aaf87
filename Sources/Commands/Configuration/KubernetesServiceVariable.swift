/// The variables that Kubernetes puts into every container for each service of its namespace.
///
/// A service named `berth` makes, among others, `BERTH_PORT=tcp://10.0.0.11:5000`, which is not meant for
/// Berth and may not keep it from starting.
///
/// - SeeAlso: kubernetes.io, "Service", "Environment variables"; the forms are those of Docker's legacy links
enum KubernetesServiceVariable {
    /// Whether a variable has one of the forms `…_SERVICE_HOST`, `…_SERVICE_PORT`, `…_SERVICE_PORT_NAME`,
    /// `…_PORT=tcp://…`, `…_PORT_5000_TCP` and `…_PORT_5000_TCP_ADDR`, `_PORT` or `_PROTO`.
    static func matches(name: String, value: String) -> Bool {
        let words = name.split(separator: "_", omittingEmptySubsequences: false).dropFirst()
        return isService(words) || isLink(words, value: value) || isLinkDetail(words)
    }

    private static let protocols = ["tcp", "udp", "sctp"]

    private static func isService(_ words: ArraySlice<Substring>) -> Bool {
        if words.suffix(2) == ["SERVICE", "HOST"] { return true }
        return zip(words, words.dropFirst()).contains { $0 == "SERVICE" && $1 == "PORT" }
    }

    private static func isLink(_ words: ArraySlice<Substring>, value: String) -> Bool {
        words.last == "PORT" && protocols.contains { value.hasPrefix($0 + "://") }
    }

    private static func isLinkDetail(_ words: ArraySlice<Substring>) -> Bool {
        let details: [Substring] = ["ADDR", "PORT", "PROTO"]
        let link = Array((words.last.map(details.contains) ?? false ? words.dropLast() : words).suffix(3))
        guard link.count == 3 else { return false }
        return link[0] == "PORT" && Int(link[1]) != nil && protocols.contains(link[2].lowercased())
    }
}
