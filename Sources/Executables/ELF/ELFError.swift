/// Why a file that begins like ELF could not be read as such.
package enum ELFError: Error, Hashable, Sendable {
    /// The headers speak of more bytes than there are.
    case cutShort(impliedSize: UInt64)
    /// The headers contradict themselves or the format.
    case malformed(Defect)
    /// The bytes themselves could not be had.
    case unreadable(ByteSourceError)

    /// What is wrong with the headers, each in words that fit behind "its ELF header is damaged: ".
    package enum Defect: String, Hashable, Sendable {
        case unknownClass = "neither 32-bit nor 64-bit"
        case unknownByteOrder = "neither little-endian nor big-endian"
        case unknownVersion = "a version other than 1"
        case unknownType = "a type that is neither program nor library"
        case programHeaderSize = "program headers of the wrong size"
        case programHeaderCount = "more program headers than Linux loads"
        case sectionHeaderSize = "section headers of the wrong size"
        case sectionHeaderCount = "more section headers than any linker writes"
        case impossibleOffset = "an offset that no file reaches"
        case dynamicSection = "a dynamic section without an end"
    }
}

/// How far a reader goes into headers that anybody may have written.
enum ELFLimit {
    /// Linux refuses to load a program header table of more than 64 KiB (`load_elf_phdrs`).
    static let programHeaderTableSize: UInt64 = 65_536
    /// The largest count that the 16-bit field can hold; real executables have under a hundred sections.
    static let sectionCount: UInt64 = 65_535
    /// Linux takes no interpreter path beyond PATH_MAX.
    static let interpreterPathLength: UInt64 = 4_096
    /// Real dynamic sections have a few dozen entries.
    static let dynamicEntryCount: UInt64 = 4_096
    /// Names of libraries that are read and reported; any further ones change nothing about the verdict.
    static let neededLibraryCount = 32
    /// The longest library or section name that is read.
    static let nameLength: UInt64 = 256
    /// Section names of real executables take a few hundred bytes.
    static let sectionNameTableSize: UInt64 = 1_048_576
    /// Real files have one to three segments of notes.
    static let noteSegmentCount = 8
    /// Notes and comments are looked into only this far.
    static let noteSize: UInt64 = 65_536
    /// Larger than any file system's largest file: an offset beyond it is damage, not a file cut short.
    static let fileSize: UInt64 = 1 << 60
}
