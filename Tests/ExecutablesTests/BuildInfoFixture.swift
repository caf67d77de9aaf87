@testable import Executables

/// A program with build information as Go's linker writes it, in either format.
struct BuildInfoFixture {
    enum Format: CaseIterable {
        /// The texts follow the header, since Go 1.18.
        case inline
        /// The header has pointers to the texts, before it.
        case pointers
    }

    enum Place: CaseIterable {
        case section
        /// Without section headers.
        case segment
    }

    var wordSize = ELFClass.bits64
    var byteOrder = ByteOrder.little
    var format = Format.inline
    var place = Place.section
    var version = "go1.27.3"
    var modules = "path\texample.com/app\n"
    /// In place of the texts' own sizes.
    var versionSize: UInt64?
    var modulesSize: UInt64?
    /// What stands before the block, in its section or segment.
    var padding = 0

    static let sentinels = (
        first: [UInt8](repeating: 0xF1, count: 16), last: [UInt8](repeating: 0xF2, count: 16)
    )

    static let magic: [UInt8] = [0xFF] + Array(" Go buildinf:".utf8)

    func bytes() -> [UInt8] {
        var elf = ELFFixture(wordSize: wordSize, byteOrder: byteOrder, machine: 8)
        let version = Array(version.utf8)
        let modules = modules.isEmpty ? [] : Self.sentinels.first + Array(modules.utf8) + Self.sentinels.last
        let before = [UInt8](repeating: 0, count: padding)
        switch format {
        case .inline:
            let block =
                before + Self.magic + [UInt8(wordSize == .bits32 ? 4 : 8), 2]
                + [UInt8](repeating: 0, count: 16)
                + Self.leb128(versionSize ?? UInt64(version.count)) + version
                + Self.leb128(modulesSize ?? UInt64(modules.count)) + modules
            if place == .section { elf.sections = [(".go.buildinfo", block)] } else { elf.data = block }
        case .pointers:
            // The segment's size does not depend on what is in it, nor does its address.
            elf.data = [0]
            let address = elf.dataAddress
            let strings = 2 * (wordSize == .bits32 ? 8 : 16)
            let blockSize = before.count + 32
            let stringsAt = place == .segment ? blockSize : 0
            let textsAt = stringsAt + strings
            let block =
                before + Self.magic + [UInt8(wordSize == .bits32 ? 4 : 8), byteOrder == .big ? 1 : 0]
                + elf.word(address + UInt64(stringsAt)) + elf.word(address + UInt64(stringsAt + strings / 2))
                + [UInt8](repeating: 0, count: wordSize == .bits32 ? 8 : 0)
            let headers =
                elf.word(address + UInt64(textsAt)) + elf.word(versionSize ?? UInt64(version.count))
                + elf.word(address + UInt64(textsAt + version.count))
                + elf.word(modulesSize ?? UInt64(modules.count))
            elf.data = (place == .segment ? block : []) + headers + version + modules
            if place == .section { elf.sections = [(".go.buildinfo", block)] }
        }
        return elf.bytes()
    }

    static func leb128(_ value: UInt64) -> [UInt8] {
        var (rest, bytes): (UInt64, [UInt8]) = (value, [])
        repeat {
            bytes.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        return bytes
    }

    static let all: [BuildInfoFixture] = [ELFClass.bits32, .bits64].flatMap { wordSize in
        [ByteOrder.little, .big].flatMap { order in
            Format.allCases.flatMap { format in
                Place.allCases.map { place in
                    BuildInfoFixture(wordSize: wordSize, byteOrder: order, format: format, place: place)
                }
            }
        }
    }
}

/// What a file that runs tells about how it was built.
func buildInfo(of file: [UInt8]) throws -> BuildInfo {
    switch try ExecutableVerdict(of: file) {
    case .runnable(let executable): return executable.buildInfo
    case .refused(let refusal): throw Unexpected(refusal)
    }
}
