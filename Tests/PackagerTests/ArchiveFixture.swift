import Archive

@testable import Packager

/// A member of an archive that a test makes, as anything may have written it.
struct ArchiveMember: Hashable, Sendable {
    var path: String
    var type: Character = "0"
    var mode: UInt16 = 0o644
    var contents: [UInt8] = []
    var target = ""

    static func file(_ path: String, _ contents: [UInt8], mode: UInt16 = 0o644) -> ArchiveMember {
        ArchiveMember(path: path, mode: mode, contents: contents)
    }

    static func file(_ path: String, _ text: String = "") -> ArchiveMember { file(path, Array(text.utf8)) }

    static func folder(_ path: String, mode: UInt16 = 0o755) -> ArchiveMember {
        ArchiveMember(path: path, type: "5", mode: mode)
    }

    static func symbolicLink(_ path: String, to target: String) -> ArchiveMember {
        ArchiveMember(path: path, type: "2", mode: 0o777, target: target)
    }

    static func hardLink(_ path: String, to target: String) -> ArchiveMember {
        ArchiveMember(path: path, type: "1", target: target)
    }

    /// Header and contents; names that do not fit stand in members of their own, as GNU tar has them.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for (type, name) in [("L", path), ("K", target)] as [(Character, String)] where name.utf8.count > 100
        {
            let long = ArchiveMember(path: "././@LongLink", type: type, contents: Array(name.utf8) + [0])
            bytes += long.bytes
        }
        var block = [UInt8](repeating: 0, count: Tar.blockSize)
        func set(_ text: some Collection<UInt8>, at offset: Int) {
            block.replaceSubrange(offset..<offset + text.count, with: text)
        }
        func octal(_ number: Int, _ count: Int) -> [UInt8] {
            let digits = String(number, radix: 8)
            return Array((String(repeating: "0", count: count - digits.count) + digits).utf8)
        }
        set(path.utf8.prefix(100), at: 0)
        set(octal(Int(mode), 7), at: 100)
        // Somebody's numbers, and a time.
        set(octal(1000, 7), at: 108)
        set(octal(1000, 7), at: 116)
        set(octal(contents.count, 11), at: 124)
        set(octal(1_750_000_000, 11), at: 136)
        set("        ".utf8, at: 148)
        block[156] = type.asciiValue ?? 0
        set(target.utf8.prefix(100), at: 157)
        set("ustar\u{0}00somebody".utf8, at: 257)
        set(octal(block.reduce(0) { $0 + Int($1) }, 6) + [0], at: 148)
        let padding = Tar.paddingSize(afterContentsOfSize: UInt64(contents.count))
        return bytes + block + contents + [UInt8](repeating: 0, count: padding)
    }
}

extension [ArchiveMember] {
    /// The archive.
    var archive: [UInt8] { flatMap(\.bytes) + Tar.end }
}

/// The bytes are not recognised as an archive.
struct NoArchive: Error {}

/// Packages an archive of a root folder as a server would, in appends of given sizes.
func package(
    folder archive: [UInt8],
    name: String = "team/app",
    options: [(name: String, value: String)] = [("entrypoint", "/app")],
    with packager: Packager,
    appendSizes: () -> Int = { 65_536 }
) async throws -> Packaged {
    // No macro takes what cannot be copied.
    guard var reader = FolderReader(beginning: Array(archive.prefix(FolderReader.beginningSize))) else {
        throw NoArchive()
    }
    var kept: [UInt8] = []
    var start = 0
    while start < archive.count {
        let end = min(archive.count, start + appendSizes())
        reader.append(Array(archive[start..<end]))
        while let chunk = try reader.next() { kept += chunk }
        start = end
    }
    var layer: [UInt8] = []
    let image = try await packager.package(
        reader,
        name: try executableName(name),
        options: try PackagingOptions(options)
    ) { range in
        Array(kept[Int(range.lowerBound)..<Int(range.upperBound)])
    } writing: { chunks in
        for chunk in chunks { layer += chunk }
    }
    return Packaged(layer: layer, image: image)
}
