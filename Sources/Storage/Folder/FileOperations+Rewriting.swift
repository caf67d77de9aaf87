import Glibc

extension FileOperations {
    private static var portion: Int { 1024 * 1024 }

    /// Writes a file of a folder over itself, byte for byte, and returns when it survives a loss of power; one that is absent or
    /// empty is no error.
    ///
    /// Where a flush has failed, the system takes what memory holds of the file for written: whoever reads it sees
    /// everything, further flushes succeed, and the disk has nothing of it. What is written again is flushed again.
    ///
    /// It blocks.
    func rewrite(_ name: String, in folder: String) throws(FileError) {
        let file: OpenFile
        do { file = try open("\(folder)/\(name)", .update) } catch {
            guard error.code == ENOENT else { throw error }
            return
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.portion, alignment: 1)
        defer { buffer.deallocate() }
        var offset: Int64 = 0
        while case let count = try read(file, at: offset, into: buffer), count > 0 {
            // SAFETY: as many bytes of the buffer as were read, while it lives.
            _ = try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: file, at: offset)
            offset += Int64(count)
        }
        guard offset > 0 else { return }
        try sync(file)
        try syncFolder(folder)
    }
}
