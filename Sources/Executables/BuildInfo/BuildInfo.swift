/// What a program tells about how it was built, as its tool chain wrote it down.
///
/// None of it takes part in a verdict: whatever is absent, damaged or too long counts as not said. And anybody can
/// write anything there, so that none of it is proven.
package struct BuildInfo: Hashable, Sendable {
    /// What the Go linker wrote.
    package var go: GoBuildInfo?
    /// The section `.dep-v0` as it stands: a list of Rust's crates in JSON, compressed by zlib.
    ///
    /// - SeeAlso: cargo-auditable, PARSING.md
    package var rustDependencies: [UInt8]?
    /// The note `.note.package` as it stands: a JSON object about the package that the program belongs to.
    ///
    /// - SeeAlso: UAPI group, "Package Metadata for Executable Files"
    package var packageNote: [UInt8]?
    /// How the compilers name themselves in `.comment`, each once, in their order there.
    package var compilers: [String] = []

    /// Nothing said.
    package init() {}
}

/// How much is taken from what programs tell about themselves.
enum BuildInfoLimit {
    /// Lists of crates have some kilobytes.
    static let rustDependencySize: UInt64 = 1_048_576
    /// A static program has one line for each compiler whose code is in it, rarely more than three.
    static let compilerCount = 32
}

extension ELFHeader {
    private static let noBits: UInt32 = 8

    /// Reads what the tool chain wrote down.
    ///
    /// - Throws: Only what the source throws.
    func buildInfo(
        of segments: [ELFSegment],
        _ sections: [ELFSection],
        in source: borrowing some ByteSource
    ) throws(ByteSourceError) -> BuildInfo {
        // A section that takes no space in the file has an offset all the same.
        let sections = sections.filter { $0.type != Self.noBits }
        var info = BuildInfo()
        info.go = try goBuildInfo(of: segments, sections, in: source)
        if let section = sections.first(where: { $0.name == ".dep-v0" }),
            section.size <= BuildInfoLimit.rustDependencySize
        {
            info.rustDependencies = try source.bytesIfPresent(at: section.offset, length: section.size)
        }
        info.packageNote = try packageNote(of: segments, sections, in: source)
        info.compilers = try compilers(in: sections, of: source)
        return info
    }

    private func packageNote(
        of segments: [ELFSegment],
        _ sections: [ELFSection],
        in source: borrowing some ByteSource
    ) throws(ByteSourceError) -> [UInt8]? {
        let places =
            segments.filter { $0.kind == .note }.prefix(ELFLimit.noteSegmentCount).map {
                ($0.offset, $0.fileSize)
            }
            // The linker puts notes into a segment, unless its script says otherwise.
            + sections.filter { $0.name == ".note.package" }.prefix(1).map { ($0.offset, $0.size) }
        for (offset, size) in places {
            let length = min(size, ELFLimit.noteSize)
            guard let bytes = try source.bytesIfPresent(at: offset, length: length) else { continue }
            if let note = notes(in: bytes).first(where: \.isPackageNote) {
                // Padded with NUL, which is no JSON.
                return Array(note.description.prefix { $0 != 0 })
            }
        }
        return nil
    }

    private func compilers(
        in sections: [ELFSection],
        of source: borrowing some ByteSource
    ) throws(ByteSourceError) -> [String] {
        guard let section = sections.first(where: { $0.name == ".comment" }),
            let bytes = try source.bytesIfPresent(
                at: section.offset,
                length: min(section.size, ELFLimit.noteSize)
            )
        else { return [] }
        var compilers: [String] = []
        for text in bytes.split(separator: 0) where compilers.count < BuildInfoLimit.compilerCount {
            guard text.count <= ELFLimit.nameLength, let name = String(validating: text, as: UTF8.self),
                !compilers.contains(name)
            else { continue }
            compilers.append(name)
        }
        return compilers
    }
}

extension ELFNote {
    fileprivate var isPackageNote: Bool { owner == "FDO" && type == 0xCAFE_1A7E }
}

extension ByteSource {
    /// Reads bytes that something not to be trusted points to; nil where the source does not reach as far.
    func bytesIfPresent(at offset: UInt64, length: UInt64) throws(ByteSourceError) -> [UInt8]? {
        let (end, overflow) = offset.addingReportingOverflow(length)
        guard !overflow, end <= size else { return nil }
        return try bytes(in: offset..<end)
    }
}
