/// An image within this registry as people write it: `team/app`, `team/app:1.2.0`, `team/app@sha256:…`.
///
/// There is no host in it: a colon before the last slash is an error, not a port.
package struct ImageName: Hashable, Sendable {
    package let repository: RepositoryName
    /// `latest` where none was written.
    package let reference: Reference

    package init(repository: RepositoryName, reference: Reference) {
        self.repository = repository
        self.reference = reference
    }

    /// Parses `repository [":" tag] ["@" digest]`.
    ///
    /// With both a tag and a digest the digest decides, as with docker.
    package init(_ string: some StringProtocol) throws(ImageNameError) {
        let parts = string.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let (name, tag) = Self.splitTag(parts[0])
        do { repository = try RepositoryName(name) } catch { throw .repository(error) }
        var reference = Reference.tag(.latest)
        if let tag {
            do { reference = .tag(try Tag(tag)) } catch { throw .tag(error) }
        }
        if parts.count == 2 {
            do { reference = .digest(try Digest(parts[1])) } catch { throw .digest(error) }
        }
        self.reference = reference
    }

    /// Cuts at the last colon that stands behind the last slash.
    private static func splitTag<Text: StringProtocol>(
        _ text: Text
    ) -> (name: Text.SubSequence, tag: Text.SubSequence?) {
        let slash = text.lastIndex(of: "/") ?? text.startIndex
        guard let colon = text[slash...].firstIndex(of: ":") else { return (text[...], nil) }
        return (text[..<colon], text[text.index(after: colon)...])
    }
}

extension ImageName: CustomStringConvertible {
    package var description: String {
        switch reference {
        case .tag(let tag): "\(repository):\(tag)"
        case .digest(let digest): "\(repository)@\(digest)"
        }
    }
}

/// Why a text names no image.
package enum ImageNameError: Error, Equatable {
    case repository(RepositoryNameError)
    case tag(TagError)
    case digest(DigestError)
}

extension ImageNameError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .repository(let error): error.description
        case .tag(let error): error.description
        case .digest(let error): error.description
        }
    }
}
