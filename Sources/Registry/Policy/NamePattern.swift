import OCI

/// A pattern for names such as `mirror/*`: `*` stands for any characters or none, slashes among them, and every other
/// character for itself.
package struct NamePattern: Hashable, Sendable {
    private let text: [UInt8]

    /// Parses a pattern: letters, digits and `._-/` as in repositories and tags, and `*`.
    package init(_ text: some StringProtocol) throws(NamePatternError) {
        guard !text.isEmpty else { throw .empty }
        // The longest name is a repository's. Each star may stand for nothing.
        guard text.utf8.count <= 2 * RepositoryName.maximumLength else { throw .tooLong }
        guard text.utf8.allSatisfy({ $0.isASCIILetter || $0.isASCIIDigit || "._-/*".utf8.contains($0) })
        else {
            throw .malformed
        }
        self.text = Array(text.utf8)
    }

    /// Parses a pattern of repositories, whose names have no capital letters.
    package init(repositories text: some StringProtocol) throws(NamePatternError) {
        try self.init(text)
        guard !text.utf8.contains(where: \.isASCIIUppercase) else { throw .capitalInRepository }
    }

    /// Whether a name is one of those that the pattern stands for.
    ///
    /// Takes time in proportion to the two lengths' product at worst, and the last star alone is tried again: no
    /// pattern is slow on purpose.
    package func matches(_ name: String) -> Bool {
        let name = Array(name.utf8)
        var (position, place) = (0, 0)
        var retry: (position: Int, place: Int)?
        while place < name.count {
            if position < text.count, text[position] == UInt8(ascii: "*") {
                retry = (position + 1, place)
                position += 1
            } else if position < text.count, text[position] == name[place] {
                position += 1
                place += 1
            } else if let (after, start) = retry {
                retry = (after, start + 1)
                (position, place) = (after, start + 1)
            } else {
                return false
            }
        }
        return text[position...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

extension NamePattern: CustomStringConvertible {
    package var description: String { String(decoding: text, as: UTF8.self) }
}

/// Why a text is no pattern.
package enum NamePatternError: Error, Equatable {
    case empty
    case tooLong
    case malformed
    /// A pattern of tags that no tag follows.
    case slashInTag
    /// A pattern of repositories that no repository follows.
    case capitalInRepository
}

extension NamePatternError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "a pattern has at least one character"
        case .tooLong: "a pattern has at most \(2 * RepositoryName.maximumLength) characters"
        case .malformed: "a pattern consists of letters, digits, '.', '_', '-', '/' and '*' for anything"
        case .capitalInRepository: "the name of a repository has no capital letters"
        case .slashInTag: "a tag has no '/': write repositories and tags as 'release/*:*'"
        }
    }
}
