import Testing

@testable import Executables

@Suite("Variants of architectures")
struct VariantTests {
    private func variant(_ elf: ELFFixture) throws -> String? {
        switch try ExecutableVerdict(of: elf.bytes()) {
        case .runnable(let executable): return executable.variant
        case .refused(let refusal): throw Unexpected(refusal)
        }
    }

    private func go(_ settings: String...) -> (name: String, contents: [UInt8]) {
        let lines = settings.map { "build\t\($0)\n" }.joined()
        let modules = BuildInfoFixture.sentinels.first + Array(lines.utf8) + BuildInfoFixture.sentinels.last
        let block =
            BuildInfoFixture.magic + [4, 2] + [UInt8](repeating: 0, count: 16) + [3] + Array("go1".utf8)
            + BuildInfoFixture.leb128(UInt64(modules.count)) + modules
        return (".go.buildinfo", block)
    }

    /// A section of attributes as compilers write it, after another vendor's.
    private func attributes(_ content: [UInt8]) -> [UInt8] {
        func part(_ header: [UInt8], _ body: [UInt8]) -> [UInt8] {
            header + [UInt8(header.count + 4 + body.count), 0, 0, 0] + body
        }
        let other = part([], Array("other\0".utf8) + part([1], [6, 4]))
        let section = part([2], [6, 1])
        return Array("A".utf8) + other + part([], Array("aeabi\0".utf8) + section + part([1], content))
    }

    @Test(
        "Go says which Arm it built for",
        arguments: [
            ("GOARM=5", "v5"), ("GOARM=6", "v6"), ("GOARM=7", "v7"), ("GOARM=6,softfloat", "v6"),
            ("GOARM=7,hardfloat", "v7"), ("GOARM=8", nil), ("GOARM=", nil), ("GOOS=linux", nil),
        ] as [(String, String?)]
    )
    func go(setting: String, expected: String?) throws {
        #expect(try variant(ELFFixture(wordSize: .bits32, machine: 40, sections: [go(setting)])) == expected)
    }

    @Test("Go's word goes before the attributes")
    func precedence() throws {
        var elf = ELFFixture(wordSize: .bits32, machine: 40)
        elf.sections = [(".ARM.attributes", attributes([6, 10])), go("GOARM=6")]
        elf.sectionTypes = [".ARM.attributes": 0x7000_0003]
        #expect(try variant(elf) == "v6")
    }

    @Test(
        "Compilers of other languages say it in the attributes",
        arguments: [
            ([6, 2], "v5"), ([6, 4], "v5"), ([6, 6], "v6"), ([6, 9], "v6"), ([6, 10], "v7"), ([6, 14], "v8"),
            ([6, 11], nil), ([6, 13], nil), ([6, 99], nil), ([], nil), ([6], nil), ([6, 0x80], nil),
            // A name, a raw name, numbers, a compatibility of both, and a later text, before it.
            ([5] + Array("7-A\0".utf8) + [4, 0x41, 0, 7, 65, 32, 1, 0x41, 0, 67, 0x42, 0, 6, 10], "v7"),
            ([5] + Array("no end".utf8), nil), ([32, 1], nil),
        ] as [([UInt8], String?)]
    )
    func attributes(content: [UInt8], expected: String?) throws {
        var elf = ELFFixture(wordSize: .bits32, machine: 40, flags: 0x0500_0000)
        elf.sections = [(".ARM.attributes", attributes(content))]
        elf.sectionTypes = [".ARM.attributes": 0x7000_0003]
        #expect(try variant(elf) == expected)
        for length in 0..<attributes(content).count {
            elf.sections = [(".ARM.attributes", Array(attributes(content).prefix(length)))]
            _ = try variant(elf)
        }
    }

    @Test("No other architecture has one, whatever was set for it")
    func others() throws {
        for machine: UInt16 in [62, 183] {
            let elf = ELFFixture(machine: machine, sections: [go("GOARM=7", "GOAMD64=v3", "GOARM64=v9.0")])
            #expect(try variant(elf) == nil)
        }
    }
}
