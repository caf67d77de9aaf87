import FoundationEssentials
import Glibc
import OCI
import Storage

extension ImageLayout {
    /// Puts the layout into a folder, all of it or nothing; it blocks.
    ///
    /// `path`: nothing is there, or an empty folder, which the copy takes the place of.
    /// `renamed`: what its named entry is called there.
    func copy(to path: String, renamed: String) throws {
        let files = POSIXFileOperations()
        var target = path
        while target.count > 1, target.hasSuffix("/") { target.removeLast() }
        let partial = "\(target).partial-\(String(UInt64.random(in: .min ... .max), radix: 36))"
        do {
            do {
                try files.makeOneFolder(partial)
                try copyBlobs(to: partial, files)
                try files.place(version, in: "\(partial)/oci-layout")
                try files.place(index(renamed), in: "\(partial)/index.json")
                try files.rename(partial, to: target)
            } catch {
                try? FileManager.default.removeItem(atPath: partial)
                throw error
            }
        } catch let error as FileError {
            let isTaken = [EEXIST, ENOTEMPTY, ENOTDIR].contains(error.code) && error.operation == "rename"
            throw isTaken
                ? CommandError("\(path) is there already: name a folder that does not exist, or an empty one")
                : CommandError(error, "write", path)
        }
    }

    private func copyBlobs(to folder: String, _ files: POSIXFileOperations) throws {
        try files.makeOneFolder("\(folder)/blobs")
        for algorithm in SupportedAlgorithm.allCases {
            let name = "blobs/\(algorithm.rawValue)"
            guard access("\(self.folder)/\(name)", F_OK) == 0 else { continue }
            try files.makeOneFolder("\(folder)/\(name)")
            for blob in try files.names(in: "\(self.folder)/\(name)") {
                try files.linkOrCopy("\(self.folder)/\(name)/\(blob)", to: "\(folder)/\(name)/\(blob)")
            }
        }
    }

    private var version: [UInt8] {
        JSONValue.object([.init("imageLayoutVersion", .string("1.0.0"))]).canonicalBytes
    }

    private func index(_ name: String) -> [UInt8] {
        let entries = entries.map { entry in
            var entry = entry
            if entry.annotations[Self.referenceName] != nil { entry.annotations[Self.referenceName] = name }
            return entry.json
        }
        return JSONValue.object([
            .init("schemaVersion", .integer(2)),
            .init("mediaType", .string(MediaType.ociIndex.rawValue)),
            .init("manifests", .array(entries)),
        ]).canonicalBytes
    }
}

extension POSIXFileOperations {
    /// Makes a folder where its parent is.
    fileprivate func makeOneFolder(_ path: String) throws(FileError) {
        guard mkdir(path, 0o777) == 0 else { throw FileError(operation: "mkdir", path: path, code: errno) }
    }

    fileprivate func names(in folder: String) throws -> [String] {
        var names: [String] = []
        try entries(of: folder) { names += $0 }
        return names
    }

    fileprivate func place(_ bytes: [UInt8], in path: String) throws {
        try write(bytes, to: open(path, .create), at: 0)
    }

    /// Gives a file a second name, or where that cannot be, as on another file system, a copy.
    fileprivate func linkOrCopy(_ source: String, to path: String) throws {
        do throws(FileError) {
            try link(source, to: path)
        } catch {
            let (from, to) = (try open(source, .read), try open(path, .create))
            var buffer = [UInt8](repeating: 0, count: 256 * 1024)
            var offset: Int64 = 0
            while true {
                // SAFETY: the bytes are used within the closure alone.
                let count = try buffer.withUnsafeMutableBytes { bytes in
                    let count = try read(from, at: offset, into: bytes)
                    return try write(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: to, at: offset)
                }
                guard count > 0 else { return }
                offset += Int64(count)
            }
        }
    }
}
