extension ExecutableRefusal {
    /// Refuses any program with PT_INTERP, also one without libraries, as a pure Go `-buildmode=pie` is.
    static func interpreter(
        _ path: String,
        isPositionIndependent: Bool,
        language: SourceLanguage?,
        architecture: Architecture
    ) -> ExecutableRefusal {
        if let system = Self.system(ofInterpreter: path) { return otherSystem(system) }
        return ExecutableRefusal(
            .interpreter,
            "this executable is dynamically linked: it needs \(path.quotable), which an empty image lacks",
            advice: Advice.linkStatically(language, architecture: architecture)
                + (language == .go && isPositionIndependent ? " and without -buildmode=pie" : "")
        )
    }

    /// The system other than Linux whose dynamic linker this is.
    private static func system(ofInterpreter path: String) -> String? {
        switch path {
        case "/usr/lib/ld.so.1", "/lib/amd64/ld.so.1", "/usr/lib/amd64/ld.so.1": "Solaris"
        case "/libexec/ld-elf.so.1": "FreeBSD"
        case "/libexec/ld-elf.so.2", "/usr/libexec/ld-elf.so.2": "DragonFly"
        case "/libexec/ld.elf_so", "/usr/libexec/ld.elf_so": "NetBSD"
        case "/usr/libexec/ld.so": "OpenBSD"
        case "/system/bin/linker", "/system/bin/linker64": "Android"
        default: nil
        }
    }

    static func sharedLibraries(
        _ names: [String],
        language: SourceLanguage?,
        architecture: Architecture
    ) -> ExecutableRefusal {
        var list = names.prefix(4).map(\.quotable).joined(separator: ", ")
        if names.count > 4 { list += " and others" }
        return ExecutableRefusal(
            .sharedLibraries,
            "this executable needs shared libraries (\(list)), which an empty image lacks",
            advice: Advice.linkStatically(language, architecture: architecture)
        )
    }

    static func sharedLibrary(name: String?, language: SourceLanguage?) -> ExecutableRefusal {
        let name = name.map { " (\($0.quotable))" } ?? ""
        return ExecutableRefusal(
            .sharedLibrary,
            "this is a shared library\(name), not a program",
            advice: Advice.linkExecutable(language)
        )
    }

    static func objectFile(language: SourceLanguage?) -> ExecutableRefusal {
        ExecutableRefusal(
            .objectFile,
            "this is an object file or kernel module, not a linked program",
            advice: language.map { Advice.linkExecutable($0) }
                ?? "link it into an executable with -static; for Go: \(Advice.go)"
        )
    }

    static let coreFile = ExecutableRefusal(
        .coreFile,
        "this is a core file, what a crashed program left behind",
        advice: "send the program itself"
    )

    static func otherSystem(osABI: UInt8) -> ExecutableRefusal {
        let names: [UInt8: String] = [
            1: "HP-UX", 2: "NetBSD", 6: "Solaris", 7: "AIX", 8: "IRIX", 9: "FreeBSD", 10: "Tru64",
            12: "OpenBSD",
            13: "OpenVMS", 14: "NonStop", 15: "AROS", 16: "FenixOS", 17: "CloudABI",
            255: "no operating system",
        ]
        return otherSystem(names[osABI] ?? "an operating system other than Linux (ELF OS/ABI \(osABI))")
    }

    static func otherSystem(_ name: String) -> ExecutableRefusal {
        ExecutableRefusal(
            .otherSystem,
            "this executable is for \(name), and containers run Linux",
            advice: "build it for Linux; for Go: \(Advice.go)"
        )
    }

    static let x32 = ExecutableRefusal(
        .x32,
        "this executable uses the x32 ABI, which most kernels are built without",
        advice: "build it for x86-64 (-m64) or i386 (-m32)"
    )

    static func unsupportedMachine(_ description: String) -> ExecutableRefusal {
        let known = Architecture.allCases.map(\.rawValue).joined(separator: ", ")
        return ExecutableRefusal(
            .unsupportedMachine,
            "this executable is for a machine that images have no name for (\(description))",
            advice: "build it for one of \(known)"
        )
    }

    /// For a start address that no part of the file is loaded at: running would end at the first instruction.
    static let notLoadable = ExecutableRefusal(
        .notLoadable,
        "this executable has no code where it says that it starts",
        advice: "link it with an entry point (_start), as compilers do by default"
    )

    static func cutShort(impliedSize: UInt64, actualSize: UInt64) -> ExecutableRefusal {
        ExecutableRefusal(
            .cutShort,
            "this executable was cut short: it has \(actualSize) of at least \(impliedSize) bytes",
            advice: Advice.sendAgain
        )
    }

    static func malformed(_ defect: ELFError.Defect) -> ExecutableRefusal {
        ExecutableRefusal(
            .malformed,
            "this file begins like an executable, but its ELF headers are damaged: \(defect.rawValue)",
            advice: Advice.sendAgain
        )
    }
}
