import Glibc
package import OCI

/// Makes a storage folder of a backup, or of any other copy of one.
///
/// Its methods block.
package struct Restoration {
    /// What came of it.
    package struct Report: Hashable, Sendable {
        package var blobs = 0
        /// In bytes.
        package var size: Int64 = 0
        /// What is missing or damaged in the backup; quarantined in the folder.
        package var lost: [Digest] = []
    }

    private let source: BlobLayout
    private let target: BlobLayout
    private let files: any FileOperations
    private let verifies: Bool

    /// The file that is there from the beginning of a restore to its end.
    static let marker = "berth.restoring"

    /// What may lie in a folder that counts as empty.
    private static let harmless: Set<String> = [
        "berth.lock", "berth.sock", ".gitignore", "README.md", "lost+found",
    ]

    private static let unfinished = "berth.db.restoring"

    /// Whether a folder is in the middle of being restored, or was when the process died.
    static func isUnfinished(_ folder: String) -> Bool { access(folder + "/" + marker, F_OK) == 0 }

    /// Copies a storage folder into another, and makes that one durable.
    ///
    /// `path`: the copy, which nobody may own: what `berth backup` made, or a snapshot of the file system. `folder`:
    /// nothing, an empty folder, or one that a restore left unfinished. `verifies`: whether every blob is hashed; else
    /// those are that may not be complete, and the size of all is checked. `tell` hears how many bytes of how many are done.
    ///
    /// - Throws: `RestorationError`, `StorageOwnershipError`, `StorageError`.
    package static func run(
        from path: String,
        to folder: String,
        verifies: Bool,
        files: any FileOperations = POSIXFileOperations(),
        tell: (_ done: Int64, _ total: Int64) -> Void
    ) throws -> Report {
        guard access(path + "/berth.db", R_OK) == 0 else { throw RestorationError.noBackup(path) }
        if let holder = StorageOwnership.holder(of: path, isPatient: true) {
            throw RestorationError.inUse(path, pid: holder.pid)
        }
        try refuseOccupied(folder, files)
        let ownership = try StorageOwnership.acquire(folder, as: .command)
        return try withExtendedLifetime(ownership) {
            // Nobody has it, and nobody else can take it from here on: what it holds is what was seen, or looked at again.
            try refuseOccupied(ownership.folder, files)
            let restoration = Restoration(
                source: BlobLayout(folder: path),
                target: BlobLayout(folder: ownership.folder),
                files: files,
                verifies: verifies
            )
            do {
                return try restoration.run(tell)
            } catch let error as FileError {
                throw StorageError(error)
            }
        }
    }

    private static func refuseOccupied(_ folder: String, _ files: any FileOperations) throws {
        guard !isUnfinished(folder) else { return }
        var strangers: [String] = []
        do {
            try files.entries(of: folder) { names in strangers += names.filter { !harmless.contains($0) } }
        } catch let error as FileError where error.code == ENOENT {
            return
        } catch let error as FileError {
            throw StorageError(error)
        }
        guard strangers.isEmpty else { throw RestorationError.occupied(folder) }
    }

    private func run(_ tell: (Int64, Int64) -> Void) throws -> Report {
        let folder = target.folder
        let marker = folder + "/" + Self.marker
        if !Self.isUnfinished(folder) { _ = try files.open(marker, .create) }
        try files.syncFolder(folder)
        for algorithm in SupportedAlgorithm.allCases { try files.makeFolder(target.blobs(algorithm)) }
        let database = folder + "/" + Self.unfinished
        for suffix in ["", "-wal", "-shm", "-journal"] { try files.remove(database + suffix) }
        _ = try copy(source.folder + "/berth.db", to: database, algorithm: nil)
        // A log is what the owner had not folded into the database, as in a snapshot of a live folder.
        if access(source.folder + "/berth.db-wal", F_OK) == 0 {
            _ = try copy(source.folder + "/berth.db-wal", to: database + "-wal", algorithm: nil)
        }
        let catalog = try CatalogCopy(restoring: database)
        let report: Report
        do {
            report = try copyBlobs(of: catalog, tell)
            try catalog.finish()
        } catch {
            catalog.abandon()
            throw error
        }
        try files.sync(files.open(database, .read))
        for algorithm in SupportedAlgorithm.allCases { try files.syncFolder(target.blobs(algorithm)) }
        try files.rename(database, to: folder + "/berth.db")
        try files.syncFolder(folder)
        try files.remove(marker)
        try files.syncFolder(folder)
        return report
    }

    private static let portion = 256

    private func copyBlobs(of catalog: CatalogCopy, _ tell: (Int64, Int64) -> Void) throws -> Report {
        var report = Report()
        // Who made the copy knew of these.
        report.lost = try catalog.quarantined()
        let total = try catalog.size()
        var done: Int64 = 0
        var last: BlobRecord.ID?
        while true {
            let page = try catalog.blobs(after: last, limit: Self.portion)
            guard let end = page.last else { return report }
            var lost: [BlobRecord] = []
            for blob in page {
                tell(done, total)
                if try copy(blob, { tell(done + $0, total) }) {
                    report.blobs += 1
                    report.size += blob.record.size
                } else {
                    lost.append(blob.record)
                }
                done += blob.record.size
            }
            try catalog.quarantine(lost.map(\.id))
            report.lost += lost.map(\.digest)
            last = end.record.id
        }
    }

    /// Copies a blob; false where the backup has not all of it.
    private func copy(_ blob: CopiedBlob, _ passed: (Int64) -> Void) throws -> Bool {
        let record = blob.record
        guard let from = source.blob(record.digest), let to = target.blob(record.digest) else { return false }
        // What was not synced when the copy was made may be there in part.
        let algorithm = verifies || !blob.isSynced ? record.digest.supportedAlgorithm : nil
        try files.remove(to)
        do {
            let (size, digest) = try copy(from, to: to, algorithm: algorithm, passed)
            if size == record.size, digest == nil || digest == record.digest { return true }
        } catch let error as FileError
            where [ENOENT, EIO].contains(error.code) && error.path == from
        {
            // What the backup has not, or does not give any more.
        }
        try files.remove(to)
        return false
    }

    /// Copies a file into one that does not exist, and flushes that.
    private func copy(
        _ path: String,
        to newPath: String,
        algorithm: SupportedAlgorithm?,
        _ passed: (Int64) -> Void = { _ in }
    ) throws -> (size: Int64, digest: Digest?) {
        let from = try files.open(path, .read)
        let to = try files.open(newPath, .create)
        let copied = try files.copy(from, to: to, algorithm: algorithm, passed)
        try files.sync(to)
        return copied
    }
}

extension FileOperations {
    /// Copies a file's bytes into an empty one, and hashes them on the way where it is told how.
    package func copy(
        _ source: OpenFile,
        to target: OpenFile,
        algorithm: SupportedAlgorithm?,
        _ passed: (Int64) -> Void = { _ in }
    ) throws -> (size: Int64, digest: Digest?) {
        var digester = algorithm.map { Digester($0) }
        var offset: Int64 = 0
        var buffer = [UInt8](repeating: 0, count: 1024 * 1024)
        while true {
            // SAFETY: the bytes are used within the closure alone.
            let count = try buffer.withUnsafeMutableBytes { bytes in
                let count = try read(source, at: offset, into: bytes)
                let part = UnsafeRawBufferPointer(rebasing: bytes[..<count])
                _ = try write(part, to: target, at: offset)
                digester?.update(part)
                return count
            }
            guard count > 0 else { return (offset, digester?.finish()) }
            offset += Int64(count)
            passed(offset)
        }
    }
}

/// Why nothing can be restored.
package enum RestorationError: Error, Equatable {
    case noBackup(String)
    case inUse(String, pid: Int32?)
    case occupied(String)
    /// A restore into it was not finished.
    case unfinished(String)
}

extension RestorationError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noBackup(let path): "there is no backup in \(path): it has no berth.db"
        case .inUse(let path, let pid):
            """
            \(path) is the folder that process \(pid.map(String.init) ?? "(starting)") works on, and no copy: \
            make one with berth backup
            """
        case .occupied(let folder):
            "\(folder) is not empty: restore into a folder that does not exist, or is empty"
        case .unfinished(let folder):
            "a restore into \(folder) was not finished: give berth restore again, or remove the folder"
        }
    }
}
