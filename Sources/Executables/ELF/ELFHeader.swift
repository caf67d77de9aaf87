/// The width of a file's addresses (EI_CLASS).
package enum ELFClass: UInt8, Hashable, Sendable {
    case bits32 = 1
    case bits64 = 2
}

/// The header at the beginning of every ELF file.
///
/// - SeeAlso: System V ABI, chapter 4, "ELF Header"
package struct ELFHeader: Hashable, Sendable {
    package let wordSize: ELFClass
    package let byteOrder: ByteOrder
    /// EI_OSABI: the system that the file is meant for; 0 (unspecified) and 3 (GNU) on Linux.
    package let osABI: UInt8
    /// e_type: what kind of file this is.
    package let type: UInt16
    /// e_machine: the processor family.
    package let machine: UInt16
    /// e_flags: what the processor family's own ABI puts there.
    package let flags: UInt32
    /// The address at which the program starts.
    package let entry: UInt64
    let programHeaders: Table
    let sectionHeaders: Table
    /// The index of the section that holds the sections' names, as written (SHN_XINDEX stands for section 0's
    /// link).
    let sectionNamesIndex: UInt16

    /// Where a table is, as the header has it: the readers know which counts stand for one kept in section 0.
    struct Table: Hashable, Sendable {
        let offset: UInt64
        let entrySize: UInt16
        let count: UInt16
    }

    /// The bytes that every ELF file begins with.
    static let magic: [UInt8] = [0x7F, 0x45, 0x4C, 0x46]

    /// Reads the header at the beginning of `source`, which must begin with ``magic``.
    package init(_ source: borrowing some ByteSource) throws(ELFError) {
        let identification = try Self.read(16, from: source)
        guard let wordSize = ELFClass(rawValue: identification[4]) else { throw .malformed(.unknownClass) }
        self.wordSize = wordSize
        switch identification[5] {
        case 1: byteOrder = .little
        case 2: byteOrder = .big
        default: throw .malformed(.unknownByteOrder)
        }
        guard identification[6] == 1 else { throw .malformed(.unknownVersion) }
        osABI = identification[7]

        let size: UInt64 = wordSize == .bits32 ? 52 : 64
        let fields = FieldReader(
            bytes: try Self.read(size, from: source),
            order: byteOrder,
            wordSize: wordSize
        )
        type = fields.u16(at: 16)
        machine = fields.u16(at: 18)
        guard fields.u32(at: 20) == 1 else { throw .malformed(.unknownVersion) }
        // Behind the version come three words, then fields of the same width in either class.
        let word = wordSize == .bits32 ? 4 : 8
        let rest = 24 + 3 * word
        entry = fields.word(at: 24)
        flags = fields.u32(at: rest)
        programHeaders = Table(
            offset: fields.word(at: 24 + word),
            entrySize: fields.u16(at: rest + 6),
            count: fields.u16(at: rest + 8)
        )
        sectionHeaders = Table(
            offset: fields.word(at: 24 + 2 * word),
            entrySize: fields.u16(at: rest + 10),
            count: fields.u16(at: rest + 12)
        )
        sectionNamesIndex = fields.u16(at: rest + 14)
    }

    private static func read(
        _ size: UInt64,
        from source: borrowing some ByteSource
    ) throws(ELFError) -> [UInt8] {
        guard source.size >= size else { throw .cutShort(impliedSize: size) }
        return try source.elfBytes(at: 0, length: size)
    }
}

extension ByteSource {
    /// Reads bytes that a header speaks of: where they are missing, the file was cut short or the header
    /// lies.
    func elfBytes(at offset: UInt64, length: UInt64) throws(ELFError) -> [UInt8] {
        let (end, overflow) = offset.addingReportingOverflow(length)
        guard !overflow, end <= ELFLimit.fileSize else { throw .malformed(.impossibleOffset) }
        guard end <= size else { throw .cutShort(impliedSize: end) }
        do {
            return try bytes(in: offset..<end)
        } catch {
            throw .unreadable(error)
        }
    }
}
