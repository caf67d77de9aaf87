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
    package static func bytes(_ machine: Machine, _ text: String = "") -> [UInt8] {
        let content = Array("program \(text)\n".utf8)
        let address: UInt64 = 0x40_0000
        let headers: UInt64 = 64 + 56
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
        append(UInt16(64), 56, 1, 0, 0, 0)
        // One segment to load, readable and executable: the whole file.
        append(UInt32(1), 5)
        append(UInt64(0), address, address, size, size, 0x1000)
        return bytes + content
    }
}
