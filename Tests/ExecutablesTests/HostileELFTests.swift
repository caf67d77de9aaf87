import Testing

@testable import Executables

@Suite("Damaged and hostile ELF files")
struct HostileELFTests {
    /// Files of both widths and byte orders with everything that an inspection reads.
    static let fixtures: [ELFFixture] = [ELFClass.bits32, .bits64].flatMap { wordSize in
        [ByteOrder.little, .big].map { order in
            ELFFixture(
                wordSize: wordSize,
                byteOrder: order,
                type: 3,
                machine: 8,
                isPositionIndependentExecutable: true,
                noteOwners: ["GNU", "Berth"],
                sections: [(".text", [1, 2, 3]), (".comment", Array("GCC: 12\0".utf8))]
            )
        }
    }

    @Test("A file cut at any offset is refused, as cut short wherever its magic is left", arguments: fixtures)
    func truncation(fixture: ELFFixture) throws {
        let whole = fixture.bytes()
        guard case .runnable = try ExecutableVerdict(of: whole) else { throw Unexpected("refused") }
        for length in 0..<whole.count {
            let refusal = try refusal(of: Array(whole[..<length]))
            let expected: ExecutableRefusal.Reason =
                switch length {
                case 0: .empty
                case 1...3: .unknownFormat
                default: .cutShort
                }
            #expect(refusal.reason == expected, "cut at \(length)")
        }
    }

    @Test("A file with any one bit flipped has a verdict", arguments: fixtures)
    func bitFlips(fixture: ELFFixture) throws {
        let whole = fixture.bytes()
        for bit in 0..<whole.count * 8 {
            var file = whole
            file[bit / 8] ^= 1 << (bit % 8)
            _ = try ExecutableVerdict(of: file)
            _ = ExecutableVerdict.earlyRefusal(beginning: file, size: UInt64(file.count))
        }
    }

    @Test("Random headers have a verdict", arguments: [UInt64.random(in: 0...UInt64.max)])
    func randomBytes(seed: UInt64) throws {
        // A trap would end the process before the argument is reported.
        print("random headers, seed \(seed)")
        var random = SplitMix64(seed: seed)
        for _ in 0..<4_000 {
            var file = Self.fixtures.randomElement(using: &random)?.bytes() ?? []
            // Whole fields rather than bytes, so that the extremes come up.
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let width = [1, 2, 4, 8].randomElement(using: &random) ?? 1
                let start = Int.random(in: 0...file.count - width, using: &random)
                let extremes: [UInt64] = [
                    0, 1, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, .max >> 1, .max, .max - 15,
                ]
                let value =
                    Bool.random(using: &random) ? random.next() : extremes.randomElement(using: &random) ?? 0
                for index in 0..<width {
                    file[start + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
                }
            }
            _ = try ExecutableVerdict(of: file)
        }
        for _ in 0..<4_000 {
            let noise = (0..<Int.random(in: 0...700, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = try ExecutableVerdict(of: noise)
            _ = try ExecutableVerdict(of: ELFHeader.magic + noise)
        }
    }

    static let unreachable: [UInt64] = [.max, .max - 7, 1 << 63, 1 << 61]

    @Test("Sums that overflow are damage, not a trap", arguments: unreachable)
    func overflow(value: UInt64) throws {
        let little = (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        let whole = ELFFixture(sections: [(".text", [1])]).bytes()
        // e_phoff, e_shoff, and the first program header's p_offset and p_filesz.
        for offset in [32, 40, 64 + 8, 64 + 32] {
            var file = whole
            file.replaceSubrange(offset..<offset + 8, with: little)
            let refusal = try refusal(of: file)
            #expect(refusal.reason == .malformed, "at \(offset)")
        }
    }

    @Test("Header tables of a size that Linux does not load are damage")
    func tables() throws {
        let whole = ELFFixture(sections: [(".text", [1])]).bytes()
        // e_phentsize, e_phnum beyond 64 KiB of headers, e_shentsize.
        for (offset, value) in [(54, UInt8(55)), (57, 0xFF), (58, 63)] {
            var file = whole
            file[offset] = value
            #expect(try refusal(of: file).reason == .malformed, "at \(offset)")
        }
    }

    @Test("A section count kept in section 0 is read from there, and bounded")
    func extendedSectionCount() throws {
        var file = ELFFixture(sections: [(".text", [1]), (".data", [2])]).bytes()
        let sections = file.count - 4 * 64
        file.replaceSubrange(60..<64, with: [0, 0, 0xFF, 0xFF])
        file[sections + 32] = 4
        file[sections + 40] = 3
        let header = try ELFHeader(file)
        #expect(try header.sections(in: file).map(\.name) == ["", ".text", ".data", ".shstrtab"])
        file.replaceSubrange(sections + 32..<sections + 40, with: [UInt8](repeating: 0xFF, count: 8))
        #expect(throws: ELFError.malformed(.sectionHeaderCount)) { try header.sections(in: file) }
    }

    @Test("A dynamic section without an end is damage")
    func endlessDynamicSection() throws {
        var fixture = ELFFixture(type: 3, isPositionIndependentExecutable: true)
        fixture.code = [UInt8](repeating: 1, count: 100_000)
        var file = fixture.bytes()
        // The second program header is PT_DYNAMIC: make it cover the code, none of which is DT_NULL.
        let start = file.count - 100_000
        file.replaceSubrange(
            64 + 56 + 8..<64 + 56 + 16,
            with: (0..<8).map { UInt8(truncatingIfNeeded: start >> (8 * $0)) }
        )
        file.replaceSubrange(64 + 56 + 32..<64 + 56 + 40, with: [0xA0, 0x86, 0x01, 0, 0, 0, 0, 0])
        #expect(try refusal(of: file).reason == .malformed)
    }
}

/// A generator that gives the same numbers for the same seed everywhere.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
