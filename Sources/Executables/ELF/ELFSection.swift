/// A section header, with its name.
///
/// Running a program takes no sections, so that a stripped file may have none.
///
/// - SeeAlso: System V ABI, chapter 4, "Sections"
package struct ELFSection: Hashable, Sendable {
    /// At most 256 bytes of it; empty when the name lies outside the table of names.
    package let name: String
    /// sh_type: 8 (SHT_NOBITS) takes no space in the file.
    package let type: UInt32
    package let offset: UInt64
    package let size: UInt64
}

extension ELFHeader {
    private static let noBits: UInt32 = 8
    private static let extendedIndex: UInt16 = 0xFFFF

    /// Reads the section headers and their names.
    ///
    /// - Throws: ``ELFError/cutShort(impliedSize:)`` also when a section's contents lie beyond the end.
    package func sections(in source: borrowing some ByteSource) throws(ELFError) -> [ELFSection] {
        guard sectionHeaders.offset > 0 else { return [] }
        let entrySize = wordSize == .bits32 ? 40 : 64
        guard Int(sectionHeaders.entrySize) == entrySize else { throw .malformed(.sectionHeaderSize) }

        var count = UInt64(sectionHeaders.count)
        var namesIndex = UInt64(sectionNamesIndex)
        if count == 0 || sectionNamesIndex == Self.extendedIndex {
            // A count or index too large for its field is kept in section 0's size or link.
            let first = try sectionFields(in: source, count: 1, entrySize: entrySize)[0]
            if count == 0 { count = sectionSize(first) }
            if sectionNamesIndex == Self.extendedIndex { namesIndex = UInt64(sectionLink(first)) }
        }
        guard count <= ELFLimit.sectionCount else { throw .malformed(.sectionHeaderCount) }
        let entries = try sectionFields(in: source, count: count, entrySize: entrySize)

        var impliedSize: UInt64 = 0
        for entry in entries where entry.u32(at: 4) != Self.noBits {
            impliedSize = max(
                impliedSize,
                try endOfContents(at: sectionOffset(entry), size: sectionSize(entry))
            )
        }
        guard impliedSize <= source.size else { throw .cutShort(impliedSize: impliedSize) }

        var names: [UInt8] = []
        if namesIndex > 0, namesIndex < UInt64(entries.count) {
            let table = entries[Int(namesIndex)]
            let size = min(sectionSize(table), ELFLimit.sectionNameTableSize)
            // A table that says it takes no space has no names either.
            if table.u32(at: 4) != Self.noBits {
                names = try source.elfBytes(at: sectionOffset(table), length: size)
            }
        }
        return entries.map { entry in
            ELFSection(
                name: names.string(at: UInt64(entry.u32(at: 0))) ?? "",
                type: entry.u32(at: 4),
                offset: sectionOffset(entry),
                size: sectionSize(entry)
            )
        }
    }

    private func sectionFields(
        in source: borrowing some ByteSource,
        count: UInt64,
        entrySize: Int
    ) throws(ELFError) -> [FieldReader] {
        let table = try source.elfBytes(at: sectionHeaders.offset, length: count * UInt64(entrySize))
        return stride(from: 0, to: table.count, by: entrySize).map { start in
            let entry = Array(table[start..<start + entrySize])
            return FieldReader(bytes: entry, order: byteOrder, wordSize: wordSize)
        }
    }

    // Name and type take four bytes each; flags, address, offset and size a word each; link follows.
    private func sectionOffset(_ entry: FieldReader) -> UInt64 {
        entry.word(at: wordSize == .bits32 ? 16 : 24)
    }
    private func sectionSize(_ entry: FieldReader) -> UInt64 { entry.word(at: wordSize == .bits32 ? 20 : 32) }
    private func sectionLink(_ entry: FieldReader) -> UInt32 { entry.u32(at: wordSize == .bits32 ? 24 : 40) }
}

extension [UInt8] {
    /// The string from `offset` up to the next NUL, or nil without one within the longest name that is read.
    func string(at offset: UInt64) -> String? {
        guard offset < UInt64(count) else { return nil }
        let rest = self[Int(offset)...].prefix(Int(ELFLimit.nameLength))
        guard let end = rest.firstIndex(of: 0) else { return nil }
        return String(decoding: rest[..<end], as: UTF8.self)
    }
}
