import Archive

/// A file or folder that comes along with a program.
struct BaseFile: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case directory
        case file([UInt8])
        /// Another name for a file before it, by its path.
        case hardLink(String)
    }

    let path: String
    let kind: Kind
    let mode: UInt16
    let owner: UInt32

    static func directory(_ path: String, mode: UInt16 = 0o755, owner: UInt32 = 0) -> BaseFile {
        BaseFile(path: path, kind: .directory, mode: mode, owner: owner)
    }

    static func file(_ path: String, _ text: String) -> BaseFile { file(path, Array(text.utf8)) }

    static func file(_ path: String, _ contents: [UInt8]) -> BaseFile {
        BaseFile(path: path, kind: .file(contents), mode: 0o644, owner: 0)
    }

    static func hardLink(_ path: String, to target: String) -> BaseFile {
        BaseFile(path: path, kind: .hardLink(target), mode: 0o644, owner: 0)
    }

    /// The file as it stands in an archive.
    var archived: [UInt8] {
        let (kind, contents): (TarEntry.Kind, [UInt8]) =
            switch kind {
            case .directory: (.directory, [])
            case .file(let contents): (.file(size: UInt64(contents.count)), contents)
            case .hardLink(let target): (.hardLink(target: target), [])
            }
        do {
            let entry = try TarEntry(kind, path: path, mode: mode, owner: owner)
            let padding = Tar.paddingSize(afterContentsOfSize: entry.size)
            return entry.header + contents + [UInt8](repeating: 0, count: padding)
        } catch {
            preconditionFailure("a base file is no tar entry: \(error)")
        }
    }
}
