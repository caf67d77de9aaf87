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
        /// Up to where the disk has been given the bytes.
        var writtenBack: Int64
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
        state = Mutex(State(offset: offset, digester: digester, writtenBack: offset))
    }

    func offset() throws -> Int64 {
        try state.withLock { state in
            try checkOpen(state)
            return state.offset
        }
    }

    /// The same without waiting: nil while somebody is writing.
    func offsetIfIdle() throws -> Int64? {
        try state.withLockIfAvailable { state in
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
    /// After an error what was written and hashed whole is kept. The disk is given what has come early, so that the flush
    /// that follows finds little to do.
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
            try startWriteback(file, &state)
            return state.offset
        }
    }

    private func startWriteback(_ file: OpenFile, _ state: inout State) throws {
        // A page that the disk is being given may have to wait for it before it is written to again.
        let end = state.offset / Self.writebackPortion * Self.writebackPortion
        guard end > state.writtenBack else { return }
        do {
            try files.startWriteback(of: state.writtenBack..<end, of: file)
        } catch {
            // What was hashed may not be what the file has: it is read again at the end.
            state.digester = nil
            throw error
        }
        state.writtenBack = end
    }

    /// How many bytes come together before the disk is given them: enough that it writes in large pieces, and that a small
    /// blob is left to its flush.
    private static let writebackPortion: Int64 = 8 * 1024 * 1024

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
            let digest: Digest
            if let digester, digester.algorithm == algorithm {
                // Bytes that somebody has removed or cut off meanwhile become no blob.
                guard try files.size(of: openBytes(.read)) == size else { throw shortFile }
                digest = digester.finish()
            } else {
                digest = try digestOfBytes(algorithm, size: size)
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
