/// The rules that an ELF file has to pass to run in an empty image.
///
/// Each is asked as soon as the bytes that settle it are there, so that a file still arriving is refused
/// early.
enum ELFInspection {
    private enum FileType {
        static let object: UInt16 = 1
        static let executable: UInt16 = 2
        static let dynamic: UInt16 = 3
        static let core: UInt16 = 4
    }

    /// EI_OSABI of files for Linux: unspecified, and GNU's extensions.
    private static let linuxABIs: Set<UInt8> = [0, 3]

    /// Owners of notes by which other systems know their programs where EI_OSABI does not tell them.
    private static let otherSystems: Set<String> = ["DragonFly", "FreeBSD", "NetBSD", "OpenBSD"]

    /// Inspects a file that begins with ELF's magic.
    ///
    /// - Throws: ``ELFError`` when its headers cannot be read through.
    static func verdict(of source: borrowing some ByteSource) throws(ELFError) -> ExecutableVerdict {
        let header = try ELFHeader(source)
        guard linuxABIs.contains(header.osABI) else { return .refused(.otherSystem(osABI: header.osABI)) }
        switch header.type {
        case FileType.executable, FileType.dynamic: break
        case FileType.object:
            let language = try header.sourceLanguage(of: [], dynamic: nil, in: source)
            return .refused(.objectFile(language: language))
        case FileType.core: return .refused(.coreFile)
        default: throw .malformed(.unknownType)
        }
        guard !header.isX32 else { return .refused(.x32) }
        guard let architecture = header.architecture else {
            return .refused(.unsupportedMachine(header.machineDescription))
        }
        if let refusal = try refusal(of: header, architecture: architecture, in: source) {
            return .refused(refusal)
        }
        let executable = try executable(header, architecture: architecture, in: source)
        // Go marks the headers of some systems' programs in no way.
        if let system = executable.buildInfo.go?.settings["GOOS"], system != executable.operatingSystem {
            return .refused(.otherSystem(system.quotable))
        }
        return .runnable(executable)
    }

    /// What is told of a program that runs.
    private static func executable(
        _ header: ELFHeader,
        architecture: Architecture,
        in source: borrowing some ByteSource
    ) throws(ELFError) -> StaticExecutable {
        let segments = try header.segments(in: source)
        let sections = try header.sections(in: source)
        do {
            let info = try header.buildInfo(of: segments, sections, in: source)
            return StaticExecutable(
                architecture: architecture,
                variant: try header.variant(go: info.go, sections, in: source),
                size: source.size,
                isPositionIndependent: header.type == FileType.dynamic,
                buildInfo: info
            )
        } catch {
            throw .unreadable(error)
        }
    }

    /// What the program headers settle, and the parts of the file that they and the sections point to.
    private static func refusal(
        of header: ELFHeader,
        architecture: Architecture,
        in source: borrowing some ByteSource
    ) throws(ELFError) -> ExecutableRefusal? {
        let segments = try header.segments(in: source)
        let owners = try header.noteOwners(of: segments, in: source)
        if let system = owners.intersection(otherSystems).min() { return .otherSystem(system) }

        let interpreter = try header.interpreter(of: segments, in: source)
        // Settled without the dynamic section, which lies towards the end of most files.
        if header.type == FileType.executable, let interpreter {
            let language = try header.sourceLanguage(of: segments, dynamic: nil, in: source)
            return .interpreter(
                interpreter,
                isPositionIndependent: false,
                language: language,
                architecture: architecture
            )
        }
        let dynamic = try header.dynamicSection(of: segments, in: source)
        let isLibrary = header.type == FileType.dynamic && dynamic?.isPositionIndependentExecutable != true
        // The C library and the dynamic linker of some systems can be run, for which they name an
        // interpreter.
        if isLibrary, interpreter == nil || dynamic?.sharedObjectName != nil {
            let language = try header.sourceLanguage(of: segments, dynamic: dynamic, in: source)
            return .sharedLibrary(name: dynamic?.sharedObjectName, language: language)
        }
        if let interpreter {
            let language = try header.sourceLanguage(of: segments, dynamic: dynamic, in: source)
            return .interpreter(
                interpreter,
                isPositionIndependent: true,
                language: language,
                architecture: architecture
            )
        }
        if let dynamic, dynamic.needsLibraries {
            let language = try header.sourceLanguage(of: segments, dynamic: dynamic, in: source)
            return .sharedLibraries(dynamic.neededLibraries, language: language, architecture: architecture)
        }
        // Running takes no sections, but one that lies beyond the end shows that the end is missing.
        _ = try header.sections(in: source)
        return segments.fileOffset(ofAddress: header.entry) == nil ? .notLoadable : nil
    }
}
