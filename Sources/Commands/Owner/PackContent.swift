import Glibc
import NIOCore

/// What is packed, as the content of a request: a file as it is, or a folder as an archive.
enum PackContent: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    case file(FileContent)
    case folder(FolderContent)

    /// Opens a file, or looks at what is in a folder, blocking.
    ///
    /// `hasEntrypoint`: whether it was said what a container runs, which a folder needs.
    init(path: String, hasEntrypoint: Bool) throws {
        guard FolderContent.isFolder(path) else {
            self = .file(try FileContent(path: path))
            return
        }
        guard hasEntrypoint else {
            throw CommandError("\(path) is a folder: name the executable in it, as in --entrypoint /app")
        }
        self = .folder(try FolderContent(path: path))
    }

    /// In bytes.
    var size: Int64 {
        switch self {
        case .file(let file): file.size
        case .folder(let folder): folder.size
        }
    }

    /// What a file or folder is called, also where its path ends with dots.
    static func name(of path: String) -> String {
        let last = path.split(separator: "/").last.map(String.init) ?? ""
        guard ["", ".", ".."].contains(last), let resolved = realpath(path, nil) else { return last }
        defer { free(resolved) }
        return String(cString: resolved).split(separator: "/").last.map(String.init) ?? ""
    }

    func makeAsyncIterator() -> Iterator {
        switch self {
        case .file(let file): Iterator(file: file.makeAsyncIterator())
        case .folder(let folder): Iterator(folder: folder.makeAsyncIterator())
        }
    }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate var file: FileContent.Iterator?
        fileprivate var folder: FolderContent.Iterator?

        mutating func next() async throws -> ByteBuffer? {
            if file != nil { try await file?.next() } else { try await folder?.next() }
        }
    }
}
