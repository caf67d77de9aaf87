import Glibc
import OCI
import Storage

/// A folder of backups, each a complete copy of a storage folder, and the latest one by that name.
///
///     berth-backup             says what this is; locked while a backup is made
///     20261123T143753Z/        a backup
///     latest                   leads to the last one that was finished
///     20261124T…Z.partial/     one that is being made, or whose process died
///
/// All of it blocks.
final class BackupFolder: Sendable {
    let path: String
    private let files: any FileOperations
    private let lock: OpenFile

    private static let marker = "berth-backup"
    private static let latest = "latest"
    private static let partial = ".partial"
    private static let explanation =
        "Backups of a Berth storage folder. Make them with berth backup, restore them with berth restore.\n"

    /// Takes a folder that exists and is one of backups, or an empty one, or makes one; clears away what is unfinished.
    init(_ path: String, _ files: any FileOperations) throws {
        guard path.hasPrefix("/"), !path.hasSuffix("/") else { throw ExportError.malformedPath(path) }
        self.path = path
        self.files = files
        do {
            let names = try Self.names(in: path, files)
            let marker = path + "/" + Self.marker
            if !names.contains(Self.marker) {
                guard names.allSatisfy({ $0 == "lost+found" }) else { throw BackupError.notBackups(path) }
                try files.makeFolder(path)
                let file = try files.open(marker, .create)
                try files.write(Array(Self.explanation.utf8), to: file, at: 0)
                try files.sync(file)
                try files.syncFolder(path)
            }
            lock = try files.open(marker, .read)
            guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw BackupError.busy(path) }
            for name in names where Self.isUnfinished(name) { try remove(path + "/" + name) }
        } catch let error as FileError {
            throw Self.error(error, path)
        }
    }

    /// What a failed call means for whoever wants a backup in a folder.
    static func error(_ error: FileError, _ path: String) -> any Error {
        [ENOTDIR, EEXIST].contains(error.code)
            ? BackupError.notBackups(path) : ExportError(error, making: path)
    }

    private static func names(in path: String, _ files: any FileOperations) throws -> [String] {
        var names: [String] = []
        do {
            try files.entries(of: path) { names += $0 }
        } catch let error as FileError where error.code == ENOENT {
            return []
        }
        return names
    }

    /// Whether a name is that of something that was being made here, and of nobody else's.
    private static func isUnfinished(_ name: String) -> Bool {
        guard name.hasSuffix(partial) else { return false }
        let rest = String(name.dropLast(partial.count))
        return rest == latest || BackupName(rest) != nil
    }

    /// The names of the backups that are complete, the oldest first.
    ///
    /// Whatever else somebody keeps here, under whatever name, is not this program's.
    private func backups() throws -> [BackupName] {
        try Self.names(in: path, files).compactMap(BackupName.init).sorted()
    }

    /// The last backup that is complete.
    func last() throws -> String? { try backups().last.map { "\(path)/\($0)" } }

    /// Begins a backup, and returns its name and where it is made.
    func begin(at moment: Timestamp) throws -> (name: String, folder: String) {
        let name = BackupName(at: moment, after: try backups().last).description
        let folder = path + "/" + name + Self.partial
        for algorithm in SupportedAlgorithm.allCases {
            try files.makeFolder(folder + "/blobs/" + algorithm.rawValue)
        }
        return (name, folder)
    }

    /// Makes a backup that is complete durable, and the latest one.
    func finish(_ name: String) throws {
        let folder = path + "/" + name + Self.partial
        for algorithm in SupportedAlgorithm.allCases {
            try files.syncFolder(folder + "/blobs/" + algorithm.rawValue)
        }
        try files.sync(files.open(folder + "/berth.db", .read))
        try files.syncFolder(folder)
        try files.rename(folder, to: path + "/" + name)
        try files.syncFolder(path)
        let link = path + "/" + Self.latest
        let newLink = link + Self.partial
        try files.remove(newLink)
        guard symlink(name, newLink) == 0 else {
            throw FileError(operation: "symlink", path: newLink, code: errno)
        }
        try files.rename(newLink, to: link)
        try files.syncFolder(path)
    }

    /// Removes all but the last backups, and returns how many.
    func removeOld(keeping count: Int) throws -> Int {
        let old = try backups().dropLast(count)
        for name in old {
            // Under another name first: what is half removed is no backup.
            let folder = "\(path)/\(name)"
            try files.rename(folder, to: folder + Self.partial)
            try remove(folder + Self.partial)
        }
        return old.count
    }

    /// Removes a backup that was not finished.
    func abandon(_ name: String) { try? remove(path + "/" + name + Self.partial) }

    /// Removes a file, or a folder with what is in it.
    private func remove(_ path: String) throws {
        do throws(FileError) {
            try files.remove(path)
        } catch {
            guard error.code == EISDIR || error.code == EPERM else { throw error }
            for name in try Self.names(in: path, files) { try remove(path + "/" + name) }
            try files.removeFolder(path)
        }
    }
}

/// Why there is no backup.
package enum BackupError: Error, Equatable {
    /// Something is there that is no folder of backups.
    case notBackups(String)
    /// Another backup is being made there.
    case busy(String)
}

extension BackupError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notBackups(let path):
            "\(path) is there already, and no folder of backups: name one, an empty folder, or one to make"
        case .busy(let path): "another backup is being made in \(path)"
        }
    }
}
