/// What names a manifest within its repository: a tag, or the digest of its bytes.
///
/// - SeeAlso: distribution-spec v1.1.1, "Pulling manifests"
package enum Reference: Hashable, Sendable {
    case tag(Tag)
    case digest(Digest)

    /// Parses a digest where there is a colon, which no tag can hold, and a tag elsewhere.
    package init(_ string: some StringProtocol) throws(ReferenceError) {
        if string.contains(":") {
            do { self = .digest(try Digest(string)) } catch { throw .digest(error) }
        } else {
            do { self = .tag(try Tag(string)) } catch { throw .tag(error) }
        }
    }
}

extension Reference: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tag(let tag): tag.description
        case .digest(let digest): digest.description
        }
    }
}

/// Why a text names no manifest.
package enum ReferenceError: Error, Equatable {
    case tag(TagError)
    case digest(DigestError)
}

extension ReferenceError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tag(let error): error.description
        case .digest(let error): error.description
        }
    }
}
