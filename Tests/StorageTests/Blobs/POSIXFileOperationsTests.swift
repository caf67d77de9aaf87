import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite("The machine's file system")
struct POSIXFileOperationsTests {
    let files = POSIXFileOperations()

    @Test("opens what is there, and makes what is not, but not the reverse")
    func open() throws {
        try withFolder { folder in
            let path = folder.file("x")
            for mode in [FileOpenMode.read, .update] {
                #expect(throws: FileError(operation: "open", path: path, code: ENOENT)) {
                    _ = try files.open(path, mode)
                }
            }
            _ = try files.open(path, .create)
            #expect(throws: FileError(operation: "open", path: path, code: EEXIST)) {
                _ = try files.open(path, .create)
            }
            let file = try files.open(path, .read)
            #expect(throws: FileError(operation: "write", path: path, code: EBADF)) {
                try [UInt8](repeating: 1, count: 3).withUnsafeBytes {
                    _ = try files.write($0, to: file, at: 0)
                }
            }
            // No child process of this one has it.
            #expect(fcntl(file.descriptor, F_GETFD) == FD_CLOEXEC)
        }
    }

    @Test("writes and reads at any place")
    func content() throws {
        try withFolder { folder in
            let file = try files.open(folder.file("x"), .create)
            let bytes = patternedBytes(100_000)
            #expect(try bytes.withUnsafeBytes { try files.write($0, to: file, at: 5000) } == 100_000)
            #expect(try files.size(of: file) == 105_000)
            var buffer = [UInt8](repeating: 9, count: 200_000)
            #expect(try buffer.withUnsafeMutableBytes { try files.read(file, at: 0, into: $0) } == 105_000)
            #expect(Array(buffer[..<105_000]) == [UInt8](repeating: 0, count: 5000) + bytes)
            #expect(try buffer.withUnsafeMutableBytes { try files.read(file, at: 105_000, into: $0) } == 0)
            try files.truncate(file, to: 10)
            #expect(try files.size(of: file) == 10)
            try files.sync(file)
            files.evict(file)
            #expect(try buffer.withUnsafeMutableBytes { try files.read(file, at: 9, into: $0) } == 1)
            let none: [UInt8] = []
            #expect(try none.withUnsafeBytes { try files.write($0, to: file, at: 500) } == 0)
            #expect(try files.size(of: file) == 10)
        }
    }

    @Test("reads ahead what there is, and gives the disk what was written, without an effect on the bytes")
    func ahead() throws {
        try withFolder { folder in
            let file = try files.open(folder.file("x"), .create)
            let bytes = patternedBytes(300_001)
            try files.write(bytes, to: file, at: 0)
            let ranges: [Range<Int64>] = [
                0..<0, 0..<1, 4095..<4097, 100_000..<300_001, 0..<400_000, 500_000..<600_000,
                300_001..<300_002,
            ]
            for range in ranges { try files.startWriteback(of: range, of: file) }
            for range in ranges {
                try files.sync(file)
                files.evict(file)
                files.load(range, of: file)
                #expect(files.holds(range.clamped(to: 0..<300_001), of: file), "\(range)")
            }
            #expect(try files.size(of: file) == 300_001)
            var buffer = [UInt8](repeating: 0, count: 300_001)
            #expect(try buffer.withUnsafeMutableBytes { try files.read(file, at: 0, into: $0) } == 300_001)
            #expect(buffer == bytes)
        }
    }

    @Test("gives files further names, takes the right to write to them, and says when they were written")
    func links() throws {
        try withFolder { folder in
            let (path, link) = (folder.file("x"), folder.file("y"))
            #expect(throws: FileError(operation: "stat", path: path, code: ENOENT)) {
                try files.protect(path)
            }
            #expect(throws: FileError(operation: "link", path: link, code: ENOENT)) {
                try files.link(path, to: link)
            }
            let before = Timestamp.now + .milliseconds(-100)
            try files.write([1, 2], to: files.open(path, .create), at: 3)
            #expect(try files.size(of: files.open(path, .read)) == 5)
            let modified = try files.modified(files.open(path, .read))
            #expect(modified >= before && modified <= .now)
            try files.link(path, to: link)
            #expect(throws: FileError(operation: "link", path: link, code: EEXIST)) {
                try files.link(path, to: link)
            }
            for _ in 0..<2 { try files.protect(path) }
            var status = stat()
            #expect(stat(link, &status) == 0 && status.st_mode & 0o777 == 0o444 && status.st_nlink == 2)
            #expect(chmod(path, 0o755) == 0)
            try files.protect(link)
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o555)
            try files.removeFolder(folder.file("absent"))
            try files.makeFolder(folder.file("a/b"))
            #expect(throws: FileError(operation: "rmdir", path: folder.file("a"), code: ENOTEMPTY)) {
                try files.removeFolder(folder.file("a"))
            }
            try files.removeFolder(folder.file("a/b"))
            try files.removeFolder(folder.file("a"))
        }
    }

    @Test("renames over what is there, and removes what is not")
    func names() throws {
        try withFolder { folder in
            _ = try files.open(folder.file("a"), .create)
            _ = try files.open(folder.file("b"), .create)
            try files.rename(folder.file("a"), to: folder.file("b"))
            #expect(throws: FileError(operation: "rename", path: folder.file("a"), code: ENOENT)) {
                try files.rename(folder.file("a"), to: folder.file("b"))
            }
            try files.remove(folder.file("b"))
            try files.remove(folder.file("b"))
            try files.syncFolder(folder.path)
            #expect(throws: FileError(operation: "open", path: folder.file("b"), code: ENOENT)) {
                try files.syncFolder(folder.file("b"))
            }
            #expect(throws: FileError(operation: "unlink", path: folder.path, code: EISDIR)) {
                try files.remove(folder.path)
            }
        }
    }

    @Test("makes folders in folders", arguments: ["a", "a/b/c", "a//b/", "a/../b", "./a/."])
    func makeFolder(_ name: String) throws {
        try withFolder { folder in
            if name.contains("..") || name.hasSuffix(".") { try files.makeFolder(folder.file("a")) }
            for _ in 0..<2 {
                try files.makeFolder(folder.file(name))
                var isFolder: ObjCBool = false
                #expect(FileManager.default.fileExists(atPath: folder.file(name), isDirectory: &isFolder))
                #expect(isFolder.boolValue)
            }
        }
    }

    @Test("makes no folder where there can be none", arguments: ["file/a", "dangling/a/b", "", "loop/a"])
    func cannotMakeFolder(_ name: String) throws {
        try withFolder { folder in
            _ = try files.open(folder.file("file"), .create)
            try FileManager.default.createSymbolicLink(
                atPath: folder.file("dangling"),
                withDestinationPath: "none"
            )
            try FileManager.default.createSymbolicLink(
                atPath: folder.file("loop"),
                withDestinationPath: "loop"
            )
            #expect(throws: FileError.self) { try files.makeFolder(name.isEmpty ? "" : folder.file(name)) }
        }
    }

    @Test("lists a folder whole, in portions", arguments: [0, 1, 999, 1000, 1001, 2500])
    func entries(_ count: Int) throws {
        try withFolder { folder in
            let names = (0..<count).map { "file \($0)" }
            for name in names { _ = try files.open(folder.file(name), .create) }
            var found: [String] = []
            try files.entries(of: folder.path) { portion in
                #expect(!portion.isEmpty && portion.count <= 1000)
                found += portion
            }
            #expect(found.sorted() == names.sorted())
            #expect(throws: FileError(operation: "opendir", path: folder.file("x"), code: ENOENT)) {
                try files.entries(of: folder.file("x")) { _ in }
            }
        }
    }

    private func withFolder(_ body: (TemporaryFolder) throws -> Void) throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try body(folder)
    }
}
