/// Reads a tar archive as its bytes come: ustar, pax, GNU's and the old format without a magic.
///
/// Memory is bounded: the names and records of one member, and what of a block has come.
///
/// - SeeAlso: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar, "Basic Tar Format"
package struct TarReader: Sendable {
    package enum Event: Hashable, Sendable {
        /// A member begins.
        case member(TarHeader)
        /// The next of its bytes; a file's come in several pieces, which together have the size that was said.
        case contents(ArraySlice<UInt8>)
    }

    /// How large the names and records before one header may be together, in bytes.
    ///
    /// Linux takes no path longer than 4 KiB; extended attributes, which are skipped, may have 64 KiB each.
    package static let maximumRecordsSize = 1_048_576

    private enum State {
        case header
        /// Contents of a member: what is left of them, and of the zeros behind them.
        case contents(left: UInt64, padding: Int)
        /// Names or records, gathered until they are whole.
        case records(TarBlock, left: Int, padding: Int)
        /// Behind the first block of zeros.
        case end
    }

    private var state = State.header
    /// Of what is being read now.
    private var offset: UInt64 = 0
    private var block: [UInt8] = []
    private var records: [UInt8] = []
    private var attributes = TarAttributes()
    private var globalAttributes = TarAttributes()
    private var recordsSize = 0

    package init() {}

    /// Takes the next bytes of the archive and gives what they tell, in order.
    ///
    /// What stands behind the end of the archive is ignored, as tar ignores it.
    package mutating func append(_ bytes: [UInt8]) throws(TarReaderError) -> [Event] {
        var events: [Event] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let before = rest.count
            switch state {
            case .header: try takeHeader(from: &rest, &events)
            case .contents(let left, let padding):
                let part = rest.prefix(Int(clamping: left))
                if !part.isEmpty { events.append(.contents(part)) }
                rest = rest.dropFirst(part.count)
                let leftAfter = left - UInt64(part.count)
                let skipped = leftAfter == 0 ? min(padding, rest.count) : 0
                rest = rest.dropFirst(skipped)
                state =
                    leftAfter == 0 && padding == skipped
                    ? .header : .contents(left: leftAfter, padding: padding - skipped)
            case .records(let header, let left, let padding):
                let part = rest.prefix(left)
                records += part
                rest = rest.dropFirst(part.count)
                let skipped = left == part.count ? min(padding, rest.count) : 0
                rest = rest.dropFirst(skipped)
                state = .records(header, left: left - part.count, padding: padding - skipped)
                if left == part.count, padding == skipped { try takeRecords(of: header) }
            case .end: return events
            }
            offset += UInt64(before - rest.count)
        }
        return events
    }

    /// Passes over what is left of a member's contents, and says how many bytes of the archive these are, with the zeros
    /// behind them.
    ///
    /// For whoever can go on reading elsewhere: the next bytes to append are those behind.
    package mutating func skipContents() -> UInt64 {
        guard case .contents(let left, let padding) = state else { return 0 }
        let count = left + UInt64(padding)
        offset += count
        state = .header
        return count
    }

    /// Checks that the archive is whole.
    package func finish() throws(TarReaderError) {
        guard case .end = state else {
            throw offset < UInt64(Tar.blockSize) ? .notAnArchive : .cutShort
        }
    }

    /// Whether a file may be an archive, as its first block tells, or as much of it as there is.
    package static func recognises(beginning: some Collection<UInt8>) -> Bool {
        let block = Array(beginning.prefix(Tar.blockSize))
        if block.count >= 262, block[257..<262].elementsEqual("ustar".utf8) { return true }
        guard block.count == Tar.blockSize else { return false }
        // The old format has no magic, but a checksum.
        return (try? TarBlock(block, offset: 0)).flatMap(\.self) != nil
    }

    /// Whether the block of zeros has come that ends an archive.
    package var isAtEnd: Bool { if case .end = state { true } else { false } }

    private mutating func takeHeader(
        from rest: inout ArraySlice<UInt8>,
        _ events: inout [Event]
    ) throws(TarReaderError) {
        let start = offset - UInt64(block.count)
        let part = rest.prefix(Tar.blockSize - block.count)
        block += part
        rest = rest.dropFirst(part.count)
        guard block.count == Tar.blockSize else { return }
        let header = try TarBlock(block, offset: start)
        block.removeAll(keepingCapacity: true)
        guard let header else {
            // Names that belong to no member.
            guard recordsSize == 0 else { throw .malformedHeader(offset: start) }
            state = .end
            return
        }
        if header.isRecords {
            recordsSize += Int(clamping: header.size)
            guard header.size <= UInt64(Self.maximumRecordsSize), recordsSize <= Self.maximumRecordsSize
            else {
                throw .recordsTooLarge(offset: start)
            }
            let padding = Tar.paddingSize(afterContentsOfSize: header.size)
            state = .records(header, left: Int(header.size), padding: padding)
            if header.size == 0 { try takeRecords(of: header) }
            return
        }
        let member = try header.member(attributes, global: globalAttributes)
        attributes = TarAttributes()
        recordsSize = 0
        events.append(.member(member))
        let padding = Tar.paddingSize(afterContentsOfSize: member.size)
        if member.size > 0 { state = .contents(left: member.size, padding: padding) }
    }

    private mutating func takeRecords(of header: TarBlock) throws(TarReaderError) {
        switch header.type {
        case UInt8(ascii: "L"): attributes.path = try header.name(records)
        case UInt8(ascii: "K"): attributes.linkTarget = try header.name(records)
        case UInt8(ascii: "g"):
            try globalAttributes.take(records, of: header)
            recordsSize -= Int(header.size)
        default: try attributes.take(records, of: header)
        }
        records = []
        state = .header
    }
}
