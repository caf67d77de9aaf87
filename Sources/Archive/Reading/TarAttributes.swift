/// What stands before a header because it does not fit into one.
struct TarAttributes: Sendable {
    var path: String?
    var linkTarget: String?
    var size: UInt64?
    /// Whether the contents are a file without its holes.
    var isSparse = false

    /// Takes pax records: each its own length in decimal, a space, `keyword=value` and a newline.
    ///
    /// Those of other keywords are skipped. An empty value takes back what was said before.
    mutating func take(_ records: [UInt8], of header: TarBlock) throws(TarReaderError) {
        var rest = records[...]
        while !rest.isEmpty {
            guard let space = rest.prefix(Self.maximumLengthSize).firstIndex(of: UInt8(ascii: " ")),
                let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
                length > space - rest.startIndex + 1, length <= rest.count
            else { throw .malformedHeader(offset: header.offset) }
            let record = rest[(space + 1)..<(rest.startIndex + length)]
            rest = rest.dropFirst(length)
            guard record.last == UInt8(ascii: "\n"), let equals = record.firstIndex(of: UInt8(ascii: "=")),
                equals > record.startIndex
            else { throw .malformedHeader(offset: header.offset) }
            try set(record[..<equals], to: record[(equals + 1)...].dropLast(), of: header)
        }
    }

    /// Digits of the length of a record, and the space behind them.
    private static let maximumLengthSize = 9

    private mutating func set(
        _ keyword: ArraySlice<UInt8>,
        to value: ArraySlice<UInt8>,
        of header: TarBlock
    ) throws(TarReaderError) {
        switch String(decoding: keyword, as: UTF8.self) {
        case "path": path = value.isEmpty ? nil : try header.text(value)
        case "linkpath": linkTarget = value.isEmpty ? nil : try header.text(value)
        case "size":
            guard !value.isEmpty else { return size = nil }
            guard value.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = UInt64(String(decoding: value, as: UTF8.self)),
                number <= TarBlock.maximumSize
            else { throw .malformedHeader(offset: header.offset) }
            size = number
        case let keyword where keyword.hasPrefix("GNU.sparse."): isSparse = true
        default: break
        }
    }
}
