import Archive
import OCI

/// What is wrong with an archive of a root folder.
///
/// Paths are printable, and begin at the root.
enum FolderProblem: Hashable, Sendable {
    /// Compressed, and no archive.
    case notAnArchive(StreamCompression)
    case damaged(String)
    case cutShort(String)
    case outsideRoot(String)
    case linkOutsideRoot(String, target: String)
    case hardLinkToNoFile(String, target: String)
    /// Below something that is no folder.
    case notAFolder(String, below: String)
    case duplicate(String)
    case special(String, kind: String)
    case whiteout(String)
    case illegalName(String)
    case tooManyEntries
    case namesTooLong
    case pathTooLong(String)
    case entrypointNotAbsolute(String)
    case noEntrypoint(String)
    case entrypointIsFolder(String)

    /// The stable name that clients may rely on.
    var reason: String {
        switch self {
        case .notAnArchive(let compression):
            switch compression {
            case .gzip: "gzip"
            case .zstd: "zstd"
            case .none: "unknown-format"
            }
        case .damaged: "malformed"
        case .cutShort: "cut-short"
        case .outsideRoot, .linkOutsideRoot: "outside-root"
        case .hardLinkToNoFile: "hard-link"
        case .notAFolder: "not-a-folder"
        case .duplicate: "duplicate"
        case .special: "special-file"
        case .whiteout: "whiteout"
        case .illegalName, .pathTooLong: "illegal-path"
        case .tooManyEntries, .namesTooLong: "too-many-files"
        case .entrypointNotAbsolute, .noEntrypoint, .entrypointIsFolder: "entrypoint"
        }
    }

    private var message: String {
        switch self {
        case .notAnArchive(let compression):
            "this is a \(compression) file that holds no tar archive; unpack it and send the executable itself"
        case .damaged(let what): "\(what); make the archive again"
        case .cutShort(let what): "\(what); send the whole file again"
        case .outsideRoot(let path): "\(path) leads out of the archive's root; pack with tar -C FOLDER -c ."
        case .linkOutsideRoot(let path, let target):
            "the link \(path) leads out of the root, to \(target); have it lead to a file of the archive"
        case .hardLinkToNoFile(let path, let target):
            "the hard link \(path) leads to \(target), which is no file of the archive; pack the whole folder"
        case .notAFolder(let path, let parent):
            "\(path) stands below \(parent), which is no folder; pack with tar -C FOLDER -c ."
        case .duplicate(let path):
            "\(path) is in the archive more than once; make it anew, rather than appending to it"
        case .special(let path, let kind):
            "\(path) is \(kind), and images take files, folders and links; leave it out: tar --exclude"
        case .whiteout(let path):
            "\(path) would remove files of an image below, as names with .wh. do; rename it"
        case .illegalName(let path): "\(path) is no path that Linux takes; rename it"
        case .tooManyEntries:
            "the archive has more than \(FolderIndex.Limit.entries) files and folders; pack what the program needs"
        case .namesTooLong:
            """
            the paths in the archive have more than \(FolderIndex.Limit.totalPathSize) bytes together; pack what the \
            program needs
            """
        case .pathTooLong(let path):
            """
            \(path) is too long; rename it: a path has less than \(TarEntry.maximumPathLength) bytes, and a name at most \
            \(FolderIndex.Limit.nameSize)
            """
        case .entrypointNotAbsolute(let path):
            "the entry point '\(path)' is no path from the root; name the program as in ?entrypoint=/app"
        case .noEntrypoint(let path):
            "there is no \(path) in the archive, which 'entrypoint' names; name the program as in ?entrypoint=/app"
        case .entrypointIsFolder(let path):
            "\(path), which 'entrypoint' names, is a folder; name the program in it"
        }
    }

    var refusal: UploadRefusal {
        if case .notAnArchive = self { return UploadRefusal(.notAnExecutable, reason, message) }
        return UploadRefusal(.cannotRun, reason, message)
    }
}

extension PackagingError {
    static func refused(_ problem: FolderProblem) -> PackagingError { .refused(problem.refusal) }
}
