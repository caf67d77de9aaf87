/// What a tar archive says of one of its members, whoever has written it.
///
/// Nothing is checked but that it can be read: a path may lead anywhere.
package struct TarHeader: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case file
        case directory
        case symbolicLink
        case hardLink
        /// Anything else, by a name that says what: a device, a FIFO, a file in pieces.
        case other(String)
    }

    /// As it is written in the archive, such as `./app` or `assets/`.
    package let path: String
    package let kind: Kind
    /// Permission, set-id and sticky bits.
    package let mode: UInt16
    /// How many bytes of contents follow; zero but for files.
    package let size: UInt64
    /// Where a link leads, as it is written; empty for anything else.
    package let linkTarget: String
    /// Where in the archive the contents begin.
    package let contentsOffset: UInt64

    package init(
        path: String,
        kind: Kind,
        mode: UInt16,
        size: UInt64,
        linkTarget: String,
        contentsOffset: UInt64
    ) {
        self.path = path
        self.kind = kind
        self.mode = mode
        self.size = size
        self.linkTarget = linkTarget
        self.contentsOffset = contentsOffset
    }
}

/// Why bytes are no tar archive, or none that can be read to its end.
///
/// Offsets are those of blocks in the archive.
package enum TarReaderError: Error, Hashable, Sendable {
    /// The first block is no header.
    case notAnArchive
    /// A block stands in the place of a header and is none, or its checksum is wrong.
    case damagedHeader(offset: UInt64)
    /// A field or record of a header means nothing.
    case malformedHeader(offset: UInt64)
    /// The records before one header are larger than ``TarReader/maximumRecordsSize``.
    case recordsTooLarge(offset: UInt64)
    /// A name is not in UTF-8.
    case nameNotUTF8(offset: UInt64)
    /// The archive ends in the middle of a member, or without the block of zeros that says that it is whole.
    case cutShort
}

extension TarReaderError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notAnArchive: "it is no tar archive"
        case .damagedHeader(let offset): "the tar archive is damaged at byte \(offset)"
        case .malformedHeader(let offset): "the header at byte \(offset) of the tar archive is malformed"
        case .recordsTooLarge(let offset):
            """
            the names and records at byte \(offset) of the tar archive are larger than \
            \(TarReader.maximumRecordsSize) bytes
            """
        case .nameNotUTF8(let offset): "a name at byte \(offset) of the tar archive is not in UTF-8"
        case .cutShort: "the tar archive was cut off on the way: its end is missing"
        }
    }
}
