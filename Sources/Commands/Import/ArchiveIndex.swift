import Archive
import Glibc
import OCI
import Storage

/// Where the members of a tar archive lie in its file.
///
/// Nothing is ever written under the names that stand there; one that leads out of the archive is refused all the same,
/// since whoever made it meant no good. All of it blocks.
struct ArchiveIndex: Sendable {
    private var files: [String: FilePart] = [:]
    private var links: [String: String] = [:]

    /// No image has so many layers, and no layout of any tool so many images.
    ///
    /// Bounds the memory that an archive of empty files takes.
    private static let maximumCount = 200_000
    private static let portion = 64 * 1024
    private static let maximumLinks = 8

    /// Reads the headers of an archive that is not compressed.
    ///
    /// - Throws: `CommandError`, without the archive's name.
    init(contentsOf path: String) throws {
        do {
            try readHeaders(path)
        } catch let error as TarReaderError {
            throw CommandError("\(error)")
        } catch let error as FileError {
            throw CommandError(String(cString: strerror(error.code)))
        }
    }

    private mutating func readHeaders(_ path: String) throws {
        let operations = POSIXFileOperations()
        let file = try operations.open(path, .read)
        let size = try operations.size(of: file)
        var reader = TarReader()
        var offset: Int64 = 0
        while offset < size, !reader.isAtEnd {
            var bytes = [UInt8](repeating: 0, count: Int(min(size - offset, Int64(Self.portion))))
            // SAFETY: the bytes are used within the closure alone.
            let count = try bytes.withUnsafeMutableBytes { try operations.read(file, at: offset, into: $0) }
            guard count == bytes.count else { throw TarReaderError.cutShort }
            for case .member(let header) in try reader.append(bytes) { try note(header, path) }
            offset += Int64(count) + Int64(reader.skipContents())
        }
        guard offset <= size else { throw TarReaderError.cutShort }
        try reader.finish()
    }

    private mutating func note(_ header: TarHeader, _ file: String) throws {
        guard let name = Self.normalized(header.path) else {
            throw CommandError("its member '\(header.path.printable)' leads out of the archive")
        }
        guard files.count + links.count < Self.maximumCount else {
            throw CommandError("it has more than \(Self.maximumCount) members")
        }
        // What comes later is what counts, as with tar.
        (files[name], links[name]) = (nil, nil)
        switch header.kind {
        case .file:
            files[name] = FilePart(
                path: file,
                offset: Int64(header.contentsOffset),
                size: Int64(header.size)
            )
        case .hardLink: links[name] = Self.normalized(header.linkTarget)
        case .symbolicLink:
            let folder = name.split(separator: "/").dropLast().joined(separator: "/")
            links[name] = Self.normalized("\(folder)/\(header.linkTarget)", climbs: true)
        case .directory, .other: break
        }
    }

    /// A path without what says nothing; nil for one that leads out of the archive.
    private static func normalized(_ path: String, climbs: Bool = false) -> String? {
        guard climbs || !path.hasPrefix("/") else { return nil }
        var components: [Substring] = []
        for component in path.split(separator: "/") where component != "." {
            guard component == ".." else {
                components.append(component)
                continue
            }
            guard climbs, components.popLast() != nil else { return nil }
        }
        return components.joined(separator: "/")
    }

    /// A file in the archive, also through links.
    func file(_ path: String) -> FilePart? {
        guard var name = Self.normalized(path) else { return nil }
        for _ in 0..<Self.maximumLinks {
            if let part = files[name] { return part }
            guard let target = links[name] else { return nil }
            name = target
        }
        return nil
    }
}

extension FilePart {
    /// All of its bytes, of which there must not be more than so many; blocking.
    func contents(limit: Int) throws -> [UInt8] {
        guard size <= limit else { throw FileError(operation: "read", path: path, code: EFBIG) }
        let operations = POSIXFileOperations()
        let file = try operations.open(path, .read)
        var bytes = [UInt8](repeating: 0, count: Int(size))
        // SAFETY: the bytes are used within the closure alone.
        let count = try bytes.withUnsafeMutableBytes { try operations.read(file, at: offset, into: $0) }
        return Array(bytes.prefix(count))
    }

    /// Reads all of its bytes in portions; blocking.
    func forEachPortion(_ body: ([UInt8]) throws -> Void) throws {
        let operations = POSIXFileOperations()
        let file = try operations.open(path, .read)
        var done: Int64 = 0
        while done < size {
            var bytes = [UInt8](repeating: 0, count: Int(min(size - done, 256 * 1024)))
            let position = offset + done
            // SAFETY: the bytes are used within the closure alone.
            let count = try bytes.withUnsafeMutableBytes { try operations.read(file, at: position, into: $0) }
            guard count == bytes.count else { throw CommandError("it became shorter while it was read") }
            try body(bytes)
            done += Int64(count)
        }
    }
}
