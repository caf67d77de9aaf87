/// The name of a repository, such as `library/contributors`.
///
/// Lower-case path components joined by slashes. A value follows the specification's grammar exactly, so it holds
/// neither `..` nor an empty component, and never begins with an underscore or a slash.
///
/// - SeeAlso: distribution-spec v1.1.1, "Pulling manifests"
package struct RepositoryName: Hashable, Sendable {
    package let rawValue: String

    /// Long enough for every registry in use, and what the specification says that clients can count on together
    /// with the host name.
    package static let maximumLength = 255

    /// Parses `component ("/" component)*`.
    package init(_ string: some StringProtocol) throws(RepositoryNameError) {
        let bytes = string.utf8
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= Self.maximumLength else { throw .tooLong }
        for component in bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard Self.isComponent(component) else {
                throw .malformed(component: String(decoding: component, as: UTF8.self))
            }
        }
        self.rawValue = String(string)
    }

    /// The last component, such as `contributors` in `library/contributors`.
    package var lastComponent: Substring {
        rawValue.lastIndex(of: "/").map { rawValue[rawValue.index(after: $0)...] } ?? rawValue[...]
    }

    /// Whether bytes are `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
    private static func isComponent(_ bytes: some Collection<UInt8>) -> Bool {
        var separators: [UInt8] = []
        var isFirst = true
        for byte in bytes {
            if byte.isASCIILowercase || byte.isASCIIDigit {
                guard isSeparator(separators) else { return false }
                separators.removeAll(keepingCapacity: true)
                isFirst = false
            } else if !isFirst, "._-".utf8.contains(byte) {
                separators.append(byte)
            } else {
                return false
            }
        }
        return !isFirst && separators.isEmpty
    }

    private static func isSeparator(_ bytes: [UInt8]) -> Bool {
        switch bytes.first {
        case nil: true
        case UInt8(ascii: "."): bytes.count == 1
        case UInt8(ascii: "_"): bytes.count <= 2 && bytes.allSatisfy { $0 == UInt8(ascii: "_") }
        default: bytes.allSatisfy { $0 == UInt8(ascii: "-") }
        }
    }
}

extension RepositoryName: CustomStringConvertible {
    package var description: String { rawValue }
}

/// Why a text is no repository name.
package enum RepositoryNameError: Error, Equatable {
    case empty
    case tooLong
    case malformed(component: String)
}

extension RepositoryNameError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "the repository name is empty"
        case .tooLong: "a repository name has at most \(RepositoryName.maximumLength) bytes"
        case .malformed(let component):
            """
            '\(component.printable)' cannot be part of a repository name: lower-case letters and digits, joined by \
            single dots, one or two underscores, or dashes
            """
        }
    }
}
