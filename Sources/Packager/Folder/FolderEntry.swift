/// A file, folder or link of a root folder.
struct FolderEntry: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case directory
        /// Bytes of the archive that it came in.
        case file(Range<UInt64>)
        /// A file that comes along.
        case baseFile([UInt8])
        case symbolicLink(String)
        /// Another name for a file, which stands before it.
        case hardLink(ArchivePath)
    }

    var kind: Kind
    var mode: UInt16
    var owner: UInt32 = 0

    var isDirectory: Bool { kind == .directory }

    /// The bits that a mode has in an image.
    ///
    /// Everything belongs to root there, so that what its owner could read and run everybody can; nothing changes who
    /// runs it.
    static func mode(_ mode: UInt16, isDirectory: Bool) -> UInt16 {
        let ownersReadAndRun = mode & 0o500
        return mode & (isDirectory ? 0o1777 : 0o777) | ownersReadAndRun >> 3 | ownersReadAndRun >> 6
    }

    /// The mode of a folder that no archive says anything about.
    static let directoryMode: UInt16 = 0o755
    /// A link's own mode means nothing, and is this everywhere.
    static let linkMode: UInt16 = 0o777
}
