import Dispatch
import Glibc
import OCI
import Storage

/// The making of one backup.
struct BackupRun {
    private let registry: Registry
    private let folder: BackupFolder
    private let files: any FileOperations
    private let tell: @Sendable (Int64, Int64) -> Void
    private let name: String
    /// Where it is being made.
    private let target: String
    /// The backup before this one.
    private let last: String?
    /// Whether bytes are copied: because that is wanted, or nothing can be linked.
    private var copies: Bool
    private let mayReflink: Bool
    private var report: BackupReport

    init(
        _ registry: Registry,
        _ folder: BackupFolder,
        copies: Bool,
        _ files: any FileOperations,
        _ tell: @escaping @Sendable (Int64, Int64) -> Void
    ) async throws {
        self.registry = registry
        self.folder = folder
        self.files = files
        self.tell = tell
        self.copies = copies
        mayReflink = copies
        let now = registry.clock()
        do {
            last = try await Self.blocking { try folder.last() }
            (name, target) = try await Self.blocking { try folder.begin(at: now) }
        } catch let error as FileError {
            throw BackupFolder.error(error, folder.path)
        }
        report = BackupReport(path: folder.path + "/" + name)
    }

    /// Runs calls that wait for a disk, off the threads that serve.
    static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
        }
    }

    mutating func run(keeping count: Int) async throws -> BackupReport {
        let (folder, name) = (folder, name)
        do {
            let catalog = try await registry.catalog.copy(to: target + "/berth.db", now: registry.clock())
            do {
                try await takeBlobs(of: catalog)
                try await Self.blocking { try catalog.finish() }
            } catch {
                catalog.abandon()
                throw error
            }
            try await Self.blocking { try folder.finish(name) }
        } catch {
            _ = try? await Self.blocking { folder.abandon(name) }
            if let error = error as? FileError { throw BackupFolder.error(error, folder.path) }
            throw error
        }
        // The new one is safe: what becomes of the old ones is no reason to say otherwise.
        report.removed = (try? await Self.blocking { try folder.removeOld(keeping: count) }) ?? 0
        return report
    }

    private static let portion = 256

    private mutating func takeBlobs(of catalog: CatalogCopy) async throws {
        report.lost = try await Self.blocking { try catalog.quarantined() }
        let total = try await Self.blocking { try catalog.size() }
        var done: Int64 = 0
        var last: BlobRecord.ID?
        while true {
            let (start, portion) = (last, Self.portion)
            let page = try await Self.blocking { try catalog.blobs(after: start, limit: portion) }
            guard let end = page.last else { return }
            var lost: [BlobRecord] = []
            for blob in page {
                try Task.checkCancellation()
                tell(done, total)
                if try await take(blob) {
                    report.blobs += 1
                    report.size += blob.record.size
                } else {
                    lost.append(blob.record)
                }
                done += blob.record.size
            }
            report.lost += lost.map(\.digest)
            let ids = lost.map(\.id)
            try await Self.blocking { try catalog.quarantine(ids) }
            last = end.record.id
        }
    }

    /// Puts a blob into the backup; false where it is missing or damaged.
    private mutating func take(_ blob: CopiedBlob) async throws -> Bool {
        let record = blob.record
        guard let algorithm = record.digest.supportedAlgorithm else { return false }
        let place = "/blobs/\(algorithm.rawValue)/\(record.digest.encoded)"
        let path = target + place
        let old = last.map { $0 + place }
        let isOld = try await isThere(old, size: record.size)
        if !isOld { report.new += 1 }
        if !copies, let isLinked = try await link(blob, to: path) { return isLinked }
        if let old, isOld, try await linkOld(old, to: path) { return true }
        return try await copy(blob, to: path, algorithm)
    }

    private func isThere(_ path: String?, size: Int64) async throws -> Bool {
        guard let path else { return false }
        return try await Self.blocking { [files] in
            (try? files.size(of: files.open(path, .read))) == size
        }
    }

    /// Links a blob's file; nil where that cannot be, here or ever.
    private mutating func link(_ blob: CopiedBlob, to path: String) async throws -> Bool? {
        let record = blob.record
        let blobs = registry.blobs
        do {
            if !blob.isSynced { try await blobs.sync([record.digest]) }
            return try await Self.blocking {
                try blobs.link(record.digest, size: record.size, toFile: path)
            }
        } catch StorageError.corrupt {
            return false
        } catch StorageError.failed(_, _, code: ENOENT) {
            return false
        } catch StorageError.tooManyLinks {
            return nil
        } catch StorageError.otherFileSystem {
            copies = true
            return nil
        } catch StorageError.failed(_, _, code: EPERM) {
            // A file system without hard links.
            copies = true
            return nil
        }
    }

    /// Links what the backup before this one has; false where its file system has no such links.
    private func linkOld(_ old: String, to path: String) async throws -> Bool {
        try await Self.blocking { [files] in
            do throws(FileError) {
                try files.link(old, to: path)
                return true
            } catch {
                guard [EPERM, EMLINK, EOPNOTSUPP].contains(error.code) else { throw error }
                return false
            }
        }
    }

    private mutating func copy(
        _ blob: CopiedBlob,
        to path: String,
        _ algorithm: SupportedAlgorithm
    ) async throws -> Bool {
        let record = blob.record
        let open: OpenBlob?
        do {
            open = try await registry.blobs.open(record.digest, size: record.size)
        } catch StorageError.corrupt {
            return false
        }
        guard let open else { return false }
        let isWhole = try await Self.blocking { [files, mayReflink] in
            let target = try files.open(path, .create)
            if mayReflink, Self.reflink(open.file, to: target) {
                try files.sync(target)
                return true
            }
            let (size, digest) = try files.copy(open.file, to: target, algorithm: algorithm)
            guard size == record.size, digest == record.digest else {
                try files.remove(path)
                return false
            }
            try files.sync(target)
            return true
        }
        if isWhole { report.copied += record.size }
        return isWhole
    }

    /// Has a file share another's blocks, where the file system can; what is written to one does not change the other.
    ///
    /// - SeeAlso: ioctl_ficlone(2)
    private static func reflink(_ source: OpenFile, to target: OpenFile) -> Bool {
        ioctl(target.descriptor, 0x4004_9409, source.descriptor) == 0
    }
}
