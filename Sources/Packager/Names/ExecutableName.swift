package import OCI

/// The name of the program in its image: it stands at `/NAME`.
package struct ExecutableName: Hashable, Sendable {
    package let rawValue: String

    /// Names at the root that base files use, or that container engines mount something over.
    private static let reserved: Set<String> = [
        "dev", "etc", "home", "proc", "run", "sys", "tmp", "usr", "var",
    ]

    /// Takes the last component of a repository's name.
    package init(_ repository: RepositoryName) throws(ExecutableNameError) {
        let name = String(repository.lastComponent)
        guard !Self.reserved.contains(name) else { throw ExecutableNameError(reserved: name) }
        rawValue = name
    }

    /// Where the program stands in the image.
    package var path: String { "/" + rawValue }
}

extension ExecutableName: CustomStringConvertible {
    package var description: String { rawValue }
}

/// A program cannot go by this name, as containers keep a folder in its place.
package struct ExecutableNameError: Error, Hashable, Sendable {
    /// The name that is taken.
    package let reserved: String
}

extension ExecutableNameError: CustomStringConvertible {
    package var description: String {
        """
        containers have a folder /\(reserved), so that no program can stand there; name the image \
        differently, as in curl -T FILE http://HOST/\(reserved)-app
        """
    }
}

extension ExecutableName: Codable {
    /// Reads one that was written down when it had been checked.
    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

extension ExecutableName {
    /// The longest name of a file that Linux takes, in bytes.
    private static let maximumLength = 255

    /// Takes a name that somebody has chosen.
    init(option value: String) throws(PackagingOptionError) {
        let isPlain = value.utf8.allSatisfy { byte in
            byte.isASCIILetter || byte.isASCIIDigit || "._-+".utf8.contains(byte)
        }
        guard isPlain, value.utf8.first != UInt8(ascii: "."),
            (1...Self.maximumLength).contains(value.utf8.count)
        else {
            throw .invalid(
                .name,
                value,
                "it is 1 to \(Self.maximumLength) letters, digits and ._-+, and begins with no dot"
            )
        }
        guard !Self.reserved.contains(value) else {
            throw .invalid(.name, value, "containers have a folder of that name")
        }
        rawValue = value
    }
}
