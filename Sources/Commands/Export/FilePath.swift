import Glibc

/// Paths as the system reads them.
enum FilePath {
    /// The absolute path without symbolic links; nil where nothing is there, or nobody may look.
    static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
