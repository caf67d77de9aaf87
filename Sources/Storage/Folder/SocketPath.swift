import Glibc
import OCI

/// Where the owner of a storage folder listens for commands.
enum SocketPath {
    /// The bytes of an address without its NUL, of which `sun_path` holds 108.
    ///
    /// - SeeAlso: unix(7)
    static let maximumLength = 107

    /// `berth.sock` in the folder, or, where that is too long an address, a file in a private runtime folder that is
    /// named after the storage folder.
    static func choose(for folder: String) throws(StorageOwnershipError) -> String {
        let path = folder + "/berth.sock"
        if path.utf8.count <= maximumLength { return path }
        let name = Digest(of: Array(folder.utf8)).encoded.prefix(16)
        return try runtimeFolder() + "/\(name).sock"
    }

    private static func runtimeFolder() throws(StorageOwnershipError) -> String {
        if let runtime = getenv("XDG_RUNTIME_DIR").map({ String(cString: $0) }),
            runtime.hasPrefix("/"), runtime.utf8.count <= maximumLength - 32
        {
            return try privateFolder(runtime + "/berth")
        }
        return try privateFolder("/tmp/berth-\(getuid())")
    }

    /// Makes a folder that nobody else can enter, and refuses one that somebody else made.
    private static func privateFolder(_ path: String) throws(StorageOwnershipError) -> String {
        _ = mkdir(path, 0o700)
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(),
            status.st_mode & 0o077 == 0
        else {
            throw .noSocketPath("\(path) should be a folder that only its owner can enter: remove or mend it")
        }
        return path
    }
}
