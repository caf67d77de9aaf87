import OCI

/// The tags by which clients say which content they have: a quoted digest.
///
/// - SeeAlso: RFC 9110, section 8.8.3
enum EntityTag {
    /// Whether one of the header's tags is the digest's, or `*`.
    static func matches(_ headers: [String], _ digest: Digest) -> Bool {
        headers.flatMap { $0[...].split(at: UInt8(ascii: ",")) }.contains { tag in
            let tag = tag.trimmed
            return tag == "*" || isSame(tag.hasPrefix("W/") ? tag.dropFirst(2) : tag, digest)
        }
    }

    /// Whether a tag is the digest's, to the byte: what joining parts takes.
    static func isSame(_ tag: some StringProtocol, _ digest: Digest) -> Bool { tag == "\"\(digest)\"" }
}
