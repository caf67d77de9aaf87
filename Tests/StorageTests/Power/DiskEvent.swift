/// One thing that happened to a disk; paths are relative to the folder that is recorded.
///
/// A file is a number, whatever names it has: what is written to it and what it is called reach the disk apart.
enum DiskEvent: Sendable {
    case makeFolder(String)
    case create(String, file: Int)
    case write(file: Int, offset: Int, bytes: [UInt8])
    case truncate(file: Int, size: Int)
    case rename(String, to: String, file: Int)
    case link(String, to: String, file: Int)
    case remove(String)
    /// A flush of a file that ended now, and covers what had happened when it began.
    case sync(file: Int, began: Int)
    case syncFolder(String, began: Int)
    /// A flush that failed: what it was for may be lost, and no later one brings it back.
    case failedSync(file: Int, began: Int)
}

extension DiskEvent {
    /// The file whose bytes or size it changes; nil where it changes names.
    var changedFile: Int? {
        switch self {
        case .write(let file, _, _), .truncate(let file, _): file
        default: nil
        }
    }

    /// The names that it gives or takes; of a rename the new one first.
    var changedNames: [String] {
        switch self {
        case .makeFolder(let path), .create(let path, _), .remove(let path), .link(_, let path, _): [path]
        case .rename(let path, let newPath, _): [newPath, path]
        case .write, .truncate, .sync, .syncFolder, .failedSync: []
        }
    }

    /// Whether it is the end of a flush.
    var isFlush: Bool {
        switch self {
        case .sync, .syncFolder, .failedSync: true
        default: false
        }
    }

    /// The folder of a path; "" for what lies in the recorded folder itself.
    static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
}

extension DiskEvent: CustomStringConvertible {
    var description: String {
        switch self {
        case .makeFolder(let path): "make folder \(path)"
        case .create(let path, let file): "create \(path) as \(file)"
        case .write(let file, let offset, let bytes): "write \(bytes.count) at \(offset) to \(file)"
        case .truncate(let file, let size): "cut \(file) to \(size)"
        case .rename(let path, let newPath, _): "rename \(path) to \(newPath)"
        case .link(let path, let newPath, _): "link \(path) to \(newPath)"
        case .remove(let path): "remove \(path)"
        case .sync(let file, let began): "sync \(file) since \(began)"
        case .syncFolder(let path, let began): "sync folder '\(path)' since \(began)"
        case .failedSync(let file, let began): "fail to sync \(file) since \(began)"
        }
    }
}
