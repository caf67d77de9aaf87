/// Something that a tool chain or system has signed a file with.
struct ELFNote {
    let owner: String
    /// What the description is, in the owner's numbering.
    let type: UInt32
    let description: ArraySlice<UInt8>
}

extension ELFHeader {
    /// The path in PT_INTERP, by which Linux finds the dynamic linker; nil where there is none.
    package func interpreter(
        of segments: [ELFSegment],
        in source: borrowing some ByteSource
    ) throws(ELFError) -> String? {
        guard let segment = segments.first(where: { $0.kind == .interpreter }) else { return nil }
        let length = min(segment.fileSize, ELFLimit.interpreterPathLength)
        let path = try source.elfBytes(at: segment.offset, length: length).prefix { $0 != 0 }
        return String(decoding: path, as: UTF8.self)
    }

    /// The owners' names in PT_NOTE, such as `GNU`, `Go` or `FreeBSD`, by which tool chains and systems sign.
    package func noteOwners(
        of segments: [ELFSegment],
        in source: borrowing some ByteSource
    ) throws(ELFError) -> Set<String> {
        var owners: Set<String> = []
        for segment in segments.filter({ $0.kind == .note }).prefix(ELFLimit.noteSegmentCount) {
            let length = min(segment.fileSize, ELFLimit.noteSize)
            let bytes = try source.elfBytes(at: segment.offset, length: length)
            owners.formUnion(notes(in: bytes).map(\.owner))
        }
        return owners
    }

    /// The notes in the contents of a segment or section, up to the first that does not fit.
    func notes(in bytes: [UInt8]) -> [ELFNote] {
        let fields = FieldReader(bytes: bytes, order: byteOrder, wordSize: wordSize)
        var notes: [ELFNote] = []
        var offset = 0
        // Sizes of name and description, a type, then both, each padded to four bytes.
        while offset + 12 <= bytes.count {
            let (nameSize, descriptionSize) = (Int(fields.u32(at: offset)), Int(fields.u32(at: offset + 4)))
            let description = offset + 12 + padded(nameSize)
            let next = description + padded(descriptionSize)
            guard next <= bytes.count else { break }
            let name = bytes[offset + 12..<offset + 12 + nameSize].prefix { $0 != 0 }
            notes.append(
                ELFNote(
                    owner: String(decoding: name, as: UTF8.self),
                    type: fields.u32(at: offset + 8),
                    description: bytes[description..<description + descriptionSize]
                )
            )
            offset = next
        }
        return notes
    }

    private func padded(_ size: Int) -> Int { (size + 3) & ~3 }
}
