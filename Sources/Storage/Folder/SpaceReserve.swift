import Glibc
import Synchronization

/// Space kept back on the disk for what has to be written though nothing is left: what deletes, opens and closes.
///
/// A deletion gives space back only after it has been written down. On a disk without a free block it could not be,
/// and nothing would ever be free again. So a file holds some blocks, and lets go of them when they are needed.
///
/// Its methods block.
final class SpaceReserve: Sendable {
    /// As much as the database's log grows by before it is folded into the database.
    private static let wantedSize: Int64 = 4 * 1024 * 1024
    /// The size is a multiple of this; what a deletion writes fits in it many times.
    private static let unit: Int64 = 64 * 1024
    /// Of a small disk the reserve takes no more than this part.
    private static let leastPart: Int64 = 16

    private let path: String
    private let isWhole = Mutex(false)

    init(folder: String) { path = folder + "/berth.reserve" }

    /// Takes what the reserve lacks, if it is known to lack any.
    func topUp() {
        if !isWhole.withLock({ $0 }) { fill() }
    }

    /// Takes what the reserve lacks, as far as the disk has it.
    func fill() {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        let file = OpenFile(owning: descriptor, path: path)
        var volume = statvfs()
        var status = stat()
        guard fstatvfs(file.descriptor, &volume) == 0, fstat(file.descriptor, &status) == 0 else { return }
        let total = Int64(volume.f_blocks) * Int64(volume.f_frsize)
        let wanted = min(Self.wantedSize, total / Self.leastPart)
        let free = Int64(volume.f_bavail) * Int64(volume.f_frsize)
        // What is free is more than what can be had: the file system's own records take some.
        var size = min(wanted, (Int64(status.st_size) + free) / Self.unit * Self.unit)
        isWhole.withLock { $0 = status.st_size >= wanted }
        while size > status.st_size {
            let code = posix_fallocate(file.descriptor, 0, off_t(size))
            if code == 0 { isWhole.withLock { $0 = size == wanted } }
            guard code == ENOSPC else { return }
            // The blocks that were found before there were no more.
            ftruncate(file.descriptor, status.st_size)
            size -= Self.unit
        }
    }

    /// Gives the space to whoever writes next, and says whether there was any.
    func release() -> Bool {
        isWhole.withLock { $0 = false }
        var status = stat()
        return stat(path, &status) == 0 && status.st_size > 0 && truncate(path, 0) == 0
    }
}
