import Glibc
import NIOCore
import NIOPosix
import Storage

/// A file as the content of a request, read as it is sent.
struct FileContent: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    private let file: OpenFile
    private let start: Int64
    /// In bytes, when it was opened.
    let size: Int64

    /// Opens a regular file.
    init(path: String) throws {
        start = 0
        (file, size) = try Self.open(path)
    }

    /// Opens part of a regular file, which has to have it.
    init(_ part: FilePart) throws {
        let size: Int64
        (file, size) = try Self.open(part.path)
        guard part.isWhole ? part.size == size : part.offset + part.size <= size else {
            throw CommandError("\(part.path) has changed")
        }
        (start, self.size) = (part.offset, part.size)
    }

    private static func open(_ path: String) throws -> (OpenFile, size: Int64) {
        var status = stat()
        // Before it is opened: to open a pipe waits for somebody who writes into it.
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw CommandError("\(path) is not a file")
        }
        let files = POSIXFileOperations()
        let (file, size): (OpenFile, Int64)
        do {
            file = try files.open(path, .read)
            size = try files.size(of: file)
        } catch {
            throw CommandError("cannot read \(path): \(String(cString: strerror(error.code)))")
        }
        guard fstat(file.descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw CommandError("\(path) is not a file")
        }
        return (file, size)
    }

    func makeAsyncIterator() -> Iterator { Iterator(file: file, start: start, size: size) }

    struct Iterator: AsyncIteratorProtocol {
        let file: OpenFile
        let start: Int64
        let size: Int64
        var offset: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            guard offset < size else { return nil }
            let (file, offset, count) = (file, start + offset, Int(Swift.min(size - offset, Self.portion)))
            let chunk = try await NIOThreadPool.singleton.runIfActive {
                var buffer = ByteBuffer()
                // SAFETY: the bytes are used within the closure alone.
                try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
                    let target = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
                    return try POSIXFileOperations().read(file, at: offset, into: target)
                }
                return buffer
            }
            guard chunk.readableBytes > 0 else {
                throw CommandError("\(file.path) became shorter while it was read")
            }
            self.offset += Int64(chunk.readableBytes)
            return chunk
        }

        private static var portion: Int64 { 256 * 1024 }
    }
}

/// Bytes that lie one behind the other in a file.
struct FilePart: Hashable, Sendable {
    let path: String
    let offset: Int64
    let size: Int64
    /// Whether these are all bytes of the file.
    var isWhole = false
}
