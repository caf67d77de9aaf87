package import OCI
package import Storage

/// What came of a backup.
package struct BackupReport: Hashable, Sendable {
    /// The backup's own folder.
    package let path: String
    package var blobs = 0
    /// Of all blobs, in bytes.
    package var size: Int64 = 0
    /// How many blobs the backup before this one had not.
    package var new = 0
    /// Of these, in bytes, where they were copied rather than linked.
    package var copied: Int64 = 0
    /// Blobs that are missing or damaged in the registry, and so in the backup.
    package var lost: [Digest] = []
    /// How many older backups were removed.
    package var removed = 0
}

extension Registry {
    /// Makes a copy of everything as it is at this moment, while clients go on.
    ///
    /// When this returns, the copy survives a loss of power. Until then, and where it fails, the last one stays as it
    /// was. What is in the middle of being uploaded is not in it.
    ///
    /// `path`: a folder of backups, absolute, or one that is empty or does not exist. `count`: how many backups stay in it,
    /// this one among them. `copies`: whether bytes are copied where they could be linked. `tell` hears how many bytes of
    /// how many are done.
    ///
    /// - Throws: `BackupError`, `ExportError` for what goes wrong there, `StorageError` for what does here.
    package func backUp(
        to path: String,
        keeping count: Int,
        copies: Bool,
        files: any FileOperations = POSIXFileOperations(),
        tell: @escaping @Sendable (_ done: Int64, _ total: Int64) -> Void
    ) async throws -> BackupReport {
        let report = try await catalog.withPinnedContent {
            let folder = try await BackupRun.blocking { try BackupFolder(path, files) }
            var run = try await BackupRun(self, folder, copies: copies, files, tell)
            return try await run.run(keeping: max(count, 1))
        }
        // What had to wait for the backup.
        let portion = 256
        while try await catalog.sweepGarbage(limit: portion, removing: { [blobs] in try blobs.remove($0) })
            .count == portion
        {}
        return report
    }
}
