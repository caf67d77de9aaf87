extension TarEntry {
    /// The largest size that the header's eleven octal digits can say: one byte less than 8 GiB.
    private static let maximumSizeInHeader: UInt64 = 0o777_7777_7777

    private static let nameFieldSize = 100
    private static let prefixFieldSize = 155

    /// The header block, after a pax header where a path, a target or a size does not fit into it.
    package var header: [UInt8] {
        let name = kind == .directory ? path + "/" : path
        var records: [UInt8] = []
        let fields: (prefix: [UInt8], name: [UInt8])
        if let split = Self.split(name) {
            fields = split
        } else {
            records += Self.record("path", name)
            // What a reader without pax sees in its place.
            fields = ([], Array(name.utf8.filter { $0 < 0x80 }.prefix(Self.nameFieldSize)))
        }
        let target = kind.target ?? ""
        let fitsTarget = target.utf8.count <= Self.nameFieldSize && target.utf8.allSatisfy { $0 < 0x80 }
        if !fitsTarget { records += Self.record("linkpath", target) }
        if size > Self.maximumSizeInHeader { records += Self.record("size", String(size)) }

        let header = block(
            prefix: fields.prefix,
            name: fields.name,
            type: kind.type,
            size: size,
            target: fitsTarget ? Array(target.utf8) : []
        )
        guard !records.isEmpty else { return header }
        let recordsSize = UInt64(records.count)
        let extended = block(
            prefix: [],
            name: Array("PaxHeaders".utf8),
            type: UInt8(ascii: "x"),
            size: recordsSize
        )
        let padding = [UInt8](repeating: 0, count: Tar.paddingSize(afterContentsOfSize: recordsSize))
        return extended + records + padding + header
    }

    /// Cuts a name into the header's two fields; nil when it needs a pax record.
    private static func split(_ name: String) -> (prefix: [UInt8], name: [UInt8])? {
        let bytes = Array(name.utf8)
        // POSIX leaves the character set of these fields at ASCII; pax records are in UTF-8.
        guard bytes.allSatisfy({ $0 < 0x80 }) else { return nil }
        if bytes.count <= nameFieldSize { return ([], bytes) }
        // The slash between prefix and name is stored in neither. A directory's last slash is part of its
        // name.
        let slashes = bytes.indices.dropLast().filter { bytes[$0] == UInt8(ascii: "/") }
        let cut = slashes.first { $0 <= prefixFieldSize && bytes.count - $0 - 1 <= nameFieldSize }
        guard let cut else { return nil }
        return (Array(bytes[..<cut]), Array(bytes[(cut + 1)...]))
    }

    /// A pax record: its own length in decimal, a space, `keyword=value`, a newline.
    private static func record(_ keyword: String, _ value: String) -> [UInt8] {
        let rest = " \(keyword)=\(value)\n"
        var length = rest.utf8.count
        while length != rest.utf8.count + String(length).utf8.count {
            length = rest.utf8.count + String(length).utf8.count
        }
        return Array("\(length)\(rest)".utf8)
    }

    private func block(
        prefix: [UInt8],
        name: [UInt8],
        type: UInt8,
        size: UInt64,
        target: [UInt8] = []
    ) -> [UInt8] {
        var block: [UInt8] = []
        block.reserveCapacity(Tar.blockSize)
        func append(_ bytes: some Collection<UInt8>, fieldSize: Int) {
            block += bytes
            block += [UInt8](repeating: 0, count: fieldSize - bytes.count)
        }
        /// Octal digits, zeros before them, and a NUL behind.
        func append(octal value: UInt64, fieldSize: Int) {
            let digits = String(value, radix: 8).utf8
            block += [UInt8](repeating: UInt8(ascii: "0"), count: fieldSize - 1 - digits.count)
            append(digits, fieldSize: digits.count + 1)
        }
        append(name, fieldSize: Self.nameFieldSize)
        append(octal: UInt64(mode), fieldSize: 8)
        append(octal: UInt64(owner), fieldSize: 8)
        append(octal: UInt64(owner), fieldSize: 8)
        append(octal: size > Self.maximumSizeInHeader ? 0 : size, fieldSize: 12)
        append(octal: 0, fieldSize: 12)
        let checksum = block.count
        append(String(repeating: " ", count: 8).utf8, fieldSize: 8)
        append([type], fieldSize: 1)
        append(target, fieldSize: Self.nameFieldSize)
        append("ustar\0".utf8, fieldSize: 6)
        append("00".utf8, fieldSize: 2)
        append([], fieldSize: 32)
        append([], fieldSize: 32)
        append(octal: 0, fieldSize: 8)
        append(octal: 0, fieldSize: 8)
        append(prefix, fieldSize: Self.prefixFieldSize)
        append([], fieldSize: Tar.blockSize - block.count)

        let sum = block.reduce(0) { $0 + UInt64($1) }
        let digits = String(sum, radix: 8).utf8
        let field =
            [UInt8](repeating: UInt8(ascii: "0"), count: 6 - digits.count) + digits + [0, UInt8(ascii: " ")]
        block.replaceSubrange(checksum..<checksum + 8, with: field)
        return block
    }
}
