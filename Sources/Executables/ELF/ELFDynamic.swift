/// What the dynamic section tells the dynamic linker, as far as a verdict needs it.
///
/// - SeeAlso: System V ABI, chapter 5, "Dynamic Section"
package struct ELFDynamic: Hashable, Sendable {
    /// DT_NEEDED: the shared libraries to load, the first 32 of them.
    package let neededLibraries: [String]
    /// Whether there are any, also ones whose names could not be read.
    package let needsLibraries: Bool
    /// DT_SONAME: the name that a shared library goes by.
    package let sharedObjectName: String?
    /// DF_1_PIE: an executable that runs at any address, rather than a library.
    package let isPositionIndependentExecutable: Bool
}

extension ELFHeader {
    private enum Tag {
        static let null: UInt64 = 0
        static let needed: UInt64 = 1
        static let stringTable: UInt64 = 5
        static let stringTableSize: UInt64 = 10
        static let sharedObjectName: UInt64 = 14
        static let flags1: UInt64 = 0x6FFF_FFFB
    }

    private static let positionIndependentExecutable: UInt64 = 0x0800_0000

    /// Reads the segment PT_DYNAMIC; nil where there is none.
    package func dynamicSection(
        of segments: [ELFSegment],
        in source: borrowing some ByteSource
    ) throws(ELFError) -> ELFDynamic? {
        guard let segment = segments.first(where: { $0.kind == .dynamic }) else { return nil }
        var needed: [UInt64] = []
        var needsLibraries = false
        var name: UInt64?
        var strings: (address: UInt64, size: UInt64) = (0, 0)
        var flags: UInt64 = 0
        for (tag, value) in try dynamicEntries(of: segment, in: source) {
            switch tag {
            case Tag.needed:
                needsLibraries = true
                if needed.count < ELFLimit.neededLibraryCount { needed.append(value) }
            case Tag.sharedObjectName: name = value
            case Tag.stringTable: strings.address = value
            case Tag.stringTableSize: strings.size = value
            case Tag.flags1: flags = value
            default: break
            }
        }
        let table = segments.fileOffset(ofAddress: strings.address).map { ($0, strings.size) }
        var libraries: [String] = []
        for offset in needed {
            if let library = try string(at: offset, ofTable: table, in: source) { libraries.append(library) }
        }
        var sharedObjectName: String?
        if let name { sharedObjectName = try string(at: name, ofTable: table, in: source) ?? "" }
        return ELFDynamic(
            neededLibraries: libraries,
            needsLibraries: needsLibraries,
            sharedObjectName: sharedObjectName,
            isPositionIndependentExecutable: flags & Self.positionIndependentExecutable != 0
        )
    }

    /// The tags and values before DT_NULL.
    private func dynamicEntries(
        of segment: ELFSegment,
        in source: borrowing some ByteSource
    ) throws(ELFError) -> [(tag: UInt64, value: UInt64)] {
        let word = wordSize == .bits32 ? 4 : 8
        let entrySize = UInt64(2 * word)
        let limit = ELFLimit.dynamicEntryCount * entrySize
        // A segment may be longer than its entries: linkers leave room behind DT_NULL.
        let size = min(segment.fileSize - segment.fileSize % entrySize, limit)
        let fields = FieldReader(
            bytes: try source.elfBytes(at: segment.offset, length: size),
            order: byteOrder,
            wordSize: wordSize
        )
        var entries: [(UInt64, UInt64)] = []
        for start in stride(from: 0, to: Int(size), by: Int(entrySize)) {
            let tag = fields.word(at: start)
            if tag == Tag.null { return entries }
            entries.append((tag, fields.word(at: start + word)))
        }
        guard segment.fileSize <= limit else { throw .malformed(.dynamicSection) }
        return entries
    }

    /// The string at an offset of the table; nil where there is no table, or nothing at that offset.
    private func string(
        at offset: UInt64,
        ofTable table: (offset: UInt64, size: UInt64)?,
        in source: borrowing some ByteSource
    ) throws(ELFError) -> String? {
        guard let table, offset < table.size else { return nil }
        let (start, overflow) = table.offset.addingReportingOverflow(offset)
        guard !overflow, start < source.size else { return nil }
        let length = min(table.size - offset, source.size - start, ELFLimit.nameLength)
        return try source.elfBytes(at: start, length: length).string(at: 0)
    }
}
