import Glibc
package import Logging
import NIOPosix
import Synchronization

/// A storage folder, opened by its one owner: blobs as files, and the catalog beside them.
///
///     blobs/      content, by digest
///     uploads/    sessions that are not finished
///     berth.db    the catalog (with berth.db-wal and berth.db-shm while it is open)
///     berth.reserve  space for what a full disk must still take
///     berth.lock  locked by the owner; says who that is
///     berth.sock  where the owner listens for commands
package final class StorageFolder: Sendable {
    package let ownership: StorageOwnership
    package let blobs: any BlobStore
    package let catalog: any Catalog
    private let database: SQLiteCatalog
    private let threads: NIOThreadPool

    /// Threads for calls that wait for the disk.
    ///
    /// A flush takes milliseconds, and several are under way at once when several clients push.
    private static let threadCount = 8

    /// Opens a folder and, where the process before did not end in good order, makes sure that every blob is whole.
    package init(
        _ ownership: StorageOwnership,
        files: any FileOperations = POSIXFileOperations(),
        logger: Logger
    ) async throws {
        self.ownership = ownership
        guard !Restoration.isUnfinished(ownership.folder) else {
            throw RestorationError.unfinished(ownership.folder)
        }
        threads = NIOThreadPool(numberOfThreads: Self.threadCount)
        threads.start()
        let reserve = SpaceReserve(folder: ownership.folder)
        let hadDatabase = access(ownership.folder + "/berth.db", F_OK) == 0
        do {
            try await threads.runBlocking { [folder = ownership.folder] in
                try Self.makeLogDurable(in: folder, with: files, reserve)
            }
            // Before all else: what a newer program has written is refused here, and nothing of it is changed.
            database = try await SQLiteCatalog(
                path: ownership.folder + "/berth.db",
                reserve: reserve,
                isInPlace: { ownership.isInPlace() }
            )
            catalog = database
        } catch {
            try? await threads.shutdownGracefully()
            throw error
        }
        do {
            blobs = try await FileBlobStore(folder: ownership.folder, threads: threads, files: files)
            try await Self.takeMark(from: ownership.folder, to: database)
            if !hadDatabase { try await noteLostDatabase(logger) }
            let recovery = Recovery(blobs: blobs, catalog: catalog, logger: logger)
            if database.wasInterrupted {
                try await recovery.run()
            } else {
                try await recovery.resumeDeletions()
            }
            try await threads.runBlocking { reserve.fill() }
        } catch {
            try? database.closeAsAfterCrash()
            try? await threads.shutdownGracefully()
            throw error
        }
    }

    /// Makes sure that the disk holds what the database is about to be brought up to date from.
    ///
    /// The owner before may have ended because a flush of the log failed.
    private static func makeLogDurable(
        in folder: String,
        with files: any FileOperations,
        _ reserve: SpaceReserve
    ) throws(StorageError) {
        let log = "berth.db-wal"
        do throws(FileError) { return try files.rewrite(log, in: folder) } catch {
            guard StorageError(error) == .full, reserve.release() else { throw StorageError(error) }
        }
        do throws(FileError) { try files.rewrite(log, in: folder) } catch {
            // For the next start.
            reserve.topUp()
            throw StorageError(error)
        }
    }

    /// Remembers that somebody has put another database beside the blobs, as the file `berth.restored` says.
    private static func takeMark(from folder: String, to database: SQLiteCatalog) async throws {
        let mark = folder + "/berth.restored"
        guard access(mark, F_OK) == 0 else { return }
        try await database.noteRestored()
        unlink(mark)
    }

    /// Where the database is new and blobs are there already, keeps these until somebody says otherwise.
    ///
    /// What names them may yet be put back.
    private func noteLostDatabase(_ logger: Logger) async throws {
        let count = Mutex(0)
        try await blobs.forEachPlaced { digests in count.withLock { $0 += digests.count } }
        guard case let found = count.withLock({ $0 }), found > 0 else { return }
        logger.warning(
            "berth.db was missing and is made anew: the blobs that are there are kept until berth verify --repair",
            metadata: ["blobs": "\(found)"]
        )
        try await database.noteRestored()
    }

    /// Makes everything durable, and closes the folder.
    ///
    /// Nothing may be called afterwards.
    ///
    /// Where something cannot be made durable, the folder is left as a crash would leave it, for the next owner to
    /// check, and the error thrown.
    package func close() async throws {
        do {
            try await catalog.syncAll(with: blobs)
            // The next owner does not look for files that were removed and are back without their rows.
            try await blobs.syncNames()
            try await database.close()
        } catch {
            try? await abandon()
            throw error
        }
        try await threads.shutdownGracefully()
        // Elsewhere it may be another owner's.
        if ownership.isInPlace() { unlink(ownership.socketPath) }
    }

    /// Lets go of the folder as the death of the process would.
    ///
    /// For tests.
    package func abandon() async throws {
        let closing = Result { try database.closeAsAfterCrash() }
        try await threads.shutdownGracefully()
        try closing.get()
    }
}
