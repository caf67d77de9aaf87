import OCI

@testable import Packager

/// A static executable with the block that Go's linker writes, and without sections, as after `sstrip`.
struct GoProgramFixture {
    /// Little-endian machines of either width.
    enum Machine: UInt16 {
        case arm = 40
        case amd64 = 62
        case arm64 = 183
    }

    var machine = Machine.amd64
    var path = "github.com/berth-example/app/cmd/app"
    /// The main module's path and version.
    var module: (path: String, version: String)? = ("github.com/berth-example/app", "v1.2.3")
    var dependencies = 0
    /// Lines about other modules, as they stand in the block.
    var lines: [String] = []
    var version = "go1.27.3"
    var settings: [(key: String, value: String)] = [
        ("vcs", "git"), ("vcs.revision", "674377e7e14ef527d7bbbc85b6b54f688bb579f4"),
        ("vcs.time", "2026-11-23T09:31:24Z"), ("vcs.modified", "false"),
    ]

    func bytes() -> [UInt8] {
        let isWide = machine != .arm
        let headers = isWide ? 64 + 2 * 56 : 52 + 2 * 32
        let data = block
        let address: UInt64 = 0x40_0000

        func number(_ value: some FixedWidthInteger) -> [UInt8] {
            withUnsafeBytes(of: value.littleEndian) { Array($0) }
        }
        func word(_ value: UInt64) -> [UInt8] { isWide ? number(value) : number(UInt32(value)) }

        var file: [UInt8] =
            [0x7F, 0x45, 0x4C, 0x46, isWide ? 2 : 1, 1, 1, 0] + [UInt8](repeating: 0, count: 8)
        file += number(UInt16(2)) + number(machine.rawValue) + number(UInt32(1))
        file += word(address) + word(isWide ? 64 : 52) + word(0) + number(UInt32(0))
        file += number(UInt16(isWide ? 64 : 52)) + number(UInt16(isWide ? 56 : 32)) + number(UInt16(2))
        file += [UInt8](repeating: 0, count: 6)
        for (flags, offset, size) in [(UInt32(5), 0, headers), (6, headers, data.count)] {
            file += number(UInt32(1)) + (isWide ? number(flags) : [])
            let place = word(address + UInt64(offset))
            let sizes = word(UInt64(size)) + word(UInt64(size))
            file += word(UInt64(offset)) + place + place + sizes + (isWide ? [] : number(flags)) + word(4096)
        }
        return file + data
    }

    private var block: [UInt8] {
        func sized(_ bytes: [UInt8]) -> [UInt8] {
            [
                UInt8(bytes.count & 0x7F | 0x80), UInt8(bytes.count >> 7 & 0x7F | 0x80),
                UInt8(bytes.count >> 14),
            ] + bytes
        }
        var text = "path\t\(path)\n"
        if let module { text += "mod\t\(module.path)\t\(module.version)\t\n" }
        text += (0..<dependencies).map { "dep\texample.com/m\($0)\tv1.0.0\th1:=\n" }.joined()
        text += lines.map { $0 + "\n" }.joined()
        text += settings.map { "build\t\($0.key)=\($0.value)\n" }.joined()
        let sentinel = [UInt8](repeating: 0xF7, count: 16)
        return [0xFF] + Array(" Go buildinf:".utf8) + [8, 2] + [UInt8](repeating: 0, count: 16)
            + sized(Array(version.utf8)) + sized(sentinel + Array(text.utf8) + sentinel)
    }
}
