import Glibc
import OCI

/// The files of a layout in a folder that anybody may have made.
///
/// What stands there names files below it alone: neither a path nor a symbolic link leads to another file of this
/// machine. All of it blocks.
struct LayoutFiles: Sendable {
    /// Absolute, without symbolic links.
    private let folder: String

    /// - Throws: `CommandError`, without the folder's name.
    init(_ path: String) throws {
        guard let folder = FilePath.resolved(path) else {
            throw CommandError(String(cString: strerror(errno)))
        }
        self.folder = folder
    }

    /// Finds a file; nil where there is none.
    ///
    /// - Throws: `CommandError`, without the folder's name, for what leads out of it.
    func file(_ path: String) throws -> FilePart? {
        let outside = CommandError("'\(path.printable)' leads out of the folder")
        guard !path.hasPrefix("/"), !path.split(separator: "/").contains("..") else { throw outside }
        // A NUL would end the path that the system sees.
        guard !path.utf8.contains(0), let resolved = FilePath.resolved("\(folder)/\(path)") else {
            return nil
        }
        guard folder == "/" || resolved.hasPrefix(folder + "/") else { throw outside }
        var status = stat()
        guard stat(resolved, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return FilePart(path: resolved, offset: 0, size: Int64(status.st_size), isWhole: true)
    }
}
