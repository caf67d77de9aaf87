import Glibc
import OCI

/// The right of one process to a storage folder, held for as long as this value lives.
///
/// A lock on `berth.lock` is what counts; the file's content only tells others who holds it and where to speak to
/// them. The kernel releases the lock when the process dies, however it dies, so a stale file is no obstacle.
package final class StorageOwnership: Sendable {
    /// What an owner wants the folder for.
    package enum Role: String, Sendable {
        /// It serves until it is told to stop.
        case server
        /// It lets go as soon as its work is done.
        case command
    }

    /// The absolute path of the folder.
    package let folder: String
    /// Where this owner listens for commands, once it does.
    package let socketPath: String
    private let lock: OpenFile
    /// The folder itself, locked too: whoever removes the other file lets nobody in.
    private let place: OpenFile

    private init(folder: String, socketPath: String, lock: OpenFile, place: OpenFile) {
        self.folder = folder
        self.socketPath = socketPath
        self.lock = lock
        self.place = place
    }

    /// Whether the folder's path still leads to the folder that was taken: somebody may have moved it, and put another in
    /// its place.
    func isInPlace() -> Bool {
        var (taken, found) = (stat(), stat())
        return fstat(place.descriptor, &taken) == 0 && stat(folder, &found) == 0
            && taken.st_dev == found.st_dev && taken.st_ino == found.st_ino
    }

    /// Takes a folder, made where there is none.
    ///
    /// - Throws: `StorageOwnershipError`.
    package static func acquire(
        _ path: String,
        as role: Role = .server
    ) throws(StorageOwnershipError) -> StorageOwnership {
        let folder = try absoluteFolder(path)
        try refuseNetworkFileSystem(folder)
        let lockPath = folder + "/berth.lock"
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unusable(folder, code: errno) }
        let lock = OpenFile(owning: descriptor, path: lockPath)
        if let code = tryLock(lock, LOCK_EX) {
            guard code == EWOULDBLOCK else { throw .unusable(folder, code: code) }
            throw .held(folder: folder, by: Holder(readingFrom: lock))
        }
        let placeDescriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard placeDescriptor >= 0 else { throw .unusable(folder, code: errno) }
        let place = OpenFile(owning: placeDescriptor, path: folder)
        if let code = tryLock(place, LOCK_EX) {
            guard code == EWOULDBLOCK else { throw .unusable(folder, code: code) }
            throw .held(folder: folder, by: Holder(readingFrom: lock))
        }
        let socketPath = try SocketPath.choose(for: folder)
        let ownership = StorageOwnership(folder: folder, socketPath: socketPath, lock: lock, place: place)
        try ownership.writeHolder(role)
        return ownership
    }

    /// Who owns a folder at this moment; nil where nobody does, or where there is no folder.
    ///
    /// `isPatient`: whether to look again where it may be somebody who only looks, or is about to let go.
    package static func holder(of path: String, isPatient: Bool = false) -> Holder? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        let lockPath = String(cString: resolved) + "/berth.lock"
        let descriptor = open(lockPath, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let file = OpenFile(owning: descriptor, path: lockPath)
        // A shared lock: two commands that look at the same time are not in each other's way, and a process that
        // wants to own the folder tries again.
        let isHeld =
            isPatient ? tryLock(file, LOCK_SH) != nil : flock(descriptor, LOCK_SH | LOCK_NB) != 0
        guard isHeld else { return nil }
        return Holder(readingFrom: file)
    }

    /// Takes the lock, or returns `errno`.
    ///
    /// Commands that ask for the holder have the lock for a moment too, and a child process has it between fork and
    /// exec; whoever still has it after this is an owner, and has written down who that is.
    private static func tryLock(_ lock: OpenFile, _ operation: CInt) -> CInt? {
        let attempts = 25
        for attempt in 1...attempts {
            if flock(lock.descriptor, operation | LOCK_NB) == 0 { return nil }
            let code = errno
            guard code == EWOULDBLOCK || code == EINTR, attempt < attempts else { return code }
            // Blocks its thread, at most half a second in all, and only where a process opens a folder: nothing is served yet.
            usleep(20_000)
        }
        return EWOULDBLOCK
    }

    private func writeHolder(_ role: Role) throws(StorageOwnershipError) {
        let content = JSONValue.object([
            .init("pid", .integer(Int64(getpid()))),
            .init("socket", .string(socketPath)),
            .init("role", .string(role.rawValue)),
        ]).prettyBytes
        // Not cut off first: on a full disk somebody else might take the block that it lies in.
        // SAFETY: the bytes are used within the closure alone.
        let written = content.withUnsafeBytes { bytes in
            pwrite(lock.descriptor, bytes.baseAddress, bytes.count, 0) == bytes.count
                && ftruncate(lock.descriptor, off_t(bytes.count)) == 0
        }
        guard written else { throw .unusable(folder, code: errno) }
    }

    private static func absoluteFolder(_ path: String) throws(StorageOwnershipError) -> String {
        do {
            try POSIXFileOperations().makeFolder(path)
        } catch {
            throw .unusable(path, code: error.code)
        }
        guard let resolved = realpath(path, nil) else { throw .unusable(path, code: errno) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Neither locks nor SQLite's shared memory can be trusted on a network file system.
    private static func refuseNetworkFileSystem(_ folder: String) throws(StorageOwnershipError) {
        if let name = MountTable.current.fileSystem(of: folder), MountTable.networkFileSystems.contains(name)
        {
            throw .networkFileSystem(folder, name: name)
        }
    }
}

/// The process that owns a storage folder.
package struct Holder: Hashable, Sendable {
    /// Nil in the moment between taking the lock and writing it down.
    package let pid: Int32?
    package let socketPath: String?
    /// Nil like the pid.
    package let role: StorageOwnership.Role?

    init(readingFrom lock: OpenFile) {
        var bytes = [UInt8](repeating: 0, count: 4096)
        // SAFETY: the bytes are used within the closure alone.
        let count = bytes.withUnsafeMutableBytes { pread(lock.descriptor, $0.baseAddress, $0.count, 0) }
        let document = LockDocument(parsing: Array(bytes.prefix(max(count, 0))))
        pid = document?.pid
        socketPath = document?.socket
        role = document?.role.flatMap(StorageOwnership.Role.init(rawValue:))
    }
}

/// Why a storage folder cannot be taken.
package enum StorageOwnershipError: Error, Equatable {
    case held(folder: String, by: Holder)
    case networkFileSystem(String, name: String)
    /// `code` is `errno`.
    case unusable(String, code: Int32)
    case noSocketPath(String)
}

extension StorageOwnershipError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .held(let folder, let holder):
            """
            the storage folder \(folder) is in use by \(holder.pid.map { "process \($0)" } ?? "another process"): \
            stop that one, or choose another folder with --storage
            """
        case .networkFileSystem(let folder, let name):
            """
            the storage folder \(folder) is on \(name), where neither locks nor the database can be trusted: \
            choose a local folder with --storage
            """
        case .unusable(let folder, let code):
            "the storage folder \(folder) cannot be used: \(String(cString: strerror(code)))"
        case .noSocketPath(let problem): problem
        }
    }
}
