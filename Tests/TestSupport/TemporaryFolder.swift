import Foundation

/// A folder of one test's own, removed with everything in it by `remove`.
package struct TemporaryFolder: Sendable {
    /// Absolute, without symbolic links, and short enough for a socket in it.
    package let path: String

    /// Makes an empty folder under a name that nothing else has.
    package init() throws { try self.init(in: "/tmp") }

    /// Makes one in memory where the machine has such a place: for thousands of folders that are opened once.
    package static func inMemory() throws -> TemporaryFolder {
        let isThere = access("/dev/shm", W_OK | X_OK) == 0
        return try TemporaryFolder(in: isThere ? "/dev/shm" : "/tmp")
    }

    private init(in parent: String) throws {
        var template = Array("\(parent)/berth-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw CocoaError(
                .fileWriteUnknown,
                userInfo: [NSLocalizedFailureReasonErrorKey: "errno \(errno)"]
            )
        }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Where something lies in the folder.
    package func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Removes the folder; one that is gone is no error.
    package func remove() { try? FileManager.default.removeItem(atPath: path) }
}

/// Runs a test in an empty folder, and removes it whatever happens.
package func withTemporaryFolder<Value>(
    _ body: (TemporaryFolder) async throws -> Value
) async throws -> Value {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    return try await body(folder)
}
