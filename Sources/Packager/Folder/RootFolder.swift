import Archive
import OCI

/// Everything below the root of an image, in the one way that it is written down.
///
/// - Invariant: every entry is in a folder that is an entry too, and no hard link leads to a later entry.
package struct RootFolder: Sendable {
    private let entries: [ArchivePath: FolderEntry]
    /// How many files and links were sent.
    package let fileCount: Int
    /// The paths of files that come along and are here.
    let baseFiles: Set<String>

    init(entries: [ArchivePath: FolderEntry], fileCount: Int, baseFiles: Set<String>) {
        self.entries = entries
        self.fileCount = fileCount
        self.baseFiles = baseFiles
    }

    /// The entries in the order of their paths' bytes, so that folders come before what is in them.
    ///
    /// `program` is made executable.
    func sorted(executable program: ArchivePath) -> [(path: ArchivePath, entry: FolderEntry)] {
        entries.sorted { $0.key < $1.key }.map { path, entry in
            var entry = entry
            let isProgram = path == program || entry.kind == .hardLink(program)
            if isProgram { entry.mode |= 0o111 }
            return (path, entry)
        }
    }

    /// Whether a file stands at a path of ours.
    func hasFile(at path: String) -> Bool {
        switch entries[ArchivePath(canonical: path)]?.kind {
        case .file, .baseFile, .hardLink: true
        case .directory, .symbolicLink, nil: false
        }
    }

    /// Finds the file that an absolute path leads to, through links, as Linux would.
    func program(at path: String) throws(PackagingError) -> (path: ArchivePath, contents: Range<UInt64>) {
        guard path.hasPrefix("/") else { throw .refused(.entrypointNotAbsolute(path.printable)) }
        guard var found = resolve(path) else { throw .refused(.noEntrypoint(path.printable)) }
        if case .hardLink(let file) = entries[found]?.kind { found = file }
        switch entries[found]?.kind {
        case .file(let contents): return (found, contents)
        case .directory, nil: throw .refused(.entrypointIsFolder(path.printable))
        case .baseFile, .symbolicLink, .hardLink: throw .refused(.noEntrypoint(path.printable))
        }
    }

    /// Whether a path leads to something.
    func contains(_ path: String) -> Bool { resolve(path) != nil }

    /// Follows a path; nil where it leads to nothing, or round in circles.
    private func resolve(_ path: String) -> ArchivePath? {
        var left = Array(path.utf8).split(separator: UInt8(ascii: "/"))[...]
        var current: [ArraySlice<UInt8>] = []
        var links = 0
        while let component = left.popFirst() {
            if component.elementsEqual(".".utf8) { continue }
            if component.elementsEqual("..".utf8) {
                // The root is its own parent.
                _ = current.popLast()
                continue
            }
            let next = ArchivePath(current + [component])
            guard let entry = entries[next] else { return nil }
            guard case .symbolicLink(let target) = entry.kind else {
                guard entry.isDirectory || left.isEmpty else { return nil }
                current.append(component)
                continue
            }
            links += 1
            guard links <= FolderIndex.Limit.links else { return nil }
            if target.hasPrefix("/") { current = [] }
            left = Array(target.utf8).split(separator: UInt8(ascii: "/")) + left
        }
        return ArchivePath(current)
    }
}
