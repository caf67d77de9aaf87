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
    ///
    /// `runtimeFolder`: the user's own, as the session says; the one in `/tmp` serves where it is absent, not there
    /// or itself too long.
    static func choose(
        for folder: String,
        runtimeFolder: String? = getenv("XDG_RUNTIME_DIR").map { String(cString: $0) }
    ) throws(StorageOwnershipError) -> String {
        let path = folder + "/berth.sock"
        if path.utf8.count <= maximumLength { return path }
        let name = "/" + Digest(of: Array(folder.utf8)).encoded.prefix(16) + ".sock"
        if let runtimeFolder, runtimeFolder.hasPrefix("/"), access(runtimeFolder, W_OK) == 0 {
            let path = runtimeFolder + "/berth" + name
            if path.utf8.count <= maximumLength {
                _ = try privateFolder(runtimeFolder + "/berth")
                return path
            }
        }
        return try privateFolder("/tmp/berth-\(getuid())") + name
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
