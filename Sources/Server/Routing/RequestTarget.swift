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
        let parts = target[...].split(at: UInt8(ascii: "?"), maxSplits: 1)
        path = parts[0]
        guard path.utf8.first == UInt8(ascii: "/") else { throw .malformedPath }
        var segments: [String] = []
        for part in Substring(path.utf8.dropFirst()).split(at: UInt8(ascii: "/")) {
            // An encoded slash would make one part look like two to whoever decodes a second time.
            guard let segment = PercentDecoding.decode(part), !segment.utf8.contains(UInt8(ascii: "/")) else {
                throw .malformedPath
            }
            segments.append(segment)
        }
        self.segments = segments
        query = try Query(parts.count == 2 ? parts[1] : "")
    }
}

extension Substring {
    /// The parts between separators, empty ones too.
    ///
    /// Bytes are compared: a mark that melts with the character before it hides a separator from a comparison of
    /// characters.
    func split(at separator: UInt8, maxSplits: Int = .max) -> [Substring] {
        utf8.split(separator: separator, maxSplits: maxSplits, omittingEmptySubsequences: false)
            .map(Substring.init)
    }
}
