import Glibc
package import OCI

extension FileBlobStore {
    /// Few enough turns that they cost nothing, small enough to be waited for in between.
    private static var portion: Int { 1024 * 1024 }

    package func examine(
        _ digest: Digest,
        size: Int64,
        passed: (Int) async throws -> Void
    ) async throws -> BlobCondition {
        guard let path = layout.blob(digest), let algorithm = digest.supportedAlgorithm else {
            return .missing
        }
        do {
            let (file, actualSize) = try await examining { files in
                let file = try files.open(path, .read)
                // What the disk holds is of interest, not what memory remembers of it.
                files.evict(file)
                return (file, try files.size(of: file))
            }
            guard actualSize == size else { return .wrongSize(actualSize) }
            var digester = Digester(algorithm)
            var offset: Int64 = 0
            while true {
                let (start, before) = (offset, digester)
                let (count, after) = try await examining { files in
                    try Self.hash(file, at: start, with: before, files)
                }
                guard count > 0 else { break }
                digester = after
                offset += Int64(count)
                try await passed(count)
            }
            guard offset == size else { return .wrongSize(offset) }
            let actual = digester.finish()
            return actual == digest ? .whole : .wrongBytes(actual)
        } catch let error as FileError {
            switch error.code {
            case ENOENT: return .missing
            case EMFILE, ENFILE, ENOMEM: throw StorageError(error)
            default: return .unreadable(code: error.code)
            }
        }
    }

    /// Runs calls on the store's threads, and lets their errors through as they are.
    private func examining<Value: Sendable>(
        _ body: @escaping @Sendable (any FileOperations) throws -> Value
    ) async throws -> Value {
        try await blocking { [files] () -> Result<Value, FileError> in
            do { return .success(try body(files)) } catch let error as FileError { return .failure(error) }
        }.get()
    }

    private static func hash(
        _ file: OpenFile,
        at offset: Int64,
        with digester: Digester,
        _ files: any FileOperations
    ) throws -> (Int, Digester) {
        var digester = digester
        var buffer = [UInt8](repeating: 0, count: portion)
        // SAFETY: the bytes are used within the closure alone.
        let count = try buffer.withUnsafeMutableBytes { bytes in
            let count = try files.read(file, at: offset, into: bytes)
            digester.update(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            return count
        }
        return (count, digester)
    }

    package func placed(_ digest: Digest) async throws -> PlacedBlob? {
        guard let path = layout.blob(digest) else { return nil }
        return try await blocking { [files] in
            do {
                let file = try files.open(path, .read)
                return PlacedBlob(size: try files.size(of: file), since: try file.changed())
            } catch let error as FileError where error.code == ENOENT {
                return nil
            }
        }
    }

    package func clearLeftovers(before moment: Timestamp, isRehearsal: Bool) async throws -> Int {
        try await blocking { [self] in
            var count = 0
            try files.entries(of: layout.uploads) { names in
                for name in names where try isLeftover(name, before: moment) {
                    count += 1
                    if !isRehearsal { try files.remove(layout.uploads + "/" + name) }
                }
            }
            return count
        }
    }

    /// Whether something in the folder of uploads belongs to no session that is under way or can be resumed.
    private func isLeftover(_ name: String, before moment: Timestamp) throws -> Bool {
        let stem =
            name.hasSuffix(BlobLayout.headerSuffix)
            ? name.dropLast(BlobLayout.headerSuffix.count) : name[...]
        if let id = UploadID(stem) {
            if isInMemory(id) { return false }
            if try files.loadUpload(id, in: layout) != nil { return false }
        }
        do throws(FileError) {
            let file = try files.open(layout.uploads + "/" + name, .read)
            return try file.changed() < moment && !file.isFolder
        } catch {
            guard error.code == ENOENT else { throw error }
            return false
        }
    }
}

extension OpenFile {
    /// When the file or what is said of it was last changed, or it got its name: nobody can set that.
    fileprivate func changed() throws(FileError) -> Timestamp {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw FileError(operation: "stat", path: path, code: errno)
        }
        return Timestamp(status.st_ctim)
    }

    fileprivate var isFolder: Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
