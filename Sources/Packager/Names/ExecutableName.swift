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
