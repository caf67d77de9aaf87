extension ELFHeader {
    /// Reads which version of its architecture a program needs, under the name that image platforms have for it.
    ///
    /// - Returns: nil but for 32-bit Arm: no other architecture has variants that clients agree on.
    /// - Throws: Only what the source throws.
    func variant(
        go: GoBuildInfo?,
        _ sections: [ELFSection],
        in source: borrowing some ByteSource
    ) throws(ByteSourceError) -> String? {
        guard architecture == .arm else { return nil }
        // Go writes the same header, and no attributes, whatever it builds for.
        if let setting = go?.settings["GOARM"] {
            // What follows a comma is how it computes with fractions.
            return switch setting.prefix(while: { $0 != "," }) {
            case "5": "v5"
            case "6": "v6"
            case "7": "v7"
            default: nil
            }
        }
        let attributesType: UInt32 = 0x7000_0003
        guard let section = sections.first(where: { $0.type == attributesType }),
            // Real ones have under a hundred bytes.
            let bytes = try source.bytesIfPresent(
                at: section.offset,
                length: min(section.size, ELFLimit.noteSize)
            )
        else { return nil }
        return ArmAttributes(bytes, order: byteOrder).variant
    }
}

/// What Arm's compilers write down about a program, in the section `.ARM.attributes`.
///
/// - SeeAlso: Addenda to, and Errata in, the ABI for the Arm Architecture, section 3
struct ArmAttributes: Hashable {
    fileprivate enum Tag {
        static let file: UInt64 = 1
        static let processorRawName: UInt64 = 4
        static let processorName: UInt64 = 5
        static let processorArchitecture: UInt64 = 6
        static let compatibility: UInt64 = 32
    }

    /// Tag_CPU_arch: the architecture that the program needs at least.
    let processorArchitecture: UInt64?

    /// The name of the architecture in image platforms; nil for those of microcontrollers, and unknown ones.
    var variant: String? {
        switch processorArchitecture {
        // Pre-v4, v4 and v4T are older than any that images name, and run on v5.
        case 0, 1, 2, 3, 4, 5: "v5"
        case 6, 7, 8, 9: "v6"
        case 10: "v7"
        case 14: "v8"
        default: nil
        }
    }

    /// Reads as far as the contents make sense.
    init(_ bytes: [UInt8], order: ByteOrder) {
        var found: UInt64?
        var rest = bytes[...]
        // A version, then a part for each vendor: its length, itself included, and the vendor's name.
        if rest.popFirst() == UInt8(ascii: "A") {
            while found == nil, let part = Self.part(&rest, order: order, headerSize: 0) {
                guard let end = part.firstIndex(of: 0), part[..<end].elementsEqual("aeabi".utf8) else {
                    continue
                }
                found = Self.processorArchitecture(in: part[(end + 1)...], order: order)
            }
        }
        processorArchitecture = found
    }

    /// Takes a part off that begins, behind a header, with its own length.
    private static func part(
        _ rest: inout ArraySlice<UInt8>,
        order: ByteOrder,
        headerSize: Int
    ) -> ArraySlice<UInt8>? {
        let fieldEnd = headerSize + 4
        guard rest.count >= fieldEnd else { return nil }
        let field = FieldReader(bytes: Array(rest.prefix(fieldEnd)), order: order, wordSize: .bits32)
        let length = Int(field.u32(at: headerSize))
        guard length >= fieldEnd, length <= rest.count else { return nil }
        defer { rest = rest.dropFirst(length) }
        return rest.prefix(length).dropFirst(fieldEnd)
    }

    /// Looks through the attributes that hold for the whole file.
    private static func processorArchitecture(in vendor: ArraySlice<UInt8>, order: ByteOrder) -> UInt64? {
        var rest = vendor
        while let kind = rest.first {
            guard let part = part(&rest, order: order, headerSize: 1) else { return nil }
            guard UInt64(kind) == Tag.file else { continue }
            var attributes = LEB128Reader(bytes: Array(part))
            while let tag = attributes.next() {
                if tag == Tag.processorArchitecture { return attributes.next() }
                guard attributes.skip(tag) else { return nil }
            }
        }
        return nil
    }
}

extension LEB128Reader {
    /// Passes over an attribute's value: a number, a text, or a number and a text.
    fileprivate mutating func skip(_ tag: UInt64) -> Bool {
        typealias Tag = ArmAttributes.Tag
        let isCompatibility = tag == Tag.compatibility
        // Texts have their own two numbers below 32, and the odd ones above.
        let isText =
            tag == Tag.processorRawName || tag == Tag.processorName
            || (tag > Tag.compatibility && tag % 2 == 1)
        if !isText, next() == nil { return false }
        guard isText || isCompatibility else { return true }
        guard let end = bytes[position...].firstIndex(of: 0) else { return false }
        position = end + 1
        return true
    }
}
