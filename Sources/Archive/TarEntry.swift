/// One directory, file or link of a tar archive, without its contents.
///
/// Whatever differs from one machine or day to the next is constant: owners have numbers and no names, and
/// every entry dates from 1970-01-01T00:00:00Z.
///
/// - SeeAlso: POSIX.1-2017, pax, "ustar Interchange Format"
package struct TarEntry: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case directory
        /// A regular file of so many bytes.
        case file(size: UInt64)
        /// Where it leads, as Linux is to follow it.
        case symbolicLink(target: String)
        /// Another name for a file that stands before it in the archive, by its path.
        case hardLink(target: String)
    }

    /// The path below the archive's root, without a slash at either end.
    package let path: String
    package let kind: Kind
    /// Permission bits, with set-id and sticky bits: at most `0o7777`.
    package let mode: UInt16
    /// The number of both the owning user and group.
    package let owner: UInt32

    /// The longest path in bytes, which is also the longest that Linux takes.
    package static let maximumPathLength = 4_096

    /// Describes an entry whose path stays within the archive's root.
    ///
    /// - Throws: ``TarError`` when the path is absolute, empty or too long, or contains NUL, `.`, `..` or an
    ///   empty component; or when mode or owner do not fit their fields.
    package init(_ kind: Kind, path: String, mode: UInt16, owner: UInt32 = 0) throws(TarError) {
        let components = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isRelative = components.allSatisfy { component in
            !component.isEmpty && !component.elementsEqual(".".utf8) && !component.elementsEqual("..".utf8)
        }
        guard isRelative, !path.utf8.contains(0), path.utf8.count <= Self.maximumPathLength else {
            throw .illegalPath(path)
        }
        if let target = kind.target {
            let isPath = (1...Self.maximumPathLength).contains(target.utf8.count) && !target.utf8.contains(0)
            guard isPath else { throw .illegalPath(target) }
        }
        guard mode <= 0o7777 else { throw .illegalMode(mode) }
        guard owner <= 0o7777777 else { throw .illegalOwner(owner) }
        self.kind = kind
        self.path = path
        self.mode = mode
        self.owner = owner
    }

    /// The number of bytes of contents that follow the header, before the padding.
    package var size: UInt64 {
        switch kind {
        case .directory, .symbolicLink, .hardLink: 0
        case .file(let size): size
        }
    }
}

extension TarEntry.Kind {
    /// Where a link leads.
    var target: String? {
        switch self {
        case .directory, .file: nil
        case .symbolicLink(let target), .hardLink(let target): target
        }
    }

    /// The type's digit in a header.
    var type: UInt8 {
        switch self {
        case .file: UInt8(ascii: "0")
        case .hardLink: UInt8(ascii: "1")
        case .symbolicLink: UInt8(ascii: "2")
        case .directory: UInt8(ascii: "5")
        }
    }
}

/// Why something cannot be an entry of a tar archive.
package enum TarError: Error, Hashable, Sendable {
    case illegalPath(String)
    case illegalMode(UInt16)
    case illegalOwner(UInt32)
}

/// The parts of a tar archive that stand around its entries' contents.
package enum Tar {
    /// The unit in which headers and contents are stored.
    package static let blockSize = 512

    /// The two zero blocks that end an archive.
    package static let end = [UInt8](repeating: 0, count: 2 * blockSize)

    /// How many zero bytes fill the last block of contents.
    package static func paddingSize(afterContentsOfSize size: UInt64) -> Int {
        let rest = Int(size % UInt64(blockSize))
        return rest == 0 ? 0 : blockSize - rest
    }
}
