import Glibc
import NIOCore
import NIOPosix
import Storage

/// A file as the content of a request, read as it is sent.
struct FileContent: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    private let file: OpenFile
    /// In bytes, when it was opened.
    let size: Int64

    /// Opens a regular file.
    init(path: String) throws {
        var status = stat()
        // Before it is opened: to open a pipe waits for somebody who writes into it.
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw CommandError("\(path) is not a file")
        }
        let files = POSIXFileOperations()
        do {
            file = try files.open(path, .read)
            size = try files.size(of: file)
        } catch {
            throw CommandError("cannot read \(path): \(String(cString: strerror(error.code)))")
        }
        guard fstat(file.descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw CommandError("\(path) is not a file")
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(file: file, size: size) }

    struct Iterator: AsyncIteratorProtocol {
        let file: OpenFile
        let size: Int64
        var offset: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            guard offset < size else { return nil }
            let (file, offset, count) = (file, offset, Int(Swift.min(size - offset, Self.portion)))
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
