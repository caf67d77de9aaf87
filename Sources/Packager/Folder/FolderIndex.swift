import Archive
import OCI

/// Gathers what is in an archive of a root folder, and where, and checks each name as it comes.
struct FolderIndex: Sendable {
    /// How much may be in an archive: it is all in memory until the image is there, but for what is in files.
    enum Limit {
        /// Files, folders and links, but for those that come along.
        static let entries = 131_072
        /// Of all paths and targets of links, in bytes.
        static let totalPathSize = 33_554_432
        /// The longest name of a file that Linux takes, in bytes.
        static let nameSize = 255
        /// How many links are followed on one path, as Linux does.
        static let links = 40
    }

    private var entries: [ArchivePath: FolderEntry] = [:]
    private var hardLinks: [(path: ArchivePath, target: ArchivePath)] = []
    private var totalPathSize = 0
    private let maximumEntries: Int
    private let maximumPathSize: Int

    /// Both limits are lower in tests alone.
    init(maximumEntries: Int = Limit.entries, maximumPathSize: Int = Limit.totalPathSize) {
        self.maximumEntries = maximumEntries
        self.maximumPathSize = maximumPathSize
    }

    private static let whiteoutPrefix = Array(".wh.".utf8)

    /// Takes the next member.
    mutating func add(_ header: TarHeader) throws(PackagingError) {
        let path = try Self.path(header.path)
        guard !path.isRoot else {
            guard header.kind == .directory else { throw .refused(.illegalName("/")) }
            return
        }
        switch header.kind {
        case .directory:
            let mode = FolderEntry.mode(header.mode, isDirectory: true)
            try insert(FolderEntry(kind: .directory, mode: mode), at: path)
        case .file:
            let contents = header.contentsOffset..<header.contentsOffset + header.size
            let mode = FolderEntry.mode(header.mode, isDirectory: false)
            try insert(FolderEntry(kind: .file(contents), mode: mode), at: path)
        case .symbolicLink:
            try checkTarget(header.linkTarget, of: path)
            totalPathSize += header.linkTarget.utf8.count
            try insert(
                FolderEntry(kind: .symbolicLink(header.linkTarget), mode: FolderEntry.linkMode),
                at: path
            )
        case .hardLink:
            let target = try Self.path(header.linkTarget)
            hardLinks.append((path, target))
            try insert(FolderEntry(kind: .hardLink(target), mode: 0), at: path)
        case .other(let kind): throw .refused(.special(path.printable, kind: kind))
        }
    }

    /// Checks how the members fit together, and adds what comes along and what is missing between them.
    ///
    /// Where a member stands at the path of a file that would come along, it stays.
    consuming func finish(adding baseFiles: [BaseFile]) throws(PackagingError) -> RootFolder {
        try resolveHardLinks()
        let missing = try missingFolders()
        let fileCount = entries.values.count { !$0.isDirectory }
        var added: Set<String> = []
        for file in baseFiles where add(file, behind: added) { added.insert(file.path) }
        for folder in missing where entries[folder] == nil {
            entries[folder] = FolderEntry(kind: .directory, mode: FolderEntry.directoryMode)
        }
        return RootFolder(entries: entries, fileCount: fileCount, baseFiles: added)
    }

    /// Takes apart a path as it is written in an archive, where `./app` and `/app` are `app`.
    private static func path(_ text: String) throws(PackagingError) -> ArchivePath {
        let components = Array(text.utf8).split(separator: UInt8(ascii: "/"))
            .filter { !$0.elementsEqual(".".utf8) }
        for component in components {
            guard !component.elementsEqual("..".utf8) else { throw .refused(.outsideRoot(text.printable)) }
            guard !component.contains(0) else { throw .refused(.illegalName(text.printable)) }
            guard component.count <= Limit.nameSize else { throw .refused(.pathTooLong(text.printable)) }
            guard !component.starts(with: whiteoutPrefix) else { throw .refused(.whiteout(text.printable)) }
        }
        let path = ArchivePath(components)
        guard path.bytes.count < TarEntry.maximumPathLength else {
            throw .refused(.pathTooLong(text.printable))
        }
        return path
    }

    /// Holds that a link leads nowhere above the root, by its words; what other links make of it Linux keeps within.
    private func checkTarget(_ target: String, of path: ArchivePath) throws(PackagingError) {
        let isUsable =
            (1..<TarEntry.maximumPathLength).contains(target.utf8.count) && !target.utf8.contains(0)
        guard isUsable else { throw .refused(.illegalName(path.printable)) }
        var depth = target.hasPrefix("/") ? 0 : path.components.count - 1
        for component in target.utf8.split(separator: UInt8(ascii: "/")) {
            if component.elementsEqual("..".utf8) {
                depth -= 1
            } else if !component.elementsEqual(".".utf8) {
                depth += 1
            }
            guard depth >= 0 else {
                throw .refused(.linkOutsideRoot(path.printable, target: target.printable))
            }
        }
    }

    private mutating func insert(_ entry: FolderEntry, at path: ArchivePath) throws(PackagingError) {
        totalPathSize += path.bytes.count
        guard entries.count < maximumEntries else { throw .refused(.tooManyEntries) }
        guard totalPathSize <= maximumPathSize else { throw .refused(.namesTooLong) }
        guard entries.updateValue(entry, forKey: path) == nil else {
            throw .refused(.duplicate(path.printable))
        }
    }

    /// Has the first of all names of a file be the file, and the others lead to it, in whatever order they came.
    private mutating func resolveHardLinks() throws(PackagingError) {
        var names: [ArchivePath: [ArchivePath]] = [:]
        for (path, target) in hardLinks {
            var end = target
            // One link may lead to another.
            for _ in 0..<Limit.links {
                guard case .hardLink(let next) = entries[end]?.kind else { break }
                end = next
            }
            guard case .file = entries[end]?.kind else {
                throw .refused(.hardLinkToNoFile(path.printable, target: target.printable))
            }
            names[end, default: []].append(path)
        }
        for (file, links) in names {
            guard let entry = entries[file], let first = links.min() else { continue }
            let primary = min(first, file)
            for path in links + [file] {
                entries[path] =
                    path == primary ? entry : FolderEntry(kind: .hardLink(primary), mode: entry.mode)
            }
        }
    }

    /// Checks that everything is in a folder, and gives those that were not in the archive themselves.
    private mutating func missingFolders() throws(PackagingError) -> Set<ArchivePath> {
        var missing: Set<ArchivePath> = []
        for path in entries.keys.sorted() {
            var ancestor = path.parent
            while let folder = ancestor, !folder.isRoot {
                if let entry = entries[folder] {
                    guard entry.isDirectory else {
                        throw .refused(.notAFolder(path.printable, below: folder.printable))
                    }
                    // Its own folder is looked for when it is its turn.
                    break
                }
                guard missing.insert(folder).inserted else { break }
                totalPathSize += folder.bytes.count
                guard entries.count + missing.count <= maximumEntries else { throw .refused(.tooManyEntries) }
                guard totalPathSize <= maximumPathSize else { throw .refused(.namesTooLong) }
                ancestor = folder.parent
            }
        }
        return missing
    }

    /// Adds a file that comes along, unless something else is in its place or in that of its folder.
    private mutating func add(_ file: BaseFile, behind added: Set<String>) -> Bool {
        let path = ArchivePath(canonical: file.path)
        guard entries[path] == nil, let parent = path.parent,
            parent.isRoot || entries[parent]?.isDirectory == true
        else { return false }
        let kind: FolderEntry.Kind =
            switch file.kind {
            case .directory: .directory
            case .file(let contents): .baseFile(contents)
            case .hardLink(let target): .hardLink(ArchivePath(canonical: target))
            }
        // Not another name for something else.
        if case .hardLink(let target) = file.kind, !added.contains(target) { return false }
        entries[path] = FolderEntry(kind: kind, mode: file.mode, owner: file.owner)
        return true
    }
}
