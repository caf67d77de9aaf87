import Glibc
package import OCI

extension FileBlobStore {
    package func adopt(fileAt path: String, expecting digest: Digest) async throws -> AdoptedFile {
        guard let algorithm = digest.supportedAlgorithm else {
            throw StorageError.unsupportedAlgorithm(digest)
        }
        // Without a header: what is left of it after a crash goes at the next start.
        let id = UploadID()
        return try await blocking { [layout, files] in
            let target = layout.bytes(of: id)
            do {
                let isLink = try files.linkOrCopy(path, to: target)
                let (actual, size) = try files.digest(of: files.open(target, .read), algorithm)
                guard actual == digest else {
                    throw StorageError.digestMismatch(announced: digest, actual: actual)
                }
                return AdoptedFile(
                    upload: VerifiedUpload(upload: id, digest: digest, size: size),
                    isLink: isLink
                )
            } catch {
                try? files.remove(target)
                // That somebody else's file cannot be read says nothing about the storage folder.
                guard let error = error as? FileError, error.path == path else { throw error }
                throw StorageError.failed(operation: error.operation, path: path, code: error.code)
            }
        }
    }
}

extension FileOperations {
    /// Gives a file a second name that nobody may write to, or copies it, and says whether it did the first.
    ///
    /// - Throws: `FileError`; with `EINVAL` for anything but a regular file, which a link is not either.
    fileprivate func linkOrCopy(_ source: String, to target: String) throws(FileError) -> Bool {
        guard try isRegularFile(source) else {
            throw FileError(operation: "open", path: source, code: EINVAL)
        }
        do throws(FileError) {
            try link(source, to: target)
            // Looked at again where nobody else can change it: it may have been replaced in between.
            guard try isRegularFile(target) else {
                throw FileError(operation: "open", path: source, code: EINVAL)
            }
            try protect(target)
            return true
        } catch {
            // Another file system, one without links, a file of another user's: each is good enough to read from.
            try remove(target)
            try copy(source, to: target)
            return false
        }
    }

    private func isRegularFile(_ path: String) throws(FileError) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            throw FileError(operation: "open", path: path, code: errno)
        }
        return status.st_mode & S_IFMT == S_IFREG
    }

    private func copy(_ source: String, to target: String) throws(FileError) {
        let (from, to) = (try open(source, .read), try open(target, .create))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024 * 1024, alignment: 1)
        defer { buffer.deallocate() }
        var offset: Int64 = 0
        while true {
            // SAFETY: the buffer has one user, and lives until the copy has ended.
            let count = try read(from, at: offset, into: buffer)
            guard count > 0 else { return }
            _ = try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: to, at: offset)
            offset += Int64(count)
        }
    }
}
