import Glibc
import Storage

/// A file in the making, under a name of its own beside its place until it is whole; or standard output.
///
/// All of it blocks.
struct OutputFile: ~Copyable {
    private let path: String
    private let descriptor: CInt

    /// Makes a file of what a body writes, all of it or nothing; a file that was there is replaced.
    static func write(to path: String, _ body: (borrowing OutputFile) throws -> Void) throws {
        let partial = "\(path).partial-\(String(UInt64.random(in: .min ... .max), radix: 36))"
        let files = POSIXFileOperations()
        do {
            do {
                let file = try files.open(partial, .create)
                try body(OutputFile(path: path, descriptor: file.descriptor))
                try files.rename(partial, to: path)
            } catch {
                try? files.remove(partial)
                throw error
            }
        } catch let error as FileError {
            throw CommandError(error, "write", path)
        }
    }

    /// Writes to standard output; what has gone out before a failure is gone.
    static func writeToStandardOutput(_ body: (borrowing OutputFile) throws -> Void) throws {
        do {
            try body(OutputFile(path: "standard output", descriptor: STDOUT_FILENO))
        } catch let error as FileError {
            throw CommandError(error, "write to", "standard output")
        }
    }

    borrowing func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count > 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else if errno != EINTR {
                throw FileError(operation: "write", path: path, code: errno)
            }
        }
    }

    borrowing func append(_ bytes: [UInt8]) throws {
        // SAFETY: the bytes are used within the closure alone.
        try bytes.withUnsafeBytes { try append($0) }
    }

    /// Appends the content of another file, which must have so many bytes.
    borrowing func append(contentsOf path: String, size: Int64) throws {
        let files = POSIXFileOperations()
        let file = try files.open(path, .read)
        var buffer = [UInt8](repeating: 0, count: Self.portion)
        var offset: Int64 = 0
        while offset < size {
            let wanted = Int(min(size - offset, Int64(Self.portion)))
            // SAFETY: the bytes are used within the closure alone.
            let count = try buffer.withUnsafeMutableBytes { buffer in
                let portion = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
                let count = try files.read(file, at: offset, into: portion)
                try append(UnsafeRawBufferPointer(rebasing: portion[..<count]))
                return count
            }
            guard count == wanted else { throw CommandError("\(path) became shorter while it was read") }
            offset += Int64(count)
        }
    }

    /// Many bytes a call, and little memory.
    private static let portion = 256 * 1024
}
