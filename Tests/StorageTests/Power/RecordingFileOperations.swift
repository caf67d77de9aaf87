import Glibc
import Storage
import TestSupport

/// The machine's file system, which writes down what a folder does to it.
///
/// What changes names or bytes happens together with its record, one after the other. A flush takes time and does
/// nothing: what it would have saved the log says.
struct RecordingFileOperations: FileOperations {
    let log: DiskLog
    private let machine = POSIXFileOperations()

    init(_ log: DiskLog) { self.log = log }

    func open(_ path: String, _ mode: FileOpenMode) throws(FileError) -> OpenFile {
        try log.perform { state throws(FileError) in
            let file = try machine.open(path, mode)
            guard let name = log.relative(path) else { return file }
            let known = mode == .create ? state.create(name) : state.file(name)
            if let known { state.note(file.descriptor, isFor: known) }
            return file
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, to file: OpenFile, at offset: Int64) throws(FileError) -> Int
    {
        try log.perform { state throws(FileError) in
            let count = try machine.write(bytes, to: file, at: offset)
            if let known = state.file(file.descriptor), count > 0 {
                state.append(.write(file: known, offset: Int(offset), bytes: Array(bytes.prefix(count))))
            }
            return count
        }
    }

    func truncate(_ file: OpenFile, to size: Int64) throws(FileError) {
        try log.perform { state throws(FileError) in
            try machine.truncate(file, to: size)
            guard let known = state.file(file.descriptor) else { return }
            state.append(.truncate(file: known, size: Int(size)))
        }
    }

    func sync(_ file: OpenFile) throws(FileError) {
        guard let known = log.perform({ $0.file(file.descriptor) }) else { return }
        guard let flush = log.beginFlush(ofFile: known) else {
            throw FileError(operation: FileError.flush, path: file.path, code: EIO)
        }
        log.endFlush(flush, ofFile: known)
    }

    func syncFolder(_ path: String) throws(FileError) {
        guard let name = log.relative(path) else { return }
        guard let flush = log.beginFlush(ofFile: nil) else {
            throw FileError(operation: FileError.flush, path: path, code: EIO)
        }
        log.endFlush(flush, ofFolder: name)
    }

    func rename(_ path: String, to newPath: String) throws(FileError) {
        try log.perform { state throws(FileError) in
            try machine.rename(path, to: newPath)
            guard let name = log.relative(path), let newName = log.relative(newPath),
                let file = state.file(name)
            else { return }
            state.append(.rename(name, to: newName, file: file))
        }
    }

    func link(_ path: String, to newPath: String) throws(FileError) {
        try log.perform { state throws(FileError) in
            try machine.link(path, to: newPath)
            guard let name = log.relative(path), let newName = log.relative(newPath),
                let file = state.file(name)
            else { return }
            state.append(.link(name, to: newName, file: file))
        }
    }

    func remove(_ path: String) throws(FileError) {
        try log.perform { state throws(FileError) in
            try machine.remove(path)
            if let name = log.relative(path) { state.append(.remove(name)) }
        }
    }

    /// Step by step as the machine's own, which syncs the folder that each is in.
    func makeFolder(_ path: String) throws(FileError) {
        guard let name = log.relative(path), !name.isEmpty else { return try machine.makeFolder(path) }
        let parentName = DiskEvent.folder(of: name)
        let parent = parentName.isEmpty ? log.root : "\(log.root)/\(parentName)"
        if access(parent, F_OK) != 0 { try makeFolder(parent) }
        try log.perform { state throws(FileError) in
            guard access(path, F_OK) != 0 else { return }
            try machine.makeFolder(path)
            state.append(.makeFolder(name))
        }
        try syncFolder(parent)
    }
}

// MARK: What changes nothing

extension RecordingFileOperations {
    func read(
        _ file: OpenFile,
        at offset: Int64,
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(FileError) -> Int {
        try machine.read(file, at: offset, into: bytes)
    }

    func size(of file: OpenFile) throws(FileError) -> Int64 { try machine.size(of: file) }

    func modified(_ file: OpenFile) throws(FileError) -> Timestamp { try machine.modified(file) }

    func evict(_ file: OpenFile) { machine.evict(file) }

    // It promises nothing, so that it is none of the flushes.
    func startWriteback(of range: Range<Int64>, of file: OpenFile) throws(FileError) {
        try machine.startWriteback(of: range, of: file)
    }

    func holds(_ range: Range<Int64>, of file: OpenFile) -> Bool { machine.holds(range, of: file) }

    func load(_ range: Range<Int64>, of file: OpenFile) { machine.load(range, of: file) }

    func protect(_ path: String) throws(FileError) { try machine.protect(path) }

    func removeFolder(_ path: String) throws(FileError) { try machine.removeFolder(path) }

    func entries(of path: String, _ body: ([String]) throws -> Void) throws {
        try machine.entries(of: path, body)
    }
}
