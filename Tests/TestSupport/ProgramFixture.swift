/// The smallest executables that Linux would load: a header, one segment and some bytes.
package enum ProgramFixture {
    /// A processor, by its number in ELF.
    package enum Machine: UInt16, CaseIterable, Sendable {
        case ppc64le = 21
        case amd64 = 62
        case arm64 = 183
        case riscv64 = 243
        case loong64 = 258

        /// What images call it.
        package var platform: String { "linux/\(self)" }
    }

    /// A static executable of 64 bits, little-endian; `text` tells it from others.
    ///
    /// With a `revision` it says, as Go programs do, which commit it was built from.
    package static func bytes(_ machine: Machine, _ text: String = "", revision: String? = nil) -> [UInt8] {
        let content = Array("program \(text)\n".utf8)
        let data = revision.map(goBuildInfo) ?? []
        let address: UInt64 = 0x40_0000
        let headers: UInt64 = 64 + 2 * 56
        let size = headers + UInt64(content.count)
        var bytes: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
        func append<Number: FixedWidthInteger>(_ numbers: Number...) {
            for number in numbers {
                bytes += (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
            }
        }
        // Type 2, an executable; version, entry, program headers, section headers, flags.
        append(UInt16(2), machine.rawValue)
        append(UInt32(1))
        append(address + headers, 64, 0)
        append(UInt32(0))
        // Sizes and counts: of this header, the program headers and the section headers.
        append(UInt16(64), 56, 2, 0, 0, 0)
        // Segments to load: one readable and executable, and one writable behind it.
        append(UInt32(1), 5)
        append(UInt64(0), address, address, size, size, 0x1000)
        append(UInt32(1), 6)
        append(size, address + size, address + size, UInt64(data.count), UInt64(data.count), 0x1000)
        return bytes + content + data
    }

    /// The block that Go's linker writes.
    private static func goBuildInfo(revision: String) -> [UInt8] {
        let sentinel = [UInt8](repeating: 0xF7, count: 16)
        let lines = [
            "path\texample.com/app", "mod\texample.com/app\tv1.2.3", "build\tvcs.revision=\(revision)",
        ]
        let modules = sentinel + Array((lines.joined(separator: "\n") + "\n").utf8) + sentinel
        precondition(modules.count < 128, "a length of more than one byte")
        let version = Array("go1.27.3".utf8)
        return [0xFF] + Array(" Go buildinf:".utf8) + [8, 2] + [UInt8](repeating: 0, count: 16)
            + [UInt8(version.count)] + version + [UInt8(modules.count)] + modules
    }
}
