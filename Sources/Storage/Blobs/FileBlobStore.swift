import Glibc
package import NIOCore
package import NIOPosix
package import OCI
import Synchronization

/// Blobs as files in a folder, each named by its digest.
///
/// All blocking calls run on a thread pool of its own, never on the threads that serve connections.
package final class FileBlobStore: BlobStore {
    let layout: BlobLayout
    let files: any FileOperations
    private let threads: NIOThreadPool
    private let sessions = Mutex<[UploadID: FileUpload]>([:])
    private let flushes: SharedFlushes

    /// Prepares the folders, and clears away what an earlier process left of uploads that cannot be resumed.
    ///
    /// `folder`: the storage folder; `blobs` and `uploads` are made in it.
    /// `threads`: started, and shut down by its owner after the last call here.
    package init(
        folder: String,
        threads: NIOThreadPool,
        files: any FileOperations = POSIXFileOperations()
    ) async throws {
        let layout = BlobLayout(folder: folder)
        self.layout = layout
        self.files = files
        self.threads = threads
        flushes = SharedFlushes(threads: threads, files: files)
        try await threads.runBlocking {
            for algorithm in SupportedAlgorithm.allCases { try files.makeFolder(layout.blobs(algorithm)) }
            try files.makeFolder(layout.uploads)
            try files.removeUnresumableUploads(layout)
        }
    }

    /// Runs blocking work on the store's threads.
    func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await threads.runBlocking(body)
    }
}

// MARK: Uploads

extension FileBlobStore {
    package func beginUpload(_ header: UploadHeader?) async throws -> UploadID {
        let id = UploadID()
        try await blocking { [layout, files] in try files.createUpload(id, header, in: layout) }
        let upload = FileUpload(
            id: id,
            header: header,
            path: layout.bytes(of: id),
            offset: 0,
            files: files
        )
        sessions.withLock { $0[id] = upload }
        return id
    }

    package func append(_ chunks: [ByteBuffer], to id: UploadID, at offset: Int64) async throws -> Int64 {
        let upload = try await fileUpload(id)
        return try await blocking { try upload.append(chunks, at: offset) }
    }

    package func durableOffset(of id: UploadID) async throws -> Int64 {
        try await offset(of: fileUpload(id))
    }

    package func header(of id: UploadID) async throws -> UploadHeader? {
        let upload = try await fileUpload(id)
        // Throws for one that has ended.
        _ = try await offset(of: upload)
        return upload.header
    }

    /// Where a session stands, which takes another thread only while somebody is writing to it.
    private func offset(of upload: FileUpload) async throws -> Int64 {
        if let offset = try upload.offsetIfIdle() { return offset }
        return try await blocking { try upload.offset() }
    }

    package func session(_ id: UploadID) async throws -> UploadSession {
        let upload = try await fileUpload(id)
        return try await blocking { try upload.session() }
    }

    package func uploadPage(after last: UploadID?, limit: Int) async throws -> Page<UploadSession> {
        try await blocking { [self] in
            var found: [UploadSession] = []
            var last = last
            while found.count <= limit {
                let wanted = limit + 1 - found.count
                let ids = try files.resumableUploads(after: last, limit: wanted, in: layout)
                found += try ids.compactMap(lookAt)
                guard ids.count == wanted else { break }
                last = ids.last
            }
            return Page(elements: Array(found.prefix(limit)), hasMore: found.count > limit)
        }
    }

    /// A session, without keeping it in memory; nil for one that has ended meanwhile.
    private func lookAt(_ id: UploadID) throws -> UploadSession? {
        do {
            let inMemory = sessions.withLock { $0[id] }
            return try (inMemory ?? files.loadUpload(id, in: layout))?.session()
        } catch StorageError.unknownUpload {
            return nil
        }
    }

    package func read(_ range: Range<Int64>, of id: UploadID) async throws -> ByteBuffer {
        let upload = try await fileUpload(id)
        return try await blocking { try upload.read(range) }
    }

    package func digest(of id: UploadID, _ algorithm: SupportedAlgorithm) async throws -> Digest {
        let upload = try await fileUpload(id)
        return try await blocking { try upload.digest(algorithm) }
    }

    package func finishUpload(_ id: UploadID, expecting digest: Digest?) async throws -> VerifiedUpload {
        let upload = try await fileUpload(id)
        let algorithm: SupportedAlgorithm
        if let digest {
            guard let supported = digest.supportedAlgorithm else {
                throw StorageError.unsupportedAlgorithm(digest)
            }
            algorithm = supported
        } else {
            algorithm = upload.header?.algorithm ?? .sha256
        }
        let (actual, size) = try await blocking { try upload.finish(algorithm) }
        let verified = VerifiedUpload(upload: id, digest: actual, size: size)
        if let digest, digest != actual {
            await discard(verified)
            throw StorageError.digestMismatch(announced: digest, actual: actual)
        }
        return verified
    }

    package func cancelUpload(_ id: UploadID) async throws {
        let upload = try await fileUpload(id)
        try await blocking { try upload.cancel() }
        await forget(id)
    }

    package func discard(_ upload: VerifiedUpload) async { await forget(upload.upload) }

    private func forget(_ id: UploadID) async {
        do {
            try await blocking { [layout, files] in try files.removeUpload(id, in: layout) }
            sessions.withLock { $0[id] = nil }
        } catch {
            // The session stays in memory as one that has ended, so that its files do not bring it back.
        }
    }

    /// Whether a session is known to this process, or is none any more that its files could bring back.
    func isInMemory(_ id: UploadID) -> Bool { sessions.withLock { $0[id] != nil } }

    /// How many sessions are in memory: those that this process has touched, and that have not ended.
    var sessionCount: Int { sessions.withLock { $0.count } }

    /// The session, from memory or, after a restart, from its files.
    private func fileUpload(_ id: UploadID) async throws -> FileUpload {
        if let upload = sessions.withLock({ $0[id] }) { return upload }
        let load = { @Sendable [layout, files] in try files.loadUpload(id, in: layout) }
        guard let loaded = try await blocking(load) else { throw StorageError.unknownUpload(id) }
        let upload = sessions.withLock { sessions in
            if let upload = sessions[id] { return upload }
            sessions[id] = loaded
            return loaded
        }
        // Whoever ended it before it was in memory could not take it out again.
        guard try await blocking(load) != nil else {
            sessions.withLock { if $0[id] === upload { $0[id] = nil } }
            throw StorageError.unknownUpload(id)
        }
        return upload
    }
}

// MARK: Placed blobs

extension FileBlobStore {
    package func placement(of upload: VerifiedUpload) -> BlobPlacement {
        let source = layout.bytes(of: upload.upload)
        guard let target = layout.blob(upload.digest) else {
            preconditionFailure("only content of a supported algorithm is ever verified")
        }
        return BlobPlacement(
            put: { [files, flushes] in
                do throws(FileError) { try files.rename(source, to: target) } catch {
                    throw StorageError(error)
                }
                flushes.forget(.file(target))
            },
            isThere: { [files] in (try? files.size(of: files.open(target, .read))) == upload.size },
            // Where this fails the file has no row, and goes at the next start.
            takeBack: { [files] in try? files.rename(target, to: source) }
        )
    }

    package func open(_ digest: Digest, size: Int64) async throws -> OpenBlob? {
        guard let path = layout.blob(digest) else { return nil }
        let file = try await blocking { [files] () -> OpenFile? in
            do {
                let file = try files.open(path, .read)
                guard try files.size(of: file) == size else { throw StorageError.corrupt(digest) }
                return file
            } catch let error as FileError where error.code == ENOENT {
                return nil
            }
        }
        guard let file else { return nil }
        let load = { @Sendable [self] (range: Range<Int64>) in
            guard !files.holds(range, of: file) else { return }
            try? await blocking { [files] in files.load(range, of: file) }
        }
        return OpenBlob(digest: digest, size: size, file: file, load: load) { [self] range in
            let part = try await blocking { [files] in try files.buffer(range, of: file) }
            guard part.readableBytes == range.count else { throw StorageError.corrupt(digest) }
            return part
        }
    }

    package func sync(_ digests: [Digest]) async throws {
        try await withThrowingTaskGroup { group in
            for path in Set(digests.compactMap(layout.blob)) {
                group.addTask { [flushes] in try await flushes.run(.file(path)) }
            }
            try await group.waitForAll()
        }
        for algorithm in Set(digests.compactMap(\.supportedAlgorithm)) {
            try await flushes.run(.folder(layout.blobs(algorithm)))
        }
    }

    package func syncNames() async throws {
        for algorithm in SupportedAlgorithm.allCases {
            try await flushes.run(.folder(layout.blobs(algorithm)))
        }
    }

    /// How many wait for a flush that has not begun.
    var waitingForFlush: Int { flushes.waitingCount }

    package func verify(_ digest: Digest, size: Int64) async throws -> Bool {
        guard let path = layout.blob(digest), let algorithm = digest.supportedAlgorithm else { return false }
        return try await blocking { [files] in
            do {
                let file = try files.open(path, .read)
                files.evict(file)
                let (actual, count) = try files.digest(of: file, algorithm)
                return actual == digest && count == size
            } catch let error as FileError where error.code == ENOENT {
                return false
            }
        }
    }

    package func remove(_ digest: Digest) throws {
        guard let path = layout.blob(digest) else { return }
        do throws(FileError) { try files.remove(path) } catch { throw StorageError(error) }
        flushes.forget(.file(path))
    }

    package func forEachPlaced(_ body: @escaping @Sendable ([Digest]) throws -> Void) async throws {
        try await blocking { [layout, files] in
            for algorithm in SupportedAlgorithm.allCases {
                try files.entries(of: layout.blobs(algorithm)) { names in
                    try body(names.compactMap { try? Digest("\(algorithm.rawValue):\($0)") })
                }
            }
        }
    }
}
