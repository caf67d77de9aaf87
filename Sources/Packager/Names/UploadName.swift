package import OCI

/// The repository that an upload's address means, where curl may have put the name of a file at its end.
///
/// `Team/Contributors-linux-amd64` becomes `team/contributors`.
package struct UploadName: Hashable, Sendable {
    package let repository: RepositoryName
    /// What was changed about the address, to tell whoever sent it.
    package let notes: [PackagingNote]

    /// Derives a repository's name from the path of an address, percent-decoded, without slashes at the ends
    /// or a tag.
    ///
    /// - Parameters:
    ///   - path: Components joined by slashes.
    ///   - dropsPlatform: Whether a platform at the end, such as `-linux-amd64`, is dropped: a repository
    ///     holds all of a program's platforms.
    /// - Throws: ``UploadNameError`` where nothing is named, or what is named cannot be a repository.
    package init(_ path: String, dropsPlatform: Bool = true) throws(UploadNameError) {
        // Files sent from standard input have no name: curl puts its dash there.
        guard !path.isEmpty, path != "-", !path.hasSuffix("/-") else { throw .missing }
        let lowercased = Self.lowercased(path)
        let name = dropsPlatform ? PlatformSuffix.dropped(from: lowercased) : lowercased
        do {
            repository = try RepositoryName(name)
        } catch {
            throw .malformed(path, error, suggestion: Self.suggestion(for: name))
        }
        notes = name == path ? [] : [.renamed(from: path, to: name)]
    }

    /// Only ASCII has a lower case that everybody agrees on.
    private static func lowercased(_ text: String) -> String {
        String(decoding: text.utf8.map { $0.isASCIIUppercase ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// The nearest legal name: everything else becomes a dash, and none stands at either end of a component.
    private static func suggestion(for name: String) -> String? {
        let components = name.utf8.split(separator: UInt8(ascii: "/")).map { component in
            component.split { !$0.isASCIILowercase && !$0.isASCIIDigit }
                .map { String(decoding: $0, as: UTF8.self) }
                .joined(separator: "-")
        }
        let suggestion = components.filter { !$0.isEmpty }.joined(separator: "/")
        return (try? RepositoryName(suggestion))?.rawValue
    }
}

/// Why an upload's address names no repository.
package enum UploadNameError: Error, Equatable, Sendable {
    /// Nothing was named, as by `curl -T -`.
    case missing
    /// What was named, what is wrong with it, and the nearest name that could be used.
    case malformed(String, RepositoryNameError, suggestion: String?)
}

extension UploadNameError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missing: "the address names no image; name it, as in curl -T FILE http://HOST/NAME"
        case .malformed(_, let error, let suggestion):
            "\(error); name the image in the address, as in curl -T FILE http://HOST/\(suggestion ?? "NAME")"
        }
    }
}
