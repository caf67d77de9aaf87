/// A program header: a part of the file that the system reads or maps to run it.
///
/// - SeeAlso: System V ABI, chapter 5, "Program Header"
package struct ELFSegment: Hashable, Sendable {
    /// What the segment is for, where this reader cares.
    package enum Kind: Hashable, Sendable {
        /// PT_LOAD: mapped into memory.
        case load
        /// PT_DYNAMIC: the table that the dynamic linker reads.
        case dynamic
        /// PT_INTERP: the path of the dynamic linker.
        case interpreter
        /// PT_NOTE: named notes, such as the build's identity.
        case note
        case other(UInt32)

        init(_ type: UInt32) {
            self =
                switch type {
                case 1: .load
                case 2: .dynamic
                case 3: .interpreter
                case 4: .note
                default: .other(type)
                }
        }
    }

    package let kind: Kind
    /// p_flags: 1 executable, 2 writable, 4 readable.
    package let flags: UInt32
    package let offset: UInt64
    package let address: UInt64
    package let fileSize: UInt64
    package let memorySize: UInt64

    init(_ fields: FieldReader) {
        kind = Kind(fields.u32(at: 0))
        switch fields.wordSize {
        case .bits32:
            offset = fields.word(at: 4)
            address = fields.word(at: 8)
            fileSize = fields.word(at: 16)
            memorySize = fields.word(at: 20)
            flags = fields.u32(at: 24)
        case .bits64:
            flags = fields.u32(at: 4)
            offset = fields.word(at: 8)
            address = fields.word(at: 16)
            fileSize = fields.word(at: 32)
            memorySize = fields.word(at: 40)
        }
    }
}

extension ELFHeader {
    /// Reads the program headers, which Linux loads only when they have exactly the class's size and fit in
    /// 64 KiB.
    ///
    /// - Throws: ``ELFError/cutShort(impliedSize:)`` also when a segment's contents lie beyond the end.
    package func segments(in source: borrowing some ByteSource) throws(ELFError) -> [ELFSegment] {
        guard programHeaders.count > 0 else { return [] }
        let entrySize = wordSize == .bits32 ? 32 : 56
        guard Int(programHeaders.entrySize) == entrySize else { throw .malformed(.programHeaderSize) }
        let tableSize = UInt64(programHeaders.count) * UInt64(entrySize)
        // Also covers PN_XNUM (0xffff), by which a core file keeps a larger count in section 0.
        guard tableSize <= ELFLimit.programHeaderTableSize else { throw .malformed(.programHeaderCount) }
        let table = try source.elfBytes(at: programHeaders.offset, length: tableSize)

        var segments: [ELFSegment] = []
        var impliedSize: UInt64 = 0
        for start in stride(from: 0, to: table.count, by: entrySize) {
            let entry = Array(table[start..<start + entrySize])
            let segment = ELFSegment(FieldReader(bytes: entry, order: byteOrder, wordSize: wordSize))
            impliedSize = max(impliedSize, try endOfContents(at: segment.offset, size: segment.fileSize))
            segments.append(segment)
        }
        guard impliedSize <= source.size else { throw .cutShort(impliedSize: impliedSize) }
        return segments
    }

    /// Where contents end in the file; empty ones take no space wherever their offset points.
    func endOfContents(at offset: UInt64, size: UInt64) throws(ELFError) -> UInt64 {
        guard size > 0 else { return 0 }
        let (end, overflow) = offset.addingReportingOverflow(size)
        guard !overflow, end <= ELFLimit.fileSize else { throw .malformed(.impossibleOffset) }
        return end
    }
}

extension [ELFSegment] {
    /// The place in the file of an address that a segment loads from the file.
    func fileOffset(ofAddress address: UInt64) -> UInt64? {
        for segment in self where segment.kind == .load && address >= segment.address {
            let distance = address - segment.address
            // The sum cannot overflow: the contents' end was checked when the headers were read.
            if distance < segment.fileSize { return segment.offset + distance }
        }
        return nil
    }
}
