import Archive
import Glibc

/// What stands in a folder that is to be packed.
struct FolderMember: Hashable, Sendable {
    let entry: TarEntry

    /// Finds everything below a folder, blocking: files, folders and links, in the order of their paths' bytes.
    ///
    /// - Throws: `CommandError` for what no image takes, and for what cannot be read.
    static func all(below folder: String) throws -> [FolderMember] {
        var walk = Walk(root: folder)
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CommandError("cannot read \(folder): \(String(cString: strerror(errno)))")
        }
        try walk.walk(descriptor, path: "", depth: 0)
        return walk.members
    }

    /// A walk over a tree of folders, which are opened one from the other: nothing that is renamed meanwhile leads out.
    private struct Walk {
        let root: String
        var members: [FolderMember] = []
        /// The first name of each file that has several.
        private var names: [FileIdentity: String] = [:]

        private struct FileIdentity: Hashable {
            let device: UInt64
            let number: UInt64
        }

        /// Every folder on the way to a file stays open, and a process has some hundred files.
        private static let maximumDepth = 256

        init(root: String) { self.root = root }

        /// Takes over the descriptor.
        mutating func walk(_ descriptor: CInt, path: String, depth: Int) throws {
            guard let stream = fdopendir(descriptor) else {
                close(descriptor)
                throw failure(path)
            }
            defer { closedir(stream) }
            guard depth < Self.maximumDepth else {
                throw CommandError("\(name(path)) is too deep: folders are packed \(Self.maximumDepth) deep")
            }
            for name in try names(in: stream, path: path) {
                try take(name, in: dirfd(stream), path: path.isEmpty ? name : path + "/" + name, depth: depth)
            }
        }

        private func names(in stream: OpaquePointer, path: String) throws -> [String] {
            var names: [String] = []
            errno = 0
            while let entry = readdir(stream) {
                // SAFETY: the name ends with NUL within the entry, which stays until the next is read.
                let bytes = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                    tuple.withMemoryRebound(to: CChar.self, capacity: 256) { pointer in
                        UnsafeBufferPointer(start: pointer, count: strlen(pointer)).map(
                            UInt8.init(bitPattern:)
                        )
                    }
                }
                guard let name = String(validating: bytes, as: UTF8.self) else {
                    throw CommandError("the name of a file in \(self.name(path)) is not in UTF-8: rename it")
                }
                if name != ".", name != ".." { names.append(name) }
                errno = 0
            }
            guard errno == 0 else { throw failure(path) }
            return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }

        private mutating func take(_ name: String, in folder: CInt, path: String, depth: Int) throws {
            var status = stat()
            guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw failure(path) }
            let mode = UInt16(status.st_mode & 0o7777)
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                try add(.directory, path, mode: mode)
                let inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                guard inner >= 0 else { throw failure(path) }
                try walk(inner, path: path, depth: depth + 1)
            case S_IFREG:
                let identity = FileIdentity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
                if status.st_nlink > 1, let first = names[identity] {
                    try add(.hardLink(target: first), path, mode: mode)
                } else {
                    names[identity] = path
                    try add(.file(size: UInt64(clamping: status.st_size)), path, mode: mode)
                }
            case S_IFLNK:
                try add(.symbolicLink(target: target(of: name, in: folder, path: path)), path, mode: mode)
            case S_IFSOCK: throw special(path, "a socket")
            case S_IFIFO: throw special(path, "a FIFO")
            default: throw special(path, "a device")
            }
        }

        private func target(of name: String, in folder: CInt, path: String) throws -> String {
            var failed = false
            // SAFETY: `readlinkat` writes only within the buffer, and says how much.
            let bytes = [UInt8](unsafeUninitializedCapacity: TarEntry.maximumPathLength) { buffer, count in
                let length = buffer.withMemoryRebound(to: CChar.self) { target in
                    target.baseAddress.map { readlinkat(folder, name, $0, target.count) } ?? -1
                }
                failed = length < 0
                count = max(0, length)
            }
            guard !failed else { throw failure(path) }
            guard let target = String(validating: bytes, as: UTF8.self) else {
                throw CommandError("where \(self.name(path)) leads is not in UTF-8: make the link anew")
            }
            return target
        }

        private mutating func add(_ kind: TarEntry.Kind, _ path: String, mode: UInt16) throws {
            do {
                members.append(FolderMember(entry: try TarEntry(kind, path: path, mode: mode)))
            } catch {
                throw CommandError("\(name(path)) cannot be in an image: its path is too long")
            }
        }

        private func name(_ path: String) -> String { path.isEmpty ? root : "\(root)/\(path)" }

        private func failure(_ path: String) -> CommandError {
            CommandError("cannot read \(name(path)): \(String(cString: strerror(errno)))")
        }

        private func special(_ path: String, _ kind: String) -> CommandError {
            CommandError("\(name(path)) is \(kind), and images take files, folders and links: leave it out")
        }
    }
}
