import Glibc
package import OCI

extension FileBlobStore {
    package func link(_ digest: Digest, size: Int64, toFile path: String) throws -> Bool {
        guard let source = layout.blob(digest) else { return false }
        do throws(FileError) {
            do throws(FileError) {
                try link(source, size: size, to: path)
            } catch  where error.code == ENOENT && error.path == path && isThere(source) {
                // Removed and placed anew between two calls; or else the new name's folder is missing.
                try link(source, size: size, to: path)
            }
            return true
        } catch {
            switch error.code {
            case EEXIST: return true
            case ENOENT where error.path == source || !isThere(source): return false
            case EBADMSG: throw StorageError.corrupt(digest)
            case EXDEV: throw StorageError.otherFileSystem(folder: layout.folder, path: path)
            case EMLINK: throw StorageError.tooManyLinks(digest)
            case EACCES, EPERM:
                // What this process may not do to the file says nothing about the folder.
                throw StorageError.failed(operation: error.operation, path: error.path, code: error.code)
            default: throw StorageError(error)
            }
        }
    }

    private func link(_ source: String, size: Int64, to path: String) throws(FileError) {
        // Both names have the same bytes: whoever wrote to one would change the other.
        try files.protect(source)
        try files.link(source, to: path)
        guard try files.size(of: files.open(path, .read)) == size else {
            try files.remove(path)
            throw FileError(operation: "read", path: source, code: EBADMSG)
        }
    }

    private func isThere(_ path: String) -> Bool { (try? files.open(path, .read)) != nil }
}
