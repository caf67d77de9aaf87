import Foundation
import Testing

@testable import Archive

@Suite("Reading tar")
struct TarReaderTests {
    /// A member with all of its contents.
    struct Member: Hashable {
        let header: TarHeader
        var contents: [UInt8] = []
    }

    static func members(_ archive: [UInt8], appendSizes: () -> Int = { 65_536 }) throws -> [Member] {
        var reader = TarReader()
        var members: [Member] = []
        var start = 0
        while start < archive.count {
            let end = min(archive.count, start + appendSizes())
            for event in try reader.append(Array(archive[start..<end])) {
                switch event {
                case .member(let header): members.append(Member(header: header))
                case .contents(let bytes): members[members.count - 1].contents += bytes
                }
            }
            start = end
        }
        try reader.finish()
        for member in members {
            let start = Int(member.header.contentsOffset)
            #expect(member.header.size == UInt64(member.contents.count))
            #expect(Array(archive[start..<start + member.contents.count]) == member.contents)
        }
        return members
    }

    private static let longName = (0..<30).map { "folder-\($0)" }.joined(separator: "/") + "/ünicode.txt"

    /// What GNU tar or Python makes of a folder.
    private static func archive(_ arguments: [String]) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let tree = directory.appending(path: "tree")
            let files: [(String, [UInt8])] = [
                ("app", compressibleBytes(count: 100_000, seed: 1)), ("empty", []),
                ("assets/one", [UInt8](repeating: 7, count: 512)), (longName, Array("deep".utf8)),
            ]
            for (path, contents) in files {
                let url = tree.appending(path: path)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
                try Data(contents).write(to: url)
            }
            let manager = FileManager.default
            try manager.setAttributes(
                [.posixPermissions: 0o750],
                ofItemAtPath: tree.appending(path: "app").path
            )
            try manager.createSymbolicLink(
                atPath: tree.appending(path: "link").path,
                withDestinationPath: longName
            )
            try manager.linkItem(
                atPath: tree.appending(path: "app").path,
                toPath: tree.appending(path: "same").path
            )
            try run("mkfifo", [tree.appending(path: "fifo").path])
            let output = directory.appending(path: "out.tar").path
            try run("tar", arguments + ["-C", tree.path, "--sort=name", "-cf", output, "."])
            return Array(try Data(contentsOf: URL(filePath: output)))
        }
    }

    @Test("GNU tar's archives in its own format and in pax", arguments: ["gnu", "pax", "posix"])
    func systemTar(format: String) throws {
        let archive = try Self.archive(["--format=\(format)"])
        let members = try Self.members(archive)
        var byPath: [String: Member] = [:]
        for member in members { byPath[member.header.path] = member }
        #expect(byPath["./"]?.header.kind == .directory)
        #expect(byPath["./app"]?.header.kind == .file)
        #expect(byPath["./app"]?.header.mode == 0o750)
        #expect(byPath["./app"]?.contents == compressibleBytes(count: 100_000, seed: 1))
        #expect(byPath["./empty"]?.header.size == 0)
        #expect(byPath["./" + Self.longName]?.contents == Array("deep".utf8))
        #expect(byPath["./link"]?.header.kind == .symbolicLink)
        #expect(byPath["./link"]?.header.linkTarget == Self.longName)
        #expect(byPath["./same"]?.header.kind == .hardLink)
        #expect(byPath["./same"]?.header.linkTarget == "./app")
        #expect(byPath["./fifo"]?.header.kind == .other("a FIFO"))

        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix64(seed: seed)
        for _ in 0..<5 {
            let sizes = { Int.random(in: 1...1 << Int.random(in: 0...14, using: &random), using: &random) }
            #expect(try Self.members(archive, appendSizes: sizes) == members, "seed \(seed)")
        }
    }

    @Test("What Berth writes it reads, as long as paths and sizes can be")
    func own() throws {
        var archive: [UInt8] = []
        let names = [
            "a", String(repeating: "n", count: 100), String(repeating: "p/", count: 2_000) + "x", "ü",
        ]
        for name in names {
            archive += try TarEntry(.file(size: 3), path: name, mode: 0o644).header + [1, 2, 3]
            archive += [UInt8](repeating: 0, count: 509)
        }
        archive += try TarEntry(.directory, path: "folder", mode: 0o1777).header + Tar.end
        let members = try Self.members(archive)
        #expect(members.map(\.header.path) == names + ["folder/"])
        #expect(members.allSatisfy { $0.header.kind == .directory || $0.contents == [1, 2, 3] })
        #expect(members.last?.header.mode == 0o1777)

        let large: UInt64 = 1 << 40
        var reader = TarReader()
        let events = try reader.append(try TarEntry(.file(size: large), path: "large", mode: 0o644).header)
        guard case .member(let header) = events.first else {
            Issue.record("no member: \(events)")
            return
        }
        #expect(header.size == large)
        #expect(throws: TarReaderError.cutShort) { try reader.finish() }
    }

    /// A header block with a right checksum.
    static func block(
        name: String = "name",
        type: Character = "0",
        size: [UInt8] = Array("00000000000\0".utf8),
        change: (inout [UInt8]) -> Void = { _ in }
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        block.replaceSubrange(0..<name.utf8.count, with: name.utf8)
        block.replaceSubrange(100..<108, with: "0000644\0".utf8)
        block.replaceSubrange(124..<136, with: size)
        block[156] = type.asciiValue ?? 0
        block.replaceSubrange(257..<265, with: "ustar\u{0}00".utf8)
        change(&block)
        block.replaceSubrange(148..<156, with: [UInt8](repeating: 32, count: 8))
        let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
        block.replaceSubrange(148..<148 + sum.utf8.count, with: sum.utf8)
        return block
    }

    private static func records(_ text: String, type: Character = "x") -> [UInt8] {
        let bytes = Array(text.utf8)
        let size = Array((String(bytes.count, radix: 8) + " ").utf8)
        return block(type: type, size: size + [UInt8](repeating: 0, count: 12 - size.count)) + bytes
            + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }

    @Test("Sizes in binary, and records that are for all members or take back what was said")
    func peculiarities() throws {
        let binary = Self.block(size: [0x80] + [UInt8](repeating: 0, count: 10) + [2])
        let contents = [1, 2] + [UInt8](repeating: 0, count: 510)
        var archive = binary + contents + Self.records("10 path=g\n", type: "g") + Self.block()
        archive += Self.records("10 path=x\n") + Self.block() + Self.records("8 path=\n") + Self.block()
        archive += Self.records("9 size=2\n") + Self.block() + contents
        archive += Self.records("22 GNU.sparse.major=1\n") + Self.block()
        archive += Self.records("8 path=\n", type: "g")
        archive += Self.block(name: "old/", type: "\0") { block in
            block.replaceSubrange(257..<265, with: [UInt8](repeating: 0, count: 8))
        }
        let members = try Self.members(archive + Tar.end + [1, 2, 3])
        #expect(members.map(\.header.path) == ["name", "g", "x", "g", "g", "g", "old/"])
        #expect(members.map(\.header.size) == [2, 0, 0, 0, 2, 0, 0])
        #expect(members[5].header.kind == .other("a file without its holes"))
        #expect(members[6].header.kind == .directory)
    }

    private static let hostile: [(String, [UInt8])] = [
        ("negative size", block(size: [UInt8](repeating: 0xFF, count: 12))),
        ("size of all bits", block(size: [0x80] + [UInt8](repeating: 0xFF, count: 11))),
        ("size without digits", block(size: Array("notanumber\0\0".utf8))),
        ("record longer than the records", records("99 path=x\n")),
        ("record of no length", records("0 path=x\n")),
        ("record of negative length", records("-10 path=x\n")),
        ("record without newline", records("9 path=xx")),
        ("record without value", records("6 abc\n")),
        ("record without keyword", records("5 =a\n")),
        ("length beyond numbers", records("99999999999999999999 path=x\n")),
        ("size below zero", records("11 size=-1\n")),
        ("size beyond numbers", records("29 size=99999999999999999999\n")),
        ("name not in UTF-8", block { $0[0] = 0xFF }),
        ("records of one gigabyte", block(type: "x", size: Array("10000000000\0".utf8))),
        ("a long name of one gigabyte", block(type: "L", size: Array("10000000000\0".utf8))),
        ("records without a member", records("10 path=x\n") + Tar.end),
        (
            "a wrong checksum",
            block()
                + {
                    var bytes = block(); bytes[0] ^= 1; return bytes
                }()
        ),
        ("text behind a member", block() + [UInt8](repeating: 65, count: 512)),
    ]

    @Test("What means nothing is refused, and allocates nothing", arguments: hostile)
    func malformed(name: String, archive: [UInt8]) {
        #expect(throws: TarReaderError.self) { try Self.members(archive + Tar.end) }
    }

    @Test("Records that come again and again are bounded together")
    func manyRecords() throws {
        var reader = TarReader()
        let record = Self.records("100000 comment=" + String(repeating: "c", count: 99_984) + "\n")
        for _ in 0..<10 { #expect(try reader.append(record).isEmpty) }
        #expect(throws: TarReaderError.recordsTooLarge(offset: UInt64(10 * record.count))) {
            try reader.append(record)
        }
    }

    @Test("An archive cut anywhere is cut short, or none at all")
    func truncation() throws {
        let archive = Self.records("10 path=x\n") + Self.block(size: Array("00000000003\0".utf8)) + [1, 2, 3]
        let whole = archive + [UInt8](repeating: 0, count: 509) + Tar.end
        for length in 0..<(whole.count - 512) {
            #expect(throws: length < 512 ? TarReaderError.notAnArchive : .cutShort, "\(length)") {
                try Self.members(Array(whole[..<length]))
            }
        }
        #expect(try Self.members(Array(whole[..<(whole.count - 512)])).count == 1)
    }

    @Test("An archive with any bit flipped never crashes")
    func damage() throws {
        let archive = Self.records("10 path=x\n") + Self.block(size: Array("00000000003\0".utf8)) + [1, 2, 3]
        let whole = archive + [UInt8](repeating: 0, count: 509) + Tar.end
        var refused = 0
        for bit in 0..<whole.count * 8 {
            var flipped = whole
            flipped[bit / 8] ^= 1 << (bit % 8)
            do { _ = try Self.members(flipped) } catch { refused += 1 }
        }
        // Two headers, but for spaces and NULs that stand for each other.
        #expect(refused > 8_000)
    }

    @Test("Noise with right checksums never crashes", arguments: [UInt64.random(in: 0...UInt64.max)])
    func noise(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<300 {
            var archive: [UInt8] = []
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let type = "01234567xgLKSV\0".randomElement(using: &random) ?? "0"
                let size = String(Int.random(in: 0...2_000, using: &random), radix: 8) + " "
                archive += Self.block(type: type) { block in
                    block.replaceSubrange(124..<136, with: [UInt8](repeating: 0, count: 12))
                    block.replaceSubrange(124..<124 + size.utf8.count, with: size.utf8)
                    for _ in 0..<Int.random(in: 0...5, using: &random) {
                        block[Int.random(in: 0..<512, using: &random)] = UInt8.random(
                            in: 0...255,
                            using: &random
                        )
                    }
                }
                let count = Int.random(in: 0...1_024, using: &random)
                archive += (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            _ = try? Self.members(archive)
        }
    }

    @Test("Zeros and nothing", arguments: [(0, false), (100, false), (512, true), (10_240, true)])
    func zeros(count: Int, isArchive: Bool) {
        let zeros = [UInt8](repeating: 0, count: count)
        if isArchive {
            #expect(throws: Never.self) { try Self.members(zeros) }
        } else {
            #expect(throws: TarReaderError.notAnArchive) { try Self.members(zeros) }
        }
    }
}
