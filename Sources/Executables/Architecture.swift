/// A processor architecture under the name that Go gives it, which is the one that images use.
///
/// - SeeAlso: image-spec v1.1.1, config.md, "architecture"
package enum Architecture: String, CaseIterable, Hashable, Sendable {
    case amd64
    case arm
    case arm64
    case i386 = "386"
    case loong64
    case mips
    case mips64
    case mips64le
    case mipsle
    case ppc64
    case ppc64le
    case riscv64
    case s390x
}

extension ELFHeader {
    private enum Machine {
        static let i386: UInt16 = 3
        static let mips: UInt16 = 8
        static let ppc64: UInt16 = 21
        static let s390: UInt16 = 22
        static let arm: UInt16 = 40
        static let amd64: UInt16 = 62
        static let arm64: UInt16 = 183
        static let riscv: UInt16 = 243
        static let loongArch: UInt16 = 258
    }

    /// EF_MIPS_ABI2: 32-bit addresses on a 64-bit MIPS, which no image platform names.
    private static let mipsN32: UInt32 = 0x20

    /// The architecture that an image index can name; nil for any other machine, width or byte order.
    package var architecture: Architecture? {
        switch (machine, wordSize, byteOrder) {
        case (Machine.amd64, .bits64, .little): .amd64
        case (Machine.i386, .bits32, .little): .i386
        case (Machine.arm64, .bits64, .little): .arm64
        case (Machine.arm, .bits32, .little): .arm
        case (Machine.ppc64, .bits64, .little): .ppc64le
        case (Machine.ppc64, .bits64, .big): .ppc64
        case (Machine.s390, .bits64, .big): .s390x
        case (Machine.riscv, .bits64, .little): .riscv64
        case (Machine.loongArch, .bits64, .little): .loong64
        case (Machine.mips, .bits32, .big) where flags & Self.mipsN32 == 0: .mips
        case (Machine.mips, .bits32, .little) where flags & Self.mipsN32 == 0: .mipsle
        case (Machine.mips, .bits64, .big): .mips64
        case (Machine.mips, .bits64, .little): .mips64le
        default: nil
        }
    }

    /// The ABI that runs 64-bit x86 code with 32-bit addresses, and that most kernels are built without.
    var isX32: Bool { machine == Machine.amd64 && wordSize == .bits32 }

    /// What to call a machine that has no ``architecture``.
    var machineDescription: String {
        let names: [UInt16: String] = [
            2: "SPARC", 4: "Motorola 68000", Machine.mips: "MIPS", 15: "PA-RISC", 18: "SPARC", 20: "PowerPC",
            Machine.ppc64: "PowerPC", Machine.s390: "S/390", Machine.arm: "Arm", 42: "SuperH", 43: "SPARC",
            50: "Itanium", 83: "AVR", 94: "Xtensa", 180: "Xeon Phi", Machine.arm64: "Arm",
            190: "CUDA", 224: "AMD GPU", Machine.riscv: "RISC-V", 247: "BPF", 252: "C-SKY",
            Machine.loongArch: "LoongArch", 0x9026: "Alpha",
        ]
        let width = wordSize == .bits32 ? "32-bit" : "64-bit"
        let order = byteOrder == .little ? "little-endian" : "big-endian"
        return "\(width) \(order) \(names[machine] ?? "machine number \(machine)")"
    }
}
