import CLinux
import Glibc

/// The file system of this machine.
package struct POSIXFileOperations: FileOperations {
    package init() {}

    package func open(_ path: String, _ mode: FileOpenMode) throws(FileError) -> OpenFile {
        let flags =
            switch mode {
            case .read: O_RDONLY | O_CLOEXEC
            case .update: O_RDWR | O_CLOEXEC
            case .create: O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC
            }
        let descriptor = try Self.call("open", path) { Glibc.open(path, flags, 0o644) }
        return OpenFile(owning: descriptor, path: path)
    }

    package func write(
        _ bytes: UnsafeRawBufferPointer,
        to file: OpenFile,
        at offset: Int64
    ) throws(FileError) -> Int {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = try Self.call("write", file.path) {
                pwrite(file.descriptor, rest.baseAddress, rest.count, off_t(offset + Int64(written)))
            }
            written += count
        }
        return written
    }

    package func read(
        _ file: OpenFile,
        at offset: Int64,
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(FileError) -> Int {
        var filled = 0
        while filled < bytes.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[filled...])
            let count = try Self.call("read", file.path) {
                pread(file.descriptor, rest.baseAddress, rest.count, off_t(offset + Int64(filled)))
            }
            guard count > 0 else { break }
            filled += count
        }
        return filled
    }

    package func size(of file: OpenFile) throws(FileError) -> Int64 {
        var status = stat()
        _ = try Self.call("stat", file.path) { fstat(file.descriptor, &status) }
        return Int64(status.st_size)
    }

    package func modified(_ file: OpenFile) throws(FileError) -> Timestamp {
        var status = stat()
        _ = try Self.call("stat", file.path) { fstat(file.descriptor, &status) }
        return Timestamp(status.st_mtim)
    }

    package func truncate(_ file: OpenFile, to size: Int64) throws(FileError) {
        _ = try Self.call("truncate", file.path) { ftruncate(file.descriptor, off_t(size)) }
    }

    package func evict(_ file: OpenFile) {
        _ = posix_fadvise(file.descriptor, 0, 0, POSIX_FADV_DONTNEED)
    }

    package func startWriteback(of range: Range<Int64>, of file: OpenFile) throws(FileError) {
        do throws(FileError) {
            _ = try Self.call("sync_file_range", file.path) {
                sync_file_range(
                    file.descriptor,
                    range.lowerBound,
                    Int64(range.count),
                    UInt32(CLINUX_SYNC_FILE_RANGE_WRITE)
                )
            }
        } catch  where [EINVAL, ESPIPE, ENOSYS].contains(error.code) {
            // This file system has no such call.
        }
    }

    package func load(_ range: Range<Int64>, of file: OpenFile) {
        var offset = range.lowerBound
        // Small enough for a core's cache: nobody looks at what is read.
        withUnsafeTemporaryAllocation(byteCount: 128 * 1024, alignment: 16) { bytes in
            while offset < range.upperBound {
                let wanted = min(bytes.count, Int(range.upperBound - offset))
                let count = pread(file.descriptor, bytes.baseAddress, wanted, off_t(offset))
                // Whoever reads in earnest is told what is wrong.
                guard count > 0 else { return }
                offset += Int64(count)
            }
        }
    }

    package func holds(_ range: Range<Int64>, of file: OpenFile) -> Bool {
        guard !range.isEmpty else { return true }
        let page = Int64(sysconf(Int32(_SC_PAGESIZE)))
        let start = range.lowerBound / page * page
        let size = Int(range.upperBound - start)
        guard let pages = mmap(nil, size, PROT_READ, MAP_SHARED, file.descriptor, off_t(start)),
            pages != MAP_FAILED
        else { return false }
        defer { munmap(pages, size) }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: (size + Int(page) - 1) / Int(page)) {
            held in
            // The other bits are for the system.
            mincore(pages, size, held.baseAddress) == 0 && held.allSatisfy { $0 & 1 == 1 }
        }
    }

    package func sync(_ file: OpenFile) throws(FileError) {
        _ = try Self.call(FileError.flush, file.path) { fsync(file.descriptor) }
    }

    package func syncFolder(_ path: String) throws(FileError) {
        let descriptor = try Self.call("open", path) { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        do {
            try sync(OpenFile(owning: descriptor, path: path))
        } catch  where error.code == EINVAL {
            // This file system has no such call for folders, and does what it does without.
        }
    }

    package func rename(_ path: String, to newPath: String) throws(FileError) {
        _ = try Self.call("rename", path) { Glibc.rename(path, newPath) }
    }

    package func link(_ path: String, to newPath: String) throws(FileError) {
        _ = try Self.call("link", newPath) { Glibc.link(path, newPath) }
    }

    package func protect(_ path: String) throws(FileError) {
        var status = Glibc.stat()
        _ = try Self.call("stat", path) { stat(path, &status) }
        // A file that is protected already may be another user's.
        guard status.st_mode & 0o222 != 0 else { return }
        _ = try Self.call("chmod", path) { chmod(path, status.st_mode & 0o555) }
    }

    package func removeFolder(_ path: String) throws(FileError) {
        do {
            _ = try Self.call("rmdir", path) { rmdir(path) }
        } catch  where error.code == ENOENT {
        }
    }

    package func remove(_ path: String) throws(FileError) {
        do {
            _ = try Self.call("unlink", path) { unlink(path) }
        } catch  where error.code == ENOENT {
        }
    }

    package func makeFolder(_ path: String) throws(FileError) {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        do {
            try makeFolder(path, in: parent)
        } catch  where error.code == ENOENT {
            guard slash != nil, parent != "/" else { throw error }
            try makeFolder(parent)
            try makeFolder(path, in: parent)
        }
    }

    private func makeFolder(_ path: String, in parent: String) throws(FileError) {
        do {
            _ = try Self.call("mkdir", path) { mkdir(path, 0o755) }
        } catch  where error.code == EEXIST {
            // Whoever made it may have died before it was flushed. Where it was flushed this costs nothing.
            do throws(FileError) { try syncFolder(parent) } catch  where error.code == EACCES {}
            return
        }
        // What is synced within the folder would otherwise be lost with the folder itself.
        try syncFolder(parent)
    }

    package func entries(of path: String, _ body: ([String]) throws -> Void) throws {
        guard let folder = opendir(path) else {
            throw FileError(operation: "opendir", path: path, code: errno)
        }
        defer { closedir(folder) }
        var names: [String] = []
        // The end and a failure look the same but for `errno`.
        errno = 0
        while let entry = readdir(folder) {
            // SAFETY: the bytes are used within the closure alone.
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
            if names.count == 1000 {
                try body(names)
                names.removeAll(keepingCapacity: true)
            }
            errno = 0
        }
        guard errno == 0 else { throw FileError(operation: "readdir", path: path, code: errno) }
        if !names.isEmpty { try body(names) }
    }

    /// Makes a call again for as long as a signal interrupts it, and turns -1 into an error.
    private static func call<Result: SignedInteger>(
        _ operation: String,
        _ path: String,
        _ body: () -> Result
    ) throws(FileError) -> Result {
        while true {
            let result = body()
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { throw FileError(operation: operation, path: path, code: code) }
        }
    }
}
