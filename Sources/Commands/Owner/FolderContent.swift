import Archive
import Glibc
import NIOCore
import NIOPosix
import Storage

/// A folder as the content of a request: a tar archive that is made as it is sent.
struct FolderContent: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    private let folder: String
    private let members: [FolderMember]
    /// Of the archive, in bytes.
    let size: Int64

    /// Whether there is a folder at a path, which may be a link to one.
    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Looks at what is in a folder, blocking.
    init(path: String) throws {
        folder = path
        members = try FolderMember.all(below: path)
        size = members.reduce(Int64(Tar.end.count)) { sum, member in
            let entry = member.entry
            let padding = Tar.paddingSize(afterContentsOfSize: entry.size)
            return sum + Int64(entry.header.count + padding) + Int64(clamping: entry.size)
        }
    }

    func makeAsyncIterator() -> Iterator {
        Iterator(archive: FolderArchive(folder: folder, members: members))
    }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate var archive: FolderArchive

        mutating func next() async throws -> ByteBuffer? {
            let archive = archive
            let (chunk, rest) = try await NIOThreadPool.singleton.runIfActive {
                var archive = archive
                let chunk = try archive.next()
                return (chunk, archive)
            }
            self.archive = rest
            return chunk.readableBytes > 0 ? chunk : nil
        }
    }
}

/// The archive of a folder, as far as it has been made.
private struct FolderArchive: Sendable {
    let folder: String
    let members: [FolderMember]
    private var index = 0
    /// The file whose contents are being read, and how far.
    private var file: (file: OpenFile, offset: Int64)?
    private var isEnded = false

    /// What is gathered before it is sent.
    private static let portion = 256 * 1024

    init(folder: String, members: [FolderMember]) {
        self.folder = folder
        self.members = members
    }

    /// Makes the next bytes, blocking; none at the end.
    mutating func next() throws -> ByteBuffer {
        var chunk = ByteBuffer()
        while chunk.readableBytes < Self.portion, !isEnded {
            guard index < members.count else {
                chunk.writeBytes(Tar.end)
                isEnded = true
                break
            }
            let entry = members[index].entry
            if file == nil {
                chunk.writeBytes(entry.header)
                guard entry.size > 0 else {
                    index += 1
                    continue
                }
                file = (try open(entry), 0)
            }
            try readContents(of: entry, into: &chunk)
        }
        return chunk
    }

    private func open(_ entry: TarEntry) throws -> OpenFile {
        let path = "\(folder)/\(entry.path)"
        let descriptor = Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        let file = OpenFile(owning: descriptor, path: path)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size == Int64(clamping: entry.size)
        else { throw CommandError("\(path) changed while the folder was read") }
        return file
    }

    private mutating func readContents(of entry: TarEntry, into chunk: inout ByteBuffer) throws {
        guard let (file, offset) = file else { return }
        let count = Int(Swift.min(Int64(clamping: entry.size) - offset, Int64(Self.portion)))
        // SAFETY: the bytes are used within the closure alone.
        let read = try chunk.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            let target = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
            return try POSIXFileOperations().read(file, at: offset, into: target)
        }
        guard read > 0 else { throw CommandError("\(file.path) became shorter while it was read") }
        self.file = (file, offset + Int64(read))
        guard offset + Int64(read) == Int64(clamping: entry.size) else { return }
        self.file = nil
        index += 1
        chunk.writeRepeatingByte(0, count: Tar.paddingSize(afterContentsOfSize: entry.size))
    }
}
