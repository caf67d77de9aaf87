import Glibc
import NIOCore
import OCI
import Synchronization

/// An upload session of a file blob store: a file whose size is its offset, and the hash of what has come.
///
/// Its methods block.
final class FileUpload: Sendable {
    private enum Phase {
        case open
        /// The file is being read again, which takes as long as it is large. If that fails the session goes on.
        case finishing
        case ended
    }

    private struct State {
        var offset: Int64
        /// Nil where the file holds bytes that this process has not hashed: it is read again at the end.
        var digester: Digester?
        var phase = Phase.open
    }

    let id: UploadID
    let header: UploadHeader?
    private let path: String
    private let files: any FileOperations
    private let state: Mutex<State>

    init(id: UploadID, header: UploadHeader?, path: String, offset: Int64, files: any FileOperations) {
        self.id = id
        self.header = header
        self.path = path
        self.files = files
        let digester = offset == 0 ? Digester(header?.algorithm ?? .sha256) : nil
        state = Mutex(State(offset: offset, digester: digester))
    }

    func offset() throws -> Int64 {
        try state.withLock { state in
            try checkOpen(state)
            return state.offset
        }
    }

    /// What the session is for, and where it stands.
    func session() throws -> UploadSession {
        let offset = try offset()
        let lastActivity = try files.modified(openBytes(.read))
        return UploadSession(id: id, header: header, offset: offset, lastActivity: lastActivity)
    }

    private func checkOpen(_ state: State) throws {
        guard state.phase == .open else { throw StorageError.unknownUpload(id) }
    }

    /// Part of what has come.
    func read(_ range: Range<Int64>) throws -> ByteBuffer {
        let range = range.clamped(to: 0..<(try offset()))
        let part = try files.buffer(range, of: openBytes(.read))
        // Nobody waits for ever for bytes that somebody else has cut off.
        guard part.readableBytes == range.count else { throw shortFile }
        return part
    }

    private var shortFile: FileError { FileError(operation: "read", path: path, code: EIO) }

    /// A session whose bytes somebody removed is none any more.
    private func openBytes(_ mode: FileOpenMode) throws -> OpenFile {
        do {
            return try files.open(path, mode)
        } catch  where error.code == ENOENT {
            throw StorageError.unknownUpload(id)
        }
    }

    /// Writes and hashes chunk by chunk.
    ///
    /// After an error what was written and hashed whole is kept.
    func append(_ chunks: [ByteBuffer], at offset: Int64) throws -> Int64 {
        try state.withLock { state in
            try checkOpen(state)
            guard state.offset == offset else {
                throw StorageError.wrongOffset(expected: offset, actual: state.offset)
            }
            let file = try openBytes(.update)
            do {
                for chunk in chunks {
                    // SAFETY: the bytes are used within the closure alone.
                    try chunk.withUnsafeReadableBytes { bytes in
                        _ = try files.write(bytes, to: file, at: state.offset)
                        state.digester?.update(bytes)
                        state.offset += Int64(bytes.count)
                    }
                }
            } catch {
                cutBack(file, &state)
                throw error
            }
            return state.offset
        }
    }

    /// Drops what a failed write left behind the last whole chunk.
    ///
    /// Where even that fails, the file's size counts.
    private func cutBack(_ file: OpenFile, _ state: inout State) {
        do {
            try files.truncate(file, to: state.offset)
        } catch {
            state.digester = nil
            if let size = try? files.size(of: file) { state.offset = size }
        }
    }

    /// The digest of what has come so far.
    func digest(_ algorithm: SupportedAlgorithm) throws -> Digest {
        let (size, digester) = try state.withLock { state in
            try checkOpen(state)
            return (state.offset, state.digester)
        }
        if let digester, digester.algorithm == algorithm { return digester.finish() }
        return try digestOfBytes(algorithm, size: size)
    }

    /// Computes the digest, ends the session and returns digest and size.
    func finish(_ algorithm: SupportedAlgorithm) throws -> (Digest, Int64) {
        let (size, digester) = try state.withLock { state in
            try checkOpen(state)
            state.phase = .finishing
            return (state.offset, state.digester)
        }
        do {
            let digest =
                if let digester, digester.algorithm == algorithm {
                    digester.finish()
                } else {
                    try digestOfBytes(algorithm, size: size)
                }
            state.withLock { $0.phase = .ended }
            return (digest, size)
        } catch {
            state.withLock { $0.phase = .open }
            throw error
        }
    }

    /// Reads the file from end to end, without keeping anybody waiting who asks about the session meanwhile.
    private func digestOfBytes(_ algorithm: SupportedAlgorithm, size: Int64) throws -> Digest {
        let (digest, count) = try files.digest(of: openBytes(.read), algorithm)
        // Fewer bytes, or more that came meanwhile.
        guard count == size else { throw shortFile }
        return digest
    }

    /// Ends the session without a digest.
    func cancel() throws {
        try state.withLock { state in
            try checkOpen(state)
            state.phase = .ended
        }
    }
}

extension FileOperations {
    /// Hashes a file from end to end, and counts its bytes.
    func digest(of file: OpenFile, _ algorithm: SupportedAlgorithm) throws -> (Digest, Int64) {
        var digester = Digester(algorithm)
        var offset: Int64 = 0
        // Large enough that the calls cost nothing beside the hashing, small enough for a core's cache.
        var buffer = [UInt8](repeating: 0, count: 256 * 1024)
        while true {
            // SAFETY: the bytes are used within the closure alone.
            let count = try buffer.withUnsafeMutableBytes { bytes in
                let count = try read(file, at: offset, into: bytes)
                digester.update(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                return count
            }
            guard count > 0 else { return (digester.finish(), offset) }
            offset += Int64(count)
        }
    }
}
