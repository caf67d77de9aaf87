import Archive
import Foundation
import OCI
import Testing

@testable import Commands

/// Archives that somebody else wrote, and may have meant to be unpleasant.
@Suite("The index of an archive")
struct ArchiveIndexTests {
    /// A member of an archive: a path, and its content or where it leads.
    private enum Member {
        case file(String, String)
        case symbolicLink(String, String)
        case hardLink(String, String)
    }

    private static func archive(_ members: [Member]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for member in members {
            switch member {
            case .file(let path, let text):
                bytes += try TarEntry(.file(size: UInt64(text.utf8.count)), path: path, mode: 0o644).header
                bytes += Array(text.utf8)
                bytes += [UInt8](
                    repeating: 0,
                    count: Tar.paddingSize(afterContentsOfSize: UInt64(text.utf8.count))
                )
            case .symbolicLink(let path, let target):
                bytes += try TarEntry(.symbolicLink(target: target), path: path, mode: 0o777).header
            case .hardLink(let path, let target):
                bytes += try TarEntry(.hardLink(target: target), path: path, mode: 0o644).header
            }
        }
        return bytes + Tar.end
    }

    private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "berth-\(UUID().uuidString).tar")
            .path
        try Data(bytes).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private func text(_ path: String, in index: ArchiveIndex) throws -> String? {
        try index.file(path).map { String(decoding: try $0.contents(limit: 1 << 20), as: UTF8.self) }
    }

    @Test("finds what is in it, also through links, and what comes last of one name")
    func contents() throws {
        let long = String(repeating: "x", count: 200_000)
        let bytes = try Self.archive([
            .file("index.json", "old"), .file("a/layer.tar", long),
            .symbolicLink("b/layer.tar", "../a/layer.tar"),
            .symbolicLink("c/layer.tar", "../b/layer.tar"), .hardLink("d", "a/layer.tar"),
            .file("index.json", "new"), .symbolicLink("round", "round"),
            .symbolicLink("out", "../../etc/passwd"),
            .symbolicLink("absolute", "/etc/passwd"), .file("empty", ""),
        ])
        try withFile(bytes) { path in
            let index = try ArchiveIndex(contentsOf: path)
            for name in ["a/layer.tar", "./b/layer.tar", "c//layer.tar", "d"] {
                #expect(try text(name, in: index) == long, "\(name)")
            }
            #expect(try text("index.json", in: index) == "new" && text("empty", in: index) == "")
            for name in ["round", "out", "absolute", "none", "../index.json", "a", ""] {
                #expect(index.file(name) == nil, "\(name)")
            }
        }
    }

    @Test(
        "refuses what leads out of it, and what is no archive",
        arguments: ["/etc/passwd", "../x", "a/../../x"]
    )
    func tricks(path: String) throws {
        // TarEntry writes no such path, so it takes the place of one as long.
        let placeholder = String(repeating: "p", count: path.utf8.count)
        var bytes = try Self.archive([.file(placeholder, "text")])
        bytes.replaceSubrange(0..<path.utf8.count, with: Array(path.utf8))
        bytes.replaceSubrange(148..<156, with: Array(repeating: UInt8(ascii: " "), count: 8))
        let sum = bytes[..<512].reduce(0) { $0 + Int($1) }
        let octal = String(sum, radix: 8)
        let field = String(repeating: "0", count: 6 - octal.count) + octal + "\0 "
        bytes.replaceSubrange(148..<156, with: Array(field.utf8))
        try withFile(bytes) { path in
            let error = #expect(throws: CommandError.self) { _ = try ArchiveIndex(contentsOf: path) }
            #expect(error?.description.contains("leads out") == true, "\(String(describing: error))")
        }
    }

    @Test("tells every archive that is cut off")
    func truncation() throws {
        let bytes = try Self.archive([.file("a", String(repeating: "a", count: 1500)), .file("b", "text")])
        for count in stride(from: 0, to: bytes.count - 1023, by: 37) {
            try withFile(Array(bytes[..<count])) { path in
                #expect(throws: CommandError.self, "\(count)") { _ = try ArchiveIndex(contentsOf: path) }
            }
        }
    }

    @Test("takes random damage for an error, or for something within the file")
    func damage() throws {
        let seed = UInt64.random(in: .min ... .max)
        var state = seed
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let original = try Self.archive([
            .file("manifest.json", "[]"), .file("a/layer.tar", String(repeating: "z", count: 3000)),
            .symbolicLink("b", "a/layer.tar"), .file(String(repeating: "n", count: 150) + "/x", "long name"),
        ])
        for _ in 0..<500 {
            var bytes = original
            for _ in 0...random(4) { bytes[random(bytes.count)] = UInt8(random(256)) }
            try withFile(bytes) { path in
                guard let index = try? ArchiveIndex(contentsOf: path) else { return }
                for name in ["manifest.json", "a/layer.tar", "b"] {
                    guard let part = index.file(name) else { continue }
                    #expect(part.offset + part.size <= bytes.count, "seed \(seed)")
                    _ = try part.contents(limit: 1 << 20)
                }
            }
        }
    }
}

@Suite("The names of what is imported")
struct EntryNameTests {
    private static func entry(
        _ reference: String?,
        _ docker: String? = nil,
        _ text: String = "x"
    ) -> ImportEntry {
        var annotations: [String: String] = [:]
        annotations[ImageLayout.referenceName] = reference
        annotations[EntryName.dockerName] = docker
        let descriptor = Descriptor(mediaType: .ociManifest, digest: Digest(of: text.utf8), size: 1)
        return ImportEntry(descriptor: descriptor, name: EntryName(annotations))
    }

    @Test(
        "come from whatever tells most",
        arguments: [
            ("team/app:1", nil, "team/app:1"), ("ghcr.io/a/b:2", nil, "ghcr.io/a/b:2"),
            ("app:1", nil, "app:1"),
            ("1.0", "docker.io/library/app:1.0", "app:1.0"),
            ("1.0", "docker.io/team/app:1.0", "team/app:1.0"),
            ("1.0", "ghcr.io/a/b:1.0", "a/b:1.0"), ("localhost:5000/team/app:1", nil, "team/app:1"),
            (nil, "localhost:5000/app:x", "app:x"), ("team/app:1", "docker.io/team/app:1", "team/app:1"),
            ("latest", nil, nil), (nil, nil, nil), ("a b", nil, nil), ("Team/App:1", nil, nil), ("", "", nil),
        ] as [(String?, String?, String?)]
    )
    func names(reference: String?, docker: String?, expected: String?) throws {
        let named = try? RequestedName.named([Self.entry(reference, docker)], as: nil)
        #expect(named?.named.first?.name == expected)
    }

    @Test("give way to --as, where that is clear")
    func requested() throws {
        let app = try RequestedName("team/app")
        let one = try RequestedName("team/app:1")
        func names(_ entries: [ImportEntry], _ wanted: RequestedName) throws -> [String] {
            try RequestedName.named(entries, as: wanted).named.map(\.name)
        }
        #expect(try names([Self.entry(nil)], app) == ["team/app:latest"])
        #expect(try names([Self.entry("x")], app) == ["team/app:x"])
        #expect(
            try names([Self.entry("a/b:x"), Self.entry("y", nil, "2")], app) == ["team/app:x", "team/app:y"]
        )
        #expect(try names([Self.entry("x")], one) == ["team/app:1"])
        #expect(try names([Self.entry("x"), Self.entry("y")], one) == ["team/app:1"])
        for (entries, wanted) in [
            ([], app), ([Self.entry("x"), Self.entry("y", nil, "2")], one),
            ([Self.entry("x"), Self.entry("b:x", nil, "2")], app),
            ([Self.entry(nil), Self.entry(nil, nil, "2")], app),
        ] {
            #expect(throws: CommandError.self) { try names(entries, wanted) }
        }
        for text in ["", "UPPER", "a:b:c", "a@\(Digest(of: [1]))"] {
            #expect(throws: CommandError.self) { try RequestedName(text) }
        }
    }
}
