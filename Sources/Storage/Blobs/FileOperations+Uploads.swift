import Glibc
import NIOCore
import OCI

// How a file blob store's uploads lie on the disk. All of it blocks.
extension FileOperations {
    /// Makes the files of an upload, or none of them.
    func createUpload(_ id: UploadID, _ header: UploadHeader?, in layout: BlobLayout) throws {
        do {
            _ = try open(layout.bytes(of: id), .create)
            if let header { try write(header, of: id, in: layout) }
        } catch {
            // What cannot be removed either is no session, and goes at the next start.
            try? remove(layout.header(of: id) + Self.unfinishedSuffix)
            try? removeUpload(id, in: layout)
            throw error
        }
    }

    /// Removes the files of an upload, the header first: bytes without one are no session.
    func removeUpload(_ id: UploadID, in layout: BlobLayout) throws {
        try remove(layout.header(of: id))
        try remove(layout.bytes(of: id))
    }

    private static var unfinishedSuffix: String { ".new" }

    /// Writes an upload's header so that it is there whole or not at all.
    private func write(_ header: UploadHeader, of id: UploadID, in layout: BlobLayout) throws {
        let path = layout.header(of: id)
        let file = try open(path + Self.unfinishedSuffix, .create)
        // SAFETY: the bytes are used within the closure alone.
        let written = try header.json.canonicalBytes.withUnsafeBytes { bytes in
            try write(bytes, to: file, at: 0)
        }
        precondition(written > 0, "a header is never empty")
        try rename(path + Self.unfinishedSuffix, to: path)
    }

    /// An upload that an earlier process began; nil where there is none, or none that may be resumed.
    func loadUpload(_ id: UploadID, in layout: BlobLayout) throws -> FileUpload? {
        do {
            let headerFile = try open(layout.header(of: id), .read)
            // A header is some hundred bytes; what is larger is not one.
            let bytes = try buffer(0..<min(size(of: headerFile), 4096), of: headerFile)
            guard let header = UploadHeader(parsing: Array(bytes.readableBytesView)) else { return nil }
            let path = layout.bytes(of: id)
            let offset = try size(of: open(path, .read))
            return FileUpload(id: id, header: header, path: path, offset: offset, files: self)
        } catch let error as FileError where error.code == ENOENT {
            return nil
        }
    }

    /// The first sessions behind `last` that have a header, in order.
    ///
    /// The folder has none: it is read from end to end, and what is beyond the limit forgotten again.
    func resumableUploads(after last: UploadID?, limit: Int, in layout: BlobLayout) throws -> [UploadID] {
        var found: [UploadID] = []
        try entries(of: layout.uploads) { names in
            for name in names where name.hasSuffix(BlobLayout.headerSuffix) {
                let stem = name.dropLast(BlobLayout.headerSuffix.count)
                // Cheaper than parsing, which most names are spared on most pages.
                if let last, stem <= last.rawValue { continue }
                if let id = UploadID(stem) { found.append(id) }
            }
            if found.count > limit {
                found.sort()
                found.removeLast(found.count - limit)
            }
        }
        return found.sorted()
    }

    /// Removes bytes without a header, headers without bytes, and everything else that is no session.
    func removeUnresumableUploads(_ layout: BlobLayout) throws {
        try entries(of: layout.uploads) { names in
            for name in names {
                let stem =
                    name.hasSuffix(BlobLayout.headerSuffix)
                    ? name.dropLast(BlobLayout.headerSuffix.count) : name[...]
                if let id = UploadID(stem), try loadUpload(id, in: layout) != nil { continue }
                do {
                    try remove(layout.uploads + "/" + name)
                } catch let error as FileError where error.code == EISDIR {
                    // Somebody else's folder; it is in nobody's way.
                }
            }
        }
    }

    /// Part of a file.
    ///
    /// Shorter than asked where the file ends.
    func buffer(_ range: Range<Int64>, of file: OpenFile) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        // SAFETY: the bytes are used within the closure alone.
        try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: range.count) { bytes in
            let target = UnsafeMutableRawBufferPointer(rebasing: bytes[..<range.count])
            return try read(file, at: range.lowerBound, into: target)
        }
        return buffer
    }
}
