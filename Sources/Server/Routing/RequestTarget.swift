/// The path and query of a request, taken apart and decoded.
struct RequestTarget: Hashable, Sendable {
    /// The parts between the slashes.
    ///
    /// A trailing slash leaves an empty last part. No part contains a slash.
    let segments: [String]
    let query: Query
    /// The path as it came, without the query: for logs.
    let path: Substring

    /// Takes apart `/a/b?c=d`.
    init(_ target: String) throws(EndpointError) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = parts[0]
        guard path.utf8.first == UInt8(ascii: "/") else { throw .malformedPath }
        var segments: [String] = []
        for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            // An encoded slash would make one part look like two to whoever decodes a second time.
            guard let segment = PercentDecoding.decode(part), !segment.contains("/") else {
                throw .malformedPath
            }
            segments.append(segment)
        }
        self.segments = segments
        query = try Query(parts.count == 2 ? parts[1] : "")
    }
}
