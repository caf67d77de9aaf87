import OCI

// What the annotations of an image that was packaged tell, read back out of a manifest.

extension PackagedExecutable {
    /// The program that a manifest was made of; nil for one that was made otherwise.
    ///
    /// Anybody can push a manifest that says such things: whether they are true, the layer shows.
    package init?(annotations: [String: String]) {
        typealias Key = ImageRecipe.Key
        guard let path = annotations[Key.executablePath], path.hasPrefix("/"),
            let digest = annotations[Key.executable].flatMap({ try? Digest($0) }),
            digest.algorithm == .sha256,
            let size = annotations[Key.executableSize].flatMap(Self.size)
        else { return nil }
        self.init(path: path, digest: digest, size: size)
    }

    /// A size that a signed number holds as well, in plain digits.
    private static func size(_ text: String) -> UInt64? {
        guard text.utf8.allSatisfy(\.isASCIIDigit), let size = Int64(text) else { return nil }
        return UInt64(size)
    }

    /// The last part of its path.
    package var name: Substring {
        path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
    }
}

/// How a program was built, as far as the annotations of its image tell.
package struct AnnotatedBuild: Hashable, Sendable {
    /// Go's tool chain, such as `go1.27.3`.
    package let goVersion: String?
    /// How many modules are in a Go program beside its own.
    package let goModuleCount: Int?
    /// The x86-64 level that a Go program needs, `v1` to `v4`.
    package let goAMD64: String?
    /// Whether it was built from its commit with changes.
    package let isModified: Bool

    /// Reads a manifest's annotations.
    package init(annotations: [String: String]) {
        typealias Key = ImageRecipe.Key
        goVersion = annotations[Key.go]
        goModuleCount = annotations[Key.goModules].flatMap { Int($0) }
        goAMD64 = annotations[Key.goAMD64]
        isModified = annotations[Key.modified] == "true"
    }
}
