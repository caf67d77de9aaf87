@testable import Executables

/// An ELF file made field by field, for machines that no compiler at hand builds for and for hostile headers.
struct ELFFixture {
    var wordSize = ELFClass.bits64
    var byteOrder = ByteOrder.little
    var osABI: UInt8 = 0
    var type: UInt16 = 2
    var machine: UInt16 = 62
    var flags: UInt32 = 0
    var interpreter: String?
    /// DT_NEEDED; together with the two below they decide whether there is a dynamic section.
    var libraries: [String] = []
    var sharedObjectName: String?
    var isPositionIndependentExecutable = false
    var noteOwners: [String] = []
    /// The description of a note about the package, in PT_NOTE.
    var packageNote: [UInt8]?
    /// The contents of a writable segment, loaded at ``dataAddress``.
    var data: [UInt8] = []
    /// Names and contents of sections; none means no section headers.
    var sections: [(name: String, contents: [UInt8])] = []
    /// sh_type of those that are not ordinary contents.
    var sectionTypes: [String: UInt32] = [:]
    var code: [UInt8] = [0x90, 0x90, 0xF4]

    private static let address: UInt64 = 0x40_0000

    /// The file: header, program headers, contents, and the section headers last.
    func bytes() -> [UInt8] {
        let word = wordSize == .bits32 ? 4 : 8
        let headerSize = wordSize == .bits32 ? 52 : 64
        let segmentSize = wordSize == .bits32 ? 32 : 56
        let sectionSize = wordSize == .bits32 ? 40 : 64

        var contents: [UInt8] = []
        var segments: [(type: UInt32, flags: UInt32, offset: Int, size: Int)] = []
        let start = headerSize + segmentCount * segmentSize
        func append(_ bytes: [UInt8], type: UInt32, flags: UInt32 = 5) {
            segments.append((type, flags, start + contents.count, bytes.count))
            contents += bytes
        }
        if !data.isEmpty { append(data, type: 1, flags: 6) }
        if let interpreter { append(Array(interpreter.utf8) + [0], type: 3) }
        if hasNotes {
            let package = packageNote.map { note(owner: "FDO", type: 0xCAFE_1A7E, description: $0) } ?? []
            append(noteOwners.flatMap { note(owner: $0) } + package, type: 4)
        }
        if hasDynamicSection {
            let strings = start + contents.count
            contents += stringTable.bytes
            append(dynamicSection(stringsAt: strings), type: 2)
        }
        let entry = start + contents.count
        contents += code

        var names: [UInt8] = [0]
        var headers: [[UInt8]] = []
        if !sections.isEmpty {
            headers.append([UInt8](repeating: 0, count: sectionSize))
            for section in sections + [(".shstrtab", [])] {
                let name = names.count
                names += Array(section.name.utf8) + [0]
                let body = section.name == ".shstrtab" ? names : section.contents
                headers.append(
                    number(UInt32(name)) + number(sectionTypes[section.name] ?? 1) + self.word(0)
                        + self.word(0)
                        + self.word(UInt64(start + contents.count)) + self.word(UInt64(body.count))
                        + number(UInt32(0)) + number(UInt32(0)) + self.word(1) + self.word(0)
                )
                contents += body
            }
        }
        segments.insert((1, 5, 0, start + contents.count), at: 0)

        var file: [UInt8] = [
            0x7F, 0x45, 0x4C, 0x46, wordSize.rawValue, byteOrder == .little ? 1 : 2, 1, osABI,
        ]
        file += [UInt8](repeating: 0, count: 8)
        file += number(type) + number(machine) + number(UInt32(1))
        file += self.word(Self.address + UInt64(entry)) + self.word(UInt64(headerSize))
        file += self.word(headers.isEmpty ? 0 : UInt64(start + contents.count)) + number(flags)
        file += number(UInt16(headerSize)) + number(UInt16(segmentSize)) + number(UInt16(segments.count))
        file += number(UInt16(headers.isEmpty ? 0 : sectionSize)) + number(UInt16(headers.count))
        file += number(UInt16(max(0, headers.count - 1)))
        precondition(file.count == headerSize && word * 2 <= 16)
        for segment in segments {
            let place = self.word(UInt64(segment.offset)) + self.word(Self.address + UInt64(segment.offset))
            let sizes = self.word(UInt64(segment.size)) + self.word(UInt64(segment.size))
            let flags = number(segment.flags)
            let address = self.word(Self.address + UInt64(segment.offset))
            file += number(segment.type) + (wordSize == .bits64 ? flags : []) + place + address + sizes
            file += (wordSize == .bits32 ? flags : []) + self.word(4096)
        }
        return file + contents + headers.flatMap(\.self)
    }

    /// Where ``data`` is in memory: it stands first behind the headers.
    var dataAddress: UInt64 {
        Self.address + UInt64(wordSize == .bits32 ? 52 + segmentCount * 32 : 64 + segmentCount * 56)
    }

    private var segmentCount: Int {
        1 + [!data.isEmpty, interpreter != nil, hasDynamicSection, hasNotes].count(where: \.self)
    }

    private var hasNotes: Bool { !noteOwners.isEmpty || packageNote != nil }

    private var hasDynamicSection: Bool {
        !libraries.isEmpty || sharedObjectName != nil || isPositionIndependentExecutable
    }

    private var stringTable: (bytes: [UInt8], offsets: [Int]) {
        var bytes: [UInt8] = [0]
        var offsets: [Int] = []
        for string in libraries + [sharedObjectName].compactMap(\.self) {
            offsets.append(bytes.count)
            bytes += Array(string.utf8) + [0]
        }
        return (bytes, offsets)
    }

    private func dynamicSection(stringsAt strings: Int) -> [UInt8] {
        let (table, offsets) = stringTable
        var entries: [(UInt64, UInt64)] = zip(libraries, offsets).map { (1, UInt64($1)) }
        if sharedObjectName != nil, let last = offsets.last { entries.append((14, UInt64(last))) }
        entries.append((5, Self.address + UInt64(strings)))
        entries.append((10, UInt64(table.count)))
        if isPositionIndependentExecutable { entries.append((0x6FFF_FFFB, 0x0800_0000)) }
        entries.append((0, 0))
        return entries.flatMap { word($0.0) + word($0.1) }
    }

    private func note(owner: String, type: UInt32 = 1, description: [UInt8] = [1, 2, 3, 4]) -> [UInt8] {
        let name = Array(owner.utf8) + [0]
        return number(UInt32(name.count)) + number(UInt32(description.count)) + number(type)
            + padded(name) + padded(description)
    }

    private func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
    }

    func word(_ value: UInt64) -> [UInt8] {
        wordSize == .bits32 ? number(UInt32(truncatingIfNeeded: value)) : number(value)
    }

    func number(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: byteOrder == .little ? value.littleEndian : value.bigEndian) { Array($0) }
    }
}
