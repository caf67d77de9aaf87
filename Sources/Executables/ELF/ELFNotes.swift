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
    ///
    /// Notes end at the first that does not fit its segment.
    package func noteOwners(
        of segments: [ELFSegment],
        in source: borrowing some ByteSource
    ) throws(ELFError) -> Set<String> {
        var owners: Set<String> = []
        for segment in segments.filter({ $0.kind == .note }).prefix(ELFLimit.noteSegmentCount) {
            let length = min(segment.fileSize, ELFLimit.noteSize)
            let bytes = try source.elfBytes(at: segment.offset, length: length)
            let fields = FieldReader(bytes: bytes, order: byteOrder, wordSize: wordSize)
            var offset = 0
            // Sizes of name and description, a type, then both, each padded to four bytes.
            while offset + 12 <= bytes.count {
                let nameSize = Int(fields.u32(at: offset))
                let next = offset + 12 + padded(nameSize) + padded(Int(fields.u32(at: offset + 4)))
                guard next <= bytes.count else { break }
                let name = bytes[offset + 12..<offset + 12 + nameSize].prefix { $0 != 0 }
                owners.insert(String(decoding: name, as: UTF8.self))
                offset = next
            }
        }
        return owners
    }

    private func padded(_ size: Int) -> Int { (size + 3) & ~3 }
}
