import Glibc

/// A regular file read with `pread`, so that the descriptor's own position is neither used nor moved.
package struct FileByteSource: ByteSource, Sendable {
    /// The size at the time of opening: of a file that shrinks afterwards, reads fail with `outOfBounds`.
    package let size: UInt64
    private let descriptor: Int32

    /// Reads through a descriptor that stays the caller's to close, after the last use of this value.
    package init(descriptor: Int32) throws(ByteSourceError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile }
        self.descriptor = descriptor
        self.size = UInt64(clamping: status.st_size)
    }

    /// Opens the file at `path` for as long as `body` runs.
    ///
    /// - Throws: ``ByteSourceError`` when it cannot be opened or is no regular file, else what `body` throws.
    package static func withFile<Result>(
        at path: String,
        _ body: (FileByteSource) throws -> Result
    ) throws -> Result {
        // O_NONBLOCK: opening a FIFO must fail the check below, not wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw ByteSourceError.system(errno: errno) }
        defer { close(descriptor) }
        return try body(FileByteSource(descriptor: descriptor))
    }

    package func bytes(in range: Range<UInt64>) throws(ByteSourceError) -> [UInt8] {
        guard range.upperBound <= size else { throw .outOfBounds }
        let length = Int(range.upperBound - range.lowerBound)
        var failure: ByteSourceError?
        // SAFETY: `pread` writes only within the buffer, and `filled` counts only what it says it wrote.
        let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, filled in
            while filled < length {
                let rest = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...]
                )
                let count = pread(
                    descriptor,
                    rest.baseAddress,
                    rest.count,
                    off_t(range.lowerBound) + off_t(filled)
                )
                if count > 0 {
                    filled += count
                } else if count == 0 {
                    failure = .outOfBounds
                    return
                } else if errno != EINTR {
                    failure = .system(errno: errno)
                    return
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
