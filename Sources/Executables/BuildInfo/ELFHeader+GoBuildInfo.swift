/// The block in which the Go linker keeps what it knows about a build.
///
/// It survives `-s -w` and `strip`, and the removal of the section headers too.
///
/// - SeeAlso: Go's package debug/buildinfo
private enum Block {
    static let magic: [UInt8] = [0xFF] + Array(" Go buildinf:".utf8)
    /// Also what the block's own start is a multiple of, so that a constant in a program that reads such blocks is not
    /// taken for one.
    static let alignment = 16
    static let headerSize = 32
    static let pointerSizeOffset = 14
    static let flagsOffset = 15
    static let pointersOffset = 16
    /// The pointers' byte order, before Go 1.18.
    static let isBigEndian: UInt8 = 1
    /// The texts follow the header, since Go 1.18; before it there were pointers to them.
    static let isInline: UInt8 = 2
}

extension ELFHeader {
    /// Reads the block of build information; nil where there is none that makes sense.
    func goBuildInfo(
        of segments: [ELFSegment],
        _ sections: [ELFSection],
        in source: borrowing some ByteSource
    ) throws(ByteSourceError) -> GoBuildInfo? {
        guard let region = Self.goRegion(segments, sections) else { return nil }
        let length = min(region.size, GoBuildInfoLimit.searchSize)
        guard let bytes = try source.bytesIfPresent(at: region.offset, length: length),
            let start = Self.blockStart(in: bytes)
        else { return nil }
        let header = Array(bytes[start..<start + Block.headerSize])
        let texts =
            header[Block.flagsOffset] & Block.isInline != 0
            ? try Self.inlineTexts(at: region.offset + UInt64(start + Block.headerSize), in: source)
            : try Self.pointedTexts(from: header, segments: segments, in: source)
        return texts.flatMap { GoBuildInfo(version: $0.version, moduleText: $0.modules) }
    }

    /// Where the block may be: in its section, or where no section has a name any more at the beginning of the data.
    private static func goRegion(
        _ segments: [ELFSegment],
        _ sections: [ELFSection]
    ) -> (offset: UInt64, size: UInt64)? {
        if let section = sections.first(where: { $0.name == ".go.buildinfo" }) {
            return (section.offset, section.size)
        }
        guard sections.allSatisfy(\.name.isEmpty) else { return nil }
        let (isExecutable, isWritable): (UInt32, UInt32) = (1, 2)
        return segments.first { $0.kind == .load && $0.flags & (isExecutable | isWritable) == isWritable }
            .map { ($0.offset, $0.fileSize) }
    }

    private static func blockStart(in bytes: [UInt8]) -> Int? {
        guard bytes.count >= Block.headerSize else { return nil }
        return stride(from: 0, through: bytes.count - Block.headerSize, by: Block.alignment).first { start in
            bytes[start] == Block.magic[0] && bytes[start...].starts(with: Block.magic)
        }
    }

    private typealias Texts = (version: [UInt8], modules: [UInt8])

    private static func inlineTexts(
        at start: UInt64,
        in source: borrowing some ByteSource
    ) throws(ByteSourceError) -> Texts? {
        var offset = start
        guard let version = try inlineText(at: &offset, limit: GoBuildInfoLimit.versionSize, in: source),
            let modules = try inlineText(at: &offset, limit: GoBuildInfoLimit.moduleTextSize, in: source)
        else { return nil }
        return (version, modules)
    }

    /// Reads a text behind its length, and moves on to what follows it.
    private static func inlineText(
        at offset: inout UInt64,
        limit: UInt64,
        in source: borrowing some ByteSource
    ) throws(ByteSourceError) -> [UInt8]? {
        guard offset <= source.size else { return nil }
        var field = LEB128Reader(bytes: try source.bytes(at: offset, atMost: LEB128Reader.maximumSize))
        guard let length = field.next(), length <= limit else { return nil }
        offset += UInt64(field.position)
        guard let text = try source.bytesIfPresent(at: offset, length: length) else { return nil }
        offset += length
        return text
    }

    private static func pointedTexts(
        from header: [UInt8],
        segments: [ELFSegment],
        in source: borrowing some ByteSource
    ) throws(ByteSourceError) -> Texts? {
        let wordSize: ELFClass
        switch header[Block.pointerSizeOffset] {
        case 4: wordSize = .bits32
        case 8: wordSize = .bits64
        default: return nil
        }
        let order: ByteOrder = header[Block.flagsOffset] & Block.isBigEndian != 0 ? .big : .little
        let fields = FieldReader(bytes: header, order: order, wordSize: wordSize)
        let word = Int(header[Block.pointerSizeOffset])

        func text(_ pointerOffset: Int, limit: UInt64) throws(ByteSourceError) -> [UInt8]? {
            // A Go string: the address of its bytes, and their number.
            guard let place = segments.fileOffset(ofAddress: fields.word(at: pointerOffset)),
                let bytes = try source.bytesIfPresent(at: place, length: UInt64(2 * word))
            else { return nil }
            let string = FieldReader(bytes: bytes, order: order, wordSize: wordSize)
            let length = string.word(at: word)
            guard length <= limit else { return nil }
            guard length > 0 else { return [] }
            guard let start = segments.fileOffset(ofAddress: string.word(at: 0)) else { return nil }
            return try source.bytesIfPresent(at: start, length: length)
        }
        guard let version = try text(Block.pointersOffset, limit: GoBuildInfoLimit.versionSize) else {
            return nil
        }
        // Programs built without modules have a version alone.
        let modules = try text(Block.pointersOffset + word, limit: GoBuildInfoLimit.moduleTextSize)
        return (version, modules ?? [])
    }
}
