/// A header block, of which the checksum is right.
struct TarBlock: Sendable {
    /// Where in the archive it stands.
    let offset: UInt64
    let type: UInt8
    /// How many bytes are said to follow.
    let size: UInt64
    private let bytes: [UInt8]

    /// What any file system takes for a file's size.
    static let maximumSize = UInt64(Int64.max) / 2

    private static let ustar = Array("ustar\0".utf8)
    private static let gnu = Array("ustar  \0".utf8)

    /// Checks and takes apart 512 bytes; nil for a block of zeros.
    init?(_ bytes: [UInt8], offset: UInt64) throws(TarReaderError) {
        precondition(bytes.count == Tar.blockSize, "a header is one block")
        guard bytes.contains(where: { $0 != 0 }) else { return nil }
        // Which is what the field itself counts as.
        let spaces = 8 * UInt64(UInt8(ascii: " "))
        let checksum = 148..<156
        var (sum, signedSum) = (spaces, Int64(spaces))
        for (index, byte) in bytes.enumerated() where !checksum.contains(index) {
            sum += UInt64(byte)
            signedSum += Int64(Int8(bitPattern: byte))
        }
        // Old programs have added up signed characters.
        guard let stored = Self.octal(bytes[checksum]), stored == sum || Int64(clamping: stored) == signedSum
        else {
            throw offset == 0 ? .notAnArchive : .damagedHeader(offset: offset)
        }
        guard let size = Self.number(bytes[124..<136]), size <= Self.maximumSize else {
            throw .malformedHeader(offset: offset)
        }
        self.offset = offset
        self.bytes = bytes
        self.size = size
        type = bytes[156]
    }

    /// Whether names or records follow that belong to the next member, or to all.
    var isRecords: Bool { "xgLK".utf8.contains(type) }

    /// What the block says of a member, unless what stands before it says something else.
    func member(_ attributes: TarAttributes, global: TarAttributes) throws(TarReaderError) -> TarHeader {
        var path = attributes.path ?? global.path ?? ""
        if path.isEmpty { path = try self.path() }
        var linkTarget = attributes.linkTarget ?? global.linkTarget ?? ""
        if linkTarget.isEmpty { linkTarget = try text(bytes[157..<257].untilNUL) }
        guard let mode = Self.number(bytes[100..<108]) else { throw .malformedHeader(offset: offset) }
        let isSparse = attributes.isSparse || global.isSparse
        let kind = isSparse ? .other("a file without its holes") : self.kind(path: path)
        let size = hasContents(kind) ? attributes.size ?? global.size ?? size : 0
        return TarHeader(
            path: path,
            kind: kind,
            mode: UInt16(mode & 0o7777),
            size: size,
            linkTarget: kind == .symbolicLink || kind == .hardLink ? linkTarget : "",
            contentsOffset: offset + UInt64(Tar.blockSize)
        )
    }

    private func kind(path: String) -> TarHeader.Kind {
        switch type {
        // The old format has no directories but by their names.
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): path.hasSuffix("/") ? .directory : .file
        case UInt8(ascii: "1"): .hardLink
        case UInt8(ascii: "2"): .symbolicLink
        case UInt8(ascii: "3"): .other("a character device")
        case UInt8(ascii: "4"): .other("a block device")
        case UInt8(ascii: "5"): .directory
        case UInt8(ascii: "6"): .other("a FIFO")
        case UInt8(ascii: "S"): .other("a file without its holes")
        case 0x21...0x7E: .other("a member of type '\(Character(UnicodeScalar(type)))'")
        default: .other("a member of type \(type)")
        }
    }

    /// Directories, links, devices and FIFOs have none, whatever their size field says.
    private func hasContents(_ kind: TarHeader.Kind) -> Bool {
        switch kind {
        case .file: true
        case .directory, .symbolicLink, .hardLink: false
        case .other: !"346".utf8.contains(type)
        }
    }

    /// The name, behind the prefix where the format has one.
    private func path() throws(TarReaderError) -> String {
        let name = bytes[0..<100].untilNUL
        let magic = bytes[257..<265]
        guard magic.starts(with: Self.ustar), !magic.elementsEqual(Self.gnu) else { return try text(name) }
        // A relative of the format keeps times behind a shorter prefix.
        let isStar = bytes[508..<512].elementsEqual("tar\0".utf8)
        let prefix = bytes[345..<(isStar ? 476 : 500)].untilNUL
        return prefix.isEmpty ? try text(name) : try text(Array(prefix) + [UInt8(ascii: "/")] + name)
    }

    /// A name that has members of its own for it: until the first NUL.
    func name(_ bytes: [UInt8]) throws(TarReaderError) -> String { try text(bytes[...].untilNUL) }

    func text(_ bytes: some Collection<UInt8>) throws(TarReaderError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .nameNotUTF8(offset: offset) }
        return text
    }

    /// A number in octal digits, or where the first bit is set in binary, the highest byte first.
    private static func number(_ field: ArraySlice<UInt8>) -> UInt64? {
        guard let first = field.first, first & 0x80 != 0 else { return octal(field) }
        // All bits set: less than zero.
        guard first == 0x80 else { return nil }
        var value: UInt64 = 0
        for byte in field.dropFirst() {
            guard value >> 56 == 0 else { return nil }
            value = value << 8 | UInt64(byte)
        }
        return value
    }

    /// Octal digits, which spaces may precede, up to a space or NUL; nothing at all is zero.
    private static func octal(_ field: ArraySlice<UInt8>) -> UInt64? {
        let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
        var value: UInt64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit), value >> 61 == 0 else {
                return nil
            }
            value = value << 3 | UInt64(digit - UInt8(ascii: "0"))
        }
        return value
    }
}

extension ArraySlice<UInt8> {
    fileprivate var untilNUL: ArraySlice<UInt8> { prefix { $0 != 0 } }
}
