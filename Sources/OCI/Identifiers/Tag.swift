/// A changeable name of a manifest within its repository, such as `latest` or `1.2.0`.
///
/// - SeeAlso: distribution-spec v1.1.1, "Pulling manifests": `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
package struct Tag: Hashable, Sendable {
    package let rawValue: String

    /// From the grammar.
    package static let maximumLength = 128

    /// Parses a tag, case kept.
    package init(_ string: some StringProtocol) throws(TagError) {
        try self.init(checking: String(string))
    }

    /// The same, without the cost of working on any kind of text: a page has hundreds.
    private init(checking string: String) throws(TagError) {
        let bytes = string.utf8
        guard let first = bytes.first else { throw .empty }
        guard bytes.count <= Self.maximumLength else { throw .tooLong }
        guard Self.isWord(first) else { throw .malformed }
        for byte in bytes where !Self.isWord(byte) {
            guard byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") else { throw .malformed }
        }
        rawValue = string
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte.isASCIILetter || byte.isASCIIDigit || byte == UInt8(ascii: "_")
    }

    private init(known: String) { rawValue = known }

    /// What a reference without a tag means.
    package static let latest = Tag(known: "latest")
}

extension Tag: CustomStringConvertible {
    package var description: String { rawValue }
}

/// Why a text is no tag.
package enum TagError: Error, Equatable {
    case empty
    case tooLong
    case malformed
}

extension TagError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "the tag is empty"
        case .tooLong: "a tag has at most \(Tag.maximumLength) characters"
        case .malformed:
            "a tag is letters, digits, underscores, dots and dashes, and begins with none of the last two"
        }
    }
}
