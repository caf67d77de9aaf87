import Foundation
import Testing

@testable import Archive

@Suite("Tar entries")
struct TarEntryTests {
    private static func archive(_ entries: [(entry: TarEntry, contents: [UInt8])]) -> [UInt8] {
        entries.flatMap { entry, contents in
            let padding = Tar.paddingSize(afterContentsOfSize: UInt64(contents.count))
            return entry.header + contents + [UInt8](repeating: 0, count: padding)
        } + Tar.end
    }

    @Test("tar lists modes, owners, sizes, dates and names as they were given")
    func listing() throws {
        let contents = Array("root:x:0:0:root:/root:/sbin/nologin\n".utf8)
        let archive = try Self.archive([
            (TarEntry(.directory, path: "etc", mode: 0o755), []),
            (TarEntry(.file(size: UInt64(contents.count)), path: "etc/passwd", mode: 0o644), contents),
            (TarEntry(.directory, path: "home/nonroot", mode: 0o700, owner: 65532), []),
            (TarEntry(.directory, path: "tmp", mode: 0o1777), []),
            (TarEntry(.file(size: 0), path: "empty", mode: 0o4755), []),
            (TarEntry(.file(size: 512), path: "full", mode: 0o755), [UInt8](repeating: 7, count: 512)),
        ])
        #expect(archive.count % Tar.blockSize == 0)
        try withTemporaryDirectory { directory in
            let path = directory.appending(path: "a.tar").path
            try Data(archive).write(to: URL(filePath: path))
            let expected = """
                drwxr-xr-x 0/0               0 1970-01-01 00:00:00 etc/
                -rw-r--r-- 0/0              36 1970-01-01 00:00:00 etc/passwd
                drwx------ 65532/65532       0 1970-01-01 00:00:00 home/nonroot/
                drwxrwxrwt 0/0               0 1970-01-01 00:00:00 tmp/
                -rwsr-xr-x 0/0               0 1970-01-01 00:00:00 empty
                -rwxr-xr-x 0/0             512 1970-01-01 00:00:00 full

                """
            #expect(try run("tar", ["--full-time", "-tvf", path]) == expected)
            try run("tar", ["-xf", path, "-C", directory.path, "--no-same-owner", "etc/passwd"])
            let extracted = try Data(contentsOf: directory.appending(path: "etc/passwd"))
            #expect(Array(extracted) == contents)
        }
    }

    @Test(
        "A path of any length and script comes back, by a pax record only where it must",
        arguments: [
            ("a", false),
            (String(repeating: "n", count: 100), false),
            (String(repeating: "n", count: 101), true),
            (String(repeating: "p", count: 155) + "/" + String(repeating: "n", count: 100), false),
            (String(repeating: "p", count: 156) + "/" + String(repeating: "n", count: 100), true),
            (String(repeating: "p", count: 155) + "/" + String(repeating: "n", count: 101), true),
            (String(repeating: "d/", count: 60) + "name", false),
            (String(repeating: "folder/", count: 500) + "name", true),
            ("grüße/日本語", true),
        ]
    )
    func paths(path: String, needsRecord: Bool) throws {
        for kind in [TarEntry.Kind.file(size: 0), .directory] {
            let entry = try TarEntry(kind, path: path, mode: 0o755)
            let archive = Self.archive([(entry, [])])
            // A directory's slash may tip it over; what it names must come back all the same.
            if kind != .directory { #expect((archive.count > 3 * Tar.blockSize) == needsRecord) }
            try withTemporaryDirectory { directory in
                let file = directory.appending(path: "a.tar").path
                try Data(archive).write(to: URL(filePath: file))
                let listed = try run("tar", ["--quoting-style=literal", "-tf", file])
                #expect(listed == path + (kind == .directory ? "/\n" : "\n"))
            }
        }
    }

    private static let fieldSizes: [(size: UInt64, headerSize: Int)] = [
        (0o777_7777_7777, 512),
        (0o777_7777_7777 + 1, 1536),
        (1 << 50, 1536),
    ]

    @Test("Sizes up to 8 GiB are in the header, larger ones in a pax record", arguments: fieldSizes)
    func sizes(size: UInt64, headerSize: Int) throws {
        let entry = try TarEntry(.file(size: size), path: "large", mode: 0o755)
        #expect(entry.header.count == headerSize)
        guard size < 1 << 40 else { return }
        try withTemporaryDirectory { directory in
            // A sparse file in place of the contents: tar seeks over them.
            let path = directory.appending(path: "a.tar").path
            try Data(entry.header).write(to: URL(filePath: path))
            let end =
                UInt64(headerSize) + size + UInt64(Tar.paddingSize(afterContentsOfSize: size) + Tar.end.count)
            try run("truncate", ["--size=\(end)", path])
            let listed = try run("tar", ["-tvf", path])
            #expect(listed.contains(" \(size) "))
        }
    }

    @Test(
        "A path that leaves the archive or that no system takes is no entry",
        arguments: ["", "/", "/etc", "etc/", "a//b", ".", "..", "a/../b", "./a", "a/.", "a\0b"]
            + [String(repeating: "a", count: 4097)]
    )
    func illegalPaths(path: String) {
        #expect(throws: TarError.illegalPath(path)) { try TarEntry(.file(size: 1), path: path, mode: 0o755) }
    }

    @Test("A mode or an owner beyond its field is no entry")
    func illegalFields() throws {
        #expect(throws: TarError.illegalMode(0o10000)) { try TarEntry(.directory, path: "a", mode: 0o10000) }
        #expect(throws: TarError.illegalOwner(0o10000000)) {
            try TarEntry(.directory, path: "a", mode: 0o755, owner: 0o10000000)
        }
        let header = try TarEntry(.directory, path: "a", mode: 0o7777, owner: 0o7777777).header
        #expect(String(decoding: header[100..<123], as: UTF8.self) == "0007777\0" + "7777777\0" + "7777777")
    }

    @Test(
        "Padding fills up to the next 512 bytes",
        arguments: [(UInt64(0), 0), (1, 511), (511, 1), (512, 0), (513, 511)]
    )
    func padding(size: UInt64, expected: Int) {
        #expect(Tar.paddingSize(afterContentsOfSize: size) == expected)
    }
}
