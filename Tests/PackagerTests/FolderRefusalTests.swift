import Archive
import Foundation
import OCI
import Testing

@testable import Packager

@Suite("Folders that become no image")
struct FolderRefusalTests {
    private static let packager = Packager(certificates: nil, workerCount: 1)
    private static let program = staticExecutable([1, 2, 3])
    private static let app = ArchiveMember.file("app", program)

    private static func refusal(
        of archive: [UInt8],
        entrypoint: String = "/app"
    ) async throws -> UploadRefusal {
        let error = await #expect(throws: PackagingError.self) {
            _ = try await package(folder: archive, options: [("entrypoint", entrypoint)], with: packager)
        }
        guard case .refused(let refusal) = try #require(error) else {
            throw TestFailure(text: "not refused: \(String(describing: error))")
        }
        return refusal
    }

    private struct TestFailure: Error { let text: String }

    private static let cases: [(ArchiveMember, reason: String, names: String)] = [
        (.file("../x"), "outside-root", "../x"), (.file("a/../../x"), "outside-root", "a/../../x"),
        (.file("a/.."), "outside-root", "a/.."), (.folder(".."), "outside-root", ".."),
        (.symbolicLink("x", to: "../y"), "outside-root", "/x"),
        (.symbolicLink("d/x", to: "../../y"), "outside-root", "/d/x"),
        (.symbolicLink("x", to: "/../y"), "outside-root", "/x"),
        (.symbolicLink("x", to: "a/../../y"), "outside-root", "a/../../y"),
        (.symbolicLink("x", to: ""), "illegal-path", "/x"),
        (.hardLink("x", to: "../app"), "outside-root", "../app"),
        (.hardLink("x", to: "nothing"), "hard-link", "/x"),
        (.hardLink("x", to: "x"), "hard-link", "/x"),
        (.hardLink("x", to: "/etc/shadow"), "hard-link", "/etc/shadow"),
        (.file("app", "other"), "duplicate", "/app"), (.file("./app/"), "duplicate", "/app"),
        (.folder("app"), "duplicate", "/app"), (.file("app/x"), "not-a-folder", "/app/x"),
        (.file("app/x/y/z"), "not-a-folder", "below /app"),
        (ArchiveMember(path: "null", type: "3"), "special-file", "/null is a character device"),
        (ArchiveMember(path: "sda", type: "4"), "special-file", "/sda is a block device"),
        (ArchiveMember(path: "fifo", type: "6"), "special-file", "/fifo is a FIFO"),
        (ArchiveMember(path: "s", type: "S"), "special-file", "holes"),
        (ArchiveMember(path: "v", type: "V"), "special-file", "'V'"),
        (.file(".wh.app"), "whiteout", ".wh.app"), (.file("a/.wh..wh..opq"), "whiteout", "a/.wh..wh..opq"),
        (.file("a/.wh.b/c"), "whiteout", "a/.wh.b/c"),
        (.file(String(repeating: "n", count: 256)), "illegal-path", "255"),
        (.file(String(repeating: "abc/", count: 1_100)), "illegal-path", "4096"),
        (.file("."), "illegal-path", "/"), (.symbolicLink("/", to: "app"), "illegal-path", "/"),
    ]

    @Test("What may not be in an image is refused by its name", arguments: cases)
    func members(member: ArchiveMember, reason: String, names: String) async throws {
        for archive in [[Self.app, member], [member, Self.app]] {
            let refusal = try await Self.refusal(of: archive.archive)
            #expect(refusal.reason == reason)
            #expect(refusal.category == .cannotRun)
            #expect(refusal.message.contains(names), "\(refusal.message)")
            #expect(refusal.message.contains("; "), "\(refusal.message)")
        }
    }

    @Test("Nothing goes below a link, and links in circles lead to nothing")
    func links() async throws {
        let below: [ArchiveMember] = [Self.app, .folder("d"), .symbolicLink("l", to: "d"), .file("l/x")]
        for members in [below, below.reversed()] {
            #expect(try await Self.refusal(of: members.archive).reason == "not-a-folder")
        }
        let circle: [ArchiveMember] = [.symbolicLink("app", to: "b"), .symbolicLink("b", to: "app")]
        #expect(try await Self.refusal(of: circle.archive).reason == "entrypoint")
        let links: [ArchiveMember] = [Self.app, .hardLink("a", to: "b"), .hardLink("b", to: "a")]
        #expect(try await Self.refusal(of: links.archive).reason == "hard-link")
        let toFolder: [ArchiveMember] = [Self.app, .folder("d"), .hardLink("a", to: "d")]
        #expect(try await Self.refusal(of: toFolder.archive).reason == "hard-link")
    }

    private static let entrypoints: [(String, String)] = [
        ("/nope", "there is no /nope"), ("app", "'app' is no path from the root"), ("/", "/, which"),
        ("/d", "/d, which"), ("/d/app", "there is no /d/app"), ("/app/x", "there is no /app/x"),
        ("/dangling", "there is no /dangling"),
    ]

    @Test("An entry point that names no file is refused", arguments: entrypoints)
    func entrypoint(path: String, message: String) async throws {
        let members: [ArchiveMember] = [Self.app, .folder("d"), .symbolicLink("dangling", to: "gone")]
        let refusal = try await Self.refusal(of: members.archive, entrypoint: path)
        #expect(refusal.reason == "entrypoint")
        #expect(refusal.message.contains(message), "\(refusal.message)")
    }

    @Test("The entry point's file is told what it is, as one that comes alone is")
    func executable() async throws {
        let script = try await Self.refusal(of: [.file("app", "#!/bin/sh\necho\n")].archive)
        #expect(script.reason == "script" && script.category == .notAnExecutable)
        #expect(script.message.hasPrefix("/app: "), "\(script.message)")
        let short = Array(Self.program.dropLast())
        let cut = try await Self.refusal(of: [.symbolicLink("app", to: "d/x"), .file("d/x", short)].archive)
        #expect(cut.reason == "cut-short" && cut.message.hasPrefix("/d/x: "), "\(cut.message)")
        #expect(try await Self.refusal(of: [ArchiveMember.file("app")].archive).reason == "empty")
    }

    @Test(
        "Compressed files that hold something else are refused as what they are",
        arguments: ["gzip", "zstd"]
    )
    func notArchives(tool: String) async throws {
        for contents in [Self.program, Array("text".utf8), []] {
            let bytes = try withTemporaryDirectory { directory in
                let path = directory.appending(path: "file").path
                try Data(contents).write(to: URL(filePath: path))
                try run(tool, ["-q", path])
                return Array(try Data(contentsOf: URL(filePath: path + (tool == "gzip" ? ".gz" : ".zst"))))
            }
            let refusal = try await Self.refusal(of: bytes)
            #expect(refusal.reason == tool && refusal.category == .notAnExecutable)
            #expect(refusal.message.contains("holds no tar archive"))
        }
    }

    @Test("What is no archive at all is left to whoever looks at executables")
    func recognition() {
        for bytes in [Self.program, [], Array("#!/bin/sh".utf8), [UInt8](repeating: 0, count: 512)] {
            let reader = FolderReader(beginning: bytes)
            let isArchive = reader != nil
            #expect(!isArchive)
        }
    }

    @Test("An archive cut anywhere is refused")
    func truncation() async throws {
        let archive = [Self.app, .file("assets/x", "text")].archive
        for length in stride(from: 512, to: archive.count - 512, by: 61) {
            #expect(try await Self.refusal(of: Array(archive[..<length])).reason == "cut-short", "\(length)")
        }
    }

    @Test("More files, or longer names, than memory is given for are refused before they are there")
    func limits() throws {
        func header(_ path: String) -> TarHeader {
            TarHeader(path: path, kind: .file, mode: 0o644, size: 0, linkTarget: "", contentsOffset: 0)
        }
        var index = FolderIndex(maximumEntries: 100)
        for number in 0..<100 { try index.add(header("\(number)")) }
        #expect(problem { () throws(PackagingError) in try index.add(header("one more")) } == .tooManyEntries)

        // 1016 bytes each, and their folders once.
        let deep = String(repeating: String(repeating: "a", count: 250) + "/", count: 4)
        index = FolderIndex(maximumPathSize: 20_000)
        for number in 0..<19 { try index.add(header(deep + "\(10_000_000_000 + number)")) }
        var copy = index
        #expect(problem { () throws(PackagingError) in _ = try copy.finish(adding: []) } == .namesTooLong)
        let more = problem { () throws(PackagingError) in try index.add(header(deep + "20000000000")) }
        #expect(more == .namesTooLong)
        index = FolderIndex(maximumPathSize: 20_000)
        for number in 0..<17 { try index.add(header(deep + "\(10_000_000_000 + number)")) }
        copy = index
        #expect(problem { () throws(PackagingError) in _ = try copy.finish(adding: []) } == nil)

        // A folder that nobody named is one too.
        index = FolderIndex(maximumEntries: 100)
        for number in 0..<51 { try index.add(header("\(number)/x")) }
        #expect(problem { () throws(PackagingError) in _ = try index.finish(adding: []) } == .tooManyEntries)
    }

    /// Finds which of the limits a body has come to.
    private func problem(_ body: () throws(PackagingError) -> Void) -> FolderProblem? {
        do {
            try body()
            return nil
        } catch {
            return [.tooManyEntries, .namesTooLong].first { error == .refused($0) }
        }
    }

    @Test(
        "An archive with bytes flipped is refused, or becomes an image",
        arguments: [UInt64.random(in: 0...UInt64.max)]
    )
    func damage(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let members: [ArchiveMember] = [
            .folder("./"), Self.app, .file("d/x", "text"), .symbolicLink("l", to: "d/x"),
            .hardLink("h", to: "d/x"),
        ]
        let archive = members.archive
        var refused = 0
        for _ in 0..<400 {
            var damaged = archive
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                damaged[Int.random(in: 0..<archive.count - 1_024, using: &random)] ^=
                    1 << UInt8.random(in: 0...7, using: &random)
            }
            guard FolderReader.isArchive(damaged) else { continue }
            do {
                _ = try await package(folder: damaged, with: Self.packager)
            } catch is PackagingError {
                refused += 1
            }
        }
        #expect(refused > 100, "seed \(seed)")
    }
}

extension FolderReader {
    fileprivate static func isArchive(_ bytes: [UInt8]) -> Bool {
        FolderReader(beginning: Array(bytes.prefix(beginningSize))) != nil
    }
}
