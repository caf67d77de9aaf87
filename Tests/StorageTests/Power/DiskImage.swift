import Foundation

/// What a disk holds: folders, names and bytes.
struct DiskImage: Sendable {
    var folders: Set<String> = []
    var names: [String: Int] = [:]
    /// Files without bytes may be left out.
    var files: [Int: [UInt8]] = [:]

    /// Does to the names what an event did.
    mutating func applyNames(_ event: DiskEvent) {
        switch event {
        case .makeFolder(let path): folders.insert(path)
        case .create(let path, let file): names[path] = file
        case .rename(let path, let newPath, let file):
            if names[path] == file { names[path] = nil }
            names[newPath] = file
        case .link(_, let newPath, let file): names[newPath] = file
        case .remove(let path): names[path] = nil
        case .write, .truncate, .sync, .syncFolder, .failedSync: break
        }
    }

    /// Whether a name can be reached: its folders may be missing.
    func isReachable(_ path: String) -> Bool {
        let folder = DiskEvent.folder(of: path)
        return folder.isEmpty || folders.contains(folder) && isReachable(folder)
    }

    /// Makes a folder of it, which must be absent.
    func write(to path: String) throws {
        let manager = FileManager.default
        try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
        // Shorter paths first: a folder before those in it.
        for folder in folders.sorted(by: { $0.count < $1.count }) where isReachable(folder) {
            try manager.createDirectory(atPath: "\(path)/\(folder)", withIntermediateDirectories: false)
        }
        for (name, file) in names where isReachable(name) {
            try Self.write(files[file] ?? [], to: "\(path)/\(name)")
        }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw CocoaError(.fileWriteOutOfSpace)
        }
    }

    /// The same for the same content, within one process.
    var fingerprint: Int {
        var hasher = Hasher()
        for folder in folders.sorted() { hasher.combine(folder) }
        for (name, file) in names.sorted(by: { $0.key < $1.key }) {
            hasher.combine(name)
            files[file]?.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
        return hasher.finalize()
    }
}

/// What becomes of something that was not flushed.
enum Fate: Hashable, Sendable {
    case missing
    /// Only some of the 4 KiB blocks that were written reached the disk: those whose bits are set.
    case torn(UInt64)
    /// The file has grown, and what was written is zeros.
    case hollow
}

extension [UInt8] {
    /// What a device writes at once.
    static var block: Int { 4096 }

    /// Does to a file's bytes what an event did, or what became of it.
    mutating func apply(_ event: DiskEvent, _ fate: Fate? = nil) {
        switch (event, fate) {
        case (_, .missing): return
        case (.truncate(_, let size), _): resize(to: size)
        case (.write(_, let offset, let bytes), nil):
            if count < offset + bytes.count { resize(to: offset + bytes.count) }
            replace(offset, bytes[...])
        case (.write(_, let offset, let bytes), .hollow):
            if count < offset + bytes.count { resize(to: offset + bytes.count) }
        case (.write(_, let offset, let bytes), .torn(let blocks)):
            var start = 0
            var number: UInt64 = 0
            while start < bytes.count {
                let end = Swift.min(
                    bytes.count,
                    (offset + start) / Self.block * Self.block + Self.block - offset
                )
                if blocks >> (number % 64) & 1 == 1 {
                    if count < offset + end { resize(to: offset + end) }
                    replace(offset + start, bytes[start..<end])
                }
                start = end
                number += 1
            }
        default: return
        }
    }

    private mutating func resize(to size: Int) {
        if size < count {
            removeLast(count - size)
        } else {
            append(contentsOf: [UInt8](repeating: 0, count: size - count))
        }
    }

    private mutating func replace(_ offset: Int, _ bytes: ArraySlice<UInt8>) {
        withUnsafeMutableBytes { target in
            bytes.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(rebasing: target[offset..<(offset + source.count)])
                    .copyMemory(from: source)
            }
        }
    }
}

extension DiskEvent {
    /// Whether it wrote to more than one block.
    var isTearable: Bool {
        guard case .write(_, let offset, let bytes) = self, !bytes.isEmpty else { return false }
        return offset / [UInt8].block != (offset + bytes.count - 1) / [UInt8].block
    }
}
