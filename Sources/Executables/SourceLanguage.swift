/// The language that an executable was written in, as far as its headers show it; advice is given in its
/// terms.
package enum SourceLanguage: Hashable, Sendable {
    case c
    case go
    case rust
    case swift
    case zig
}

extension ELFHeader {
    /// Tells the language by notes, section names, library names and the compilers' own comment.
    ///
    /// - Returns: nil where nothing shows, as in most stripped files.
    func sourceLanguage(
        of segments: [ELFSegment],
        dynamic: ELFDynamic?,
        in source: borrowing some ByteSource
    ) throws(ELFError) -> SourceLanguage? {
        // Go signs near the beginning of the file, so that its programs are told before the rest has arrived.
        if try noteOwners(of: segments, in: source).contains("Go") { return .go }
        let sections = try sections(in: source)
        let names = Set(sections.map(\.name))
        if !names.isDisjoint(with: [".go.buildinfo", ".gopclntab", ".note.go.buildid"]) { return .go }
        let libraries = dynamic?.neededLibraries ?? []
        if names.contains(where: { $0.hasPrefix("swift5_") })
            || libraries.contains(where: { $0.hasPrefix("libswiftCore.") })
        {
            return .swift
        }
        let compilers = try text(of: ".comment", in: sections, of: source)
        if !names.isDisjoint(with: [".dep-v0", ".rustc"]) || compilers.contains("rustc")
            || libraries.contains(where: { $0.hasPrefix("libstd-") })
        {
            return .rust
        }
        // Zig's C compiler is a clang of its own; its programs name their compiler first among the debugging strings.
        if compilers.contains("ziglang/") || compilers.contains("zig ") { return .zig }
        if try text(of: ".debug_str", in: sections, of: source).hasPrefix("zig ") { return .zig }
        if compilers.contains("GCC") || compilers.contains("clang") { return .c }
        return nil
    }

    /// The beginning of a section of texts, such as that in which compilers name themselves.
    private func text(
        of name: String,
        in sections: [ELFSection],
        of source: borrowing some ByteSource
    ) throws(ELFError) -> String {
        guard let section = sections.first(where: { $0.name == name && $0.type != 8 }) else { return "" }
        let length = min(section.size, ELFLimit.noteSize)
        return String(decoding: try source.elfBytes(at: section.offset, length: length), as: UTF8.self)
    }
}
