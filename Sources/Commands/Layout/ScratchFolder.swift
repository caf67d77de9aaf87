import FoundationEssentials
import Glibc

/// A folder for as long as a command runs.
struct ScratchFolder: Sendable {
    /// Absolute, without symbolic links.
    let path: String

    /// Runs a body with an empty folder, and removes it with everything in it.
    static func with<Value>(_ body: (ScratchFolder) async throws -> Value) async throws -> Value {
        let parent = FileManager.default.temporaryDirectory.path
        var template = Array("\(parent)/berth-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil, let resolved = realpath(template, nil) else {
            throw CommandError("cannot make a folder in \(parent): \(String(cString: strerror(errno)))")
        }
        defer { free(resolved) }
        let path = String(cString: resolved)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(ScratchFolder(path: path))
    }
}
