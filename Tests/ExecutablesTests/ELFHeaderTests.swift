import Testing

@testable import Executables

@Suite("ELF headers made by hand")
struct ELFHeaderTests {
    @Test(
        "Every machine that images can name is told by machine, width and byte order",
        arguments: [
            (UInt16(62), ELFClass.bits64, ByteOrder.little, Architecture.amd64),
            (3, .bits32, .little, .i386),
            (183, .bits64, .little, .arm64),
            (40, .bits32, .little, .arm),
            (21, .bits64, .little, .ppc64le),
            (21, .bits64, .big, .ppc64),
            (22, .bits64, .big, .s390x),
            (243, .bits64, .little, .riscv64),
            (258, .bits64, .little, .loong64),
            (8, .bits32, .big, .mips),
            (8, .bits32, .little, .mipsle),
            (8, .bits64, .big, .mips64),
            (8, .bits64, .little, .mips64le),
        ]
    )
    func architectures(machine: UInt16, wordSize: ELFClass, order: ByteOrder, expected: Architecture) throws {
        for sections in [[], [(name: ".text", contents: [UInt8(1)])]] {
            let file = ELFFixture(wordSize: wordSize, byteOrder: order, machine: machine, sections: sections)
                .bytes()
            let executable = StaticExecutable(
                architecture: expected,
                variant: nil,
                size: UInt64(file.count),
                isPositionIndependent: false,
                buildInfo: BuildInfo()
            )
            #expect(try ExecutableVerdict(of: file) == .runnable(executable))
            #expect(executable.operatingSystem == "linux")
        }
    }

    @Test(
        "A machine without a name in images is refused and described",
        arguments: [
            (UInt16(243), ELFClass.bits32, ByteOrder.little, "32-bit little-endian RISC-V"),
            (183, .bits64, .big, "64-bit big-endian Arm"),
            (183, .bits32, .little, "32-bit little-endian Arm"),
            (40, .bits32, .big, "32-bit big-endian Arm"),
            (22, .bits32, .big, "32-bit big-endian S/390"),
            (3, .bits64, .little, "64-bit little-endian machine number 3"),
            (247, .bits64, .little, "64-bit little-endian BPF"),
            (43, .bits64, .big, "64-bit big-endian SPARC"),
            (65535, .bits64, .little, "64-bit little-endian machine number 65535"),
        ]
    )
    func unsupported(machine: UInt16, wordSize: ELFClass, order: ByteOrder, description: String) throws {
        let file = ELFFixture(wordSize: wordSize, byteOrder: order, machine: machine).bytes()
        let refusal = try refusal(of: file)
        #expect(refusal.reason == .unsupportedMachine)
        #expect(refusal.finding.contains(description))
    }

    @Test("MIPS with n32 addresses has no name in images")
    func mipsN32() throws {
        let file = ELFFixture(wordSize: .bits32, byteOrder: .big, machine: 8, flags: 0x20).bytes()
        #expect(try refusal(of: file).reason == .unsupportedMachine)
    }

    @Test("x32 is refused by its name")
    func x32() throws {
        let refusal = try refusal(of: ELFFixture(wordSize: .bits32, machine: 62).bytes())
        #expect(refusal.reason == .x32)
        #expect(refusal.message.contains("x32"))
    }

    @Test("EI_OSABI of Linux passes, that of any other system is refused", arguments: UInt8.min...UInt8.max)
    func osABI(value: UInt8) throws {
        let verdict = try ExecutableVerdict(of: ELFFixture(osABI: value).bytes())
        guard value != 0, value != 3 else {
            guard case .runnable = verdict else { throw Unexpected(verdict) }
            return
        }
        guard case .refused(let refusal) = verdict else { throw Unexpected(verdict) }
        #expect(refusal.reason == .otherSystem)
        if value == 9 { #expect(refusal.message.contains("FreeBSD")) }
    }

    @Test(
        "Systems that sign by a note are told by it",
        arguments: ["NetBSD", "OpenBSD", "FreeBSD", "DragonFly"]
    )
    func notes(owner: String) throws {
        let refusal = try refusal(of: ELFFixture(interpreter: "/ld", noteOwners: ["GNU", owner]).bytes())
        #expect(refusal.reason == .otherSystem)
        #expect(refusal.finding.contains(owner))
    }

    @Test("A type that is no program is refused", arguments: [(UInt16(1), "object-file"), (4, "core-file")])
    func types(type: UInt16, reason: String) throws {
        #expect(try refusal(of: ELFFixture(type: type).bytes()).reason.rawValue == reason)
    }

    @Test("An unknown type is damage", arguments: [UInt16(0), 5, 0xFE00, 0xFFFF])
    func unknownTypes(type: UInt16) throws {
        #expect(try refusal(of: ELFFixture(type: type).bytes()).reason == .malformed)
    }

    @Test("A static-pie passes by DF_1_PIE alone")
    func staticPIE() throws {
        let pie = ELFFixture(type: 3, isPositionIndependentExecutable: true).bytes()
        guard case .runnable(let executable) = try ExecutableVerdict(of: pie) else {
            throw Unexpected(pie.count)
        }
        #expect(executable.isPositionIndependent)

        let library = try refusal(of: ELFFixture(type: 3, sharedObjectName: "libx.so.1").bytes())
        #expect(library.reason == .sharedLibrary)
        #expect(library.finding.contains("libx.so.1"))
        #expect(try refusal(of: ELFFixture(type: 3).bytes()).reason == .sharedLibrary)
    }

    @Test("An interpreter is refused, with libraries and without, at a fixed address and at any")
    func interpreters() throws {
        for type: UInt16 in [2, 3] {
            for libraries in [[], ["libc.so.6"]] {
                for isPIE in [false, true] {
                    let refusal = try refusal(
                        of: ELFFixture(
                            type: type,
                            interpreter: "/lib/ld-x.so.1",
                            libraries: libraries,
                            isPositionIndependentExecutable: isPIE
                        ).bytes()
                    )
                    #expect(refusal.reason == .interpreter)
                    #expect(refusal.finding.contains("/lib/ld-x.so.1"))
                }
            }
        }
    }

    @Test("A library that names an interpreter, as the C library does, is still a library")
    func runnableLibrary() throws {
        let file = ELFFixture(type: 3, interpreter: "/lib/ld.so", sharedObjectName: "libc.so.6").bytes()
        #expect(try refusal(of: file).reason == .sharedLibrary)
    }

    @Test("Libraries without an interpreter are refused by name, a few of them")
    func libraries() throws {
        let names = (1...40).map { "lib\($0).so" }
        for type: UInt16 in [2, 3] {
            let file = ELFFixture(type: type, libraries: names, isPositionIndependentExecutable: true).bytes()
            let refusal = try refusal(of: file)
            #expect(refusal.reason == .sharedLibraries)
            #expect(refusal.finding.contains("(lib1.so, lib2.so, lib3.so, lib4.so and others)"))
        }
    }

    @Test("The advice is in terms of the language that the file shows")
    func languages() throws {
        func advice(_ fixture: ELFFixture) throws -> String { try refusal(of: fixture.bytes()).advice }
        var file = ELFFixture(interpreter: "/ld")
        #expect(try advice(file).contains("CGO_ENABLED=0 GOOS=linux go build"))
        file.noteOwners = ["Go"]
        #expect(try advice(file) == "build it with CGO_ENABLED=0 GOOS=linux go build")
        file.type = 3
        #expect(
            try advice(file) == "build it with CGO_ENABLED=0 GOOS=linux go build and without -buildmode=pie"
        )
        file.type = 2
        file.noteOwners = []
        file.sections = [(".go.buildinfo", [])]
        #expect(try advice(file).hasPrefix("build it with CGO_ENABLED=0 GOOS=linux go build"))
        file.sections = [("swift5_types", [1])]
        #expect(try advice(file).contains("x86_64-swift-linux-musl"))
        file.sections = [(".comment", Array("GCC: (Debian) 12\0rustc version 1.80".utf8))]
        #expect(try advice(file).contains("x86_64-unknown-linux-musl"))
        file.sections = [(".comment", Array("GCC: (Debian) 12".utf8))]
        #expect(try advice(file) == "link it with -static")
        let zig = "clang version 18.1.6 (https://github.com/ziglang/zig-bootstrap 98bc6bf4)"
        for sections in [
            [(".comment", Array(zig.utf8))], [(".comment", Array("zig 0.17.1\0clang version 22.1.8".utf8))],
            [(".comment", Array("Linker: LLD 18".utf8)), (".debug_str", Array("zig 0.13.0\0main\0".utf8))],
        ] {
            file.sections = sections
            #expect(try advice(file) == "build it with -target x86_64-linux-musl, which links statically")
        }
        file.machine = 183
        file.sections = [(".dep-v0", [1])]
        #expect(try advice(file).contains("aarch64-unknown-linux-musl"))
    }

    @Test("What a file names itself stays on one printable line")
    func quoting() throws {
        let path = "/lib/\u{1B}[31m\r\nX-Evil: 1\u{7F}é" + String(repeating: "a", count: 5000)
        let refusal = try refusal(of: ELFFixture(interpreter: path).bytes())
        #expect(refusal.message.unicodeScalars.allSatisfy { (0x20..<0x7F).contains($0.value) })
        #expect(refusal.message.count < 400)
    }

    @Test("An executable without code at its start is refused")
    func entry() throws {
        var file = ELFFixture().bytes()
        file.replaceSubrange(24..<32, with: [UInt8](repeating: 0, count: 8))
        #expect(try refusal(of: file).reason == .notLoadable)
    }
}

/// What a test found in place of what it needs to go on.
struct Unexpected: Error {
    let value: String
    init(_ value: some Any) { self.value = "\(value)" }
}

func refusal(of source: some ByteSource) throws -> ExecutableRefusal {
    let verdict = try ExecutableVerdict(of: source)
    guard case .refused(let refusal) = verdict else { throw Unexpected(verdict) }
    return refusal
}
