import Foundation
import OCI
import Testing

@testable import Packager

@Suite("What a program tells about itself")
struct ProgramOriginTests {
    private static let packager = Packager(certificates: nil, workerCount: 1)

    private func image(
        _ program: GoProgramFixture,
        options: [(name: String, value: String)] = []
    ) async throws -> PackagedImage {
        try await package(program.bytes(), options: options, with: Self.packager).image
    }

    private func key(_ name: String) -> String { "org.opencontainers.image.\(name)" }

    private static let revision = "674377e7e14ef527d7bbbc85b6b54f688bb579f4"

    @Test("becomes labels, the same annotations, and the date")
    func labels() async throws {
        var program = GoProgramFixture()
        program.dependencies = 2
        program.settings.append(("GOAMD64", "v3"))
        let image = try await image(program)
        let standard = [
            key("title"): "app", key("version"): "v1.2.3", key("revision"): Self.revision,
            key("created"): "2026-11-23T09:31:24Z", key("source"): "https://github.com/berth-example/app",
        ]
        let configuration = try ImageConfiguration(parsing: image.configuration.bytes)
        #expect(configuration.execution.labels == standard)
        #expect(configuration.created == "2026-11-23T09:31:24Z")
        #expect(
            String(decoding: image.configuration.bytes, as: UTF8.self)
                .contains(#""history":[{"created":"2026-11-23T09:31:24Z""#)
        )
        let manifest = try Manifest(parsing: image.manifest.bytes, contentType: .ociManifest)
        let own = [
            "berth.recipe": "4", "berth.executable": image.executable.digest.description,
            "berth.executable-path": "/app", "berth.executable-size": String(image.executable.size),
            "berth.go": "go1.27.3", "berth.go-modules": "2", "berth.goamd64": "v3",
        ]
        #expect(manifest.annotations == standard.merging(own) { $1 })
        #expect(image.platform == Platform(os: "linux", architecture: "amd64"))
    }

    @Test("gives way to what was given")
    func givenLabels() async throws {
        let options = [("label", "\(key("version"))=2"), ("label", "\(key("source"))=elsewhere")]
        let image = try await image(GoProgramFixture(), options: options)
        let labels = try ImageConfiguration(parsing: image.configuration.bytes).execution.labels
        #expect(labels[key("version")] == "2" && labels[key("source")] == "elsewhere")
        #expect(labels[key("revision")] == Self.revision)
        let manifest = try Manifest(parsing: image.manifest.bytes, contentType: .ociManifest)
        #expect(manifest.annotations[key("version")] == "2")
    }

    @Test("is believed only in the form that it has to have")
    func hostileText() async throws {
        var program = GoProgramFixture()
        program.module = ("github.com/../x", "v1 \u{7}")
        for (revision, time) in [
            ("", "2026-02-29T00:00:00Z"), ("a b", "2026-13-01T00:00:00Z"),
            ("\u{1F6A2}", "1969-12-31T23:59:59Z"),
            (String(repeating: "a", count: 257), "2026-11-23T24:00:00Z"),
            ("\u{1B}[31m", "2026-11-23T09:31:24+00"),
            (" ", "0"), (" ", "2026-00-00T00:00:00Z"), (" ", "2026-1\u{661}-23T09:31:2Z"),
        ] {
            program.settings = [("vcs.revision", revision), ("vcs.time", time), ("GOAMD64", "v\u{7F}")]
            let image = try await image(program)
            let configuration = try ImageConfiguration(parsing: image.configuration.bytes)
            #expect(configuration.execution.labels == [key("title"): "app"])
            #expect(configuration.created == "1970-01-01T00:00:00Z")
            #expect(image.buildKey == nil)
        }
        program.settings = [("vcs.time", "2028-02-29T23:59:59Z")]
        let leapDay = try await image(program).origin.created
        #expect(leapDay == "2028-02-29T23:59:59Z")
    }

    @Test(
        "names a version only where there is one that others can get",
        arguments: [
            ("v1.2.3", "v1.2.3"),
            ("v0.0.0-20261123093124-674377e7e14e", "v0.0.0-20261123093124-674377e7e14e"),
            ("(devel)", nil), ("", nil), ("v1.2.3+dirty", nil),
            ("v2.0.0+incompatible", "v2.0.0+incompatible"),
            ("v0.0.0-20261123093124-674377e7e14e+dirty", nil),
        ] as [(String, String?)]
    )
    func version(written: String, expected: String?) async throws {
        var program = GoProgramFixture()
        program.module = ("example.com/app", written)
        let origin = try await image(program).origin
        #expect(origin.version == expected)
    }

    @Test(
        "leads to its source where the module's path tells the repository",
        arguments: [
            ("github.com/a/b", "https://github.com/a/b"), ("github.com/a/b/v2", "https://github.com/a/b"),
            ("github.com/a/b/sub/dir/v3", "https://github.com/a/b"), ("github.com/a", nil),
            ("github.com", nil),
            ("github.com/a/v2", nil), ("gitlab.com/g/s/p/v2", "https://gitlab.com/g/s/p"),
            ("codeberg.org/a/b", "https://codeberg.org/a/b"),
            ("bitbucket.org/a/b", "https://bitbucket.org/a/b"),
            ("git.sr.ht/~a/b", "https://git.sr.ht/~a/b"), ("example.com/a/b", nil), ("github.com//b", nil),
            ("github.com/a/b?x", nil), ("github.com/../b", nil), ("github.com.evil.example/a/b", nil),
            ("", nil),
        ] as [(String, String?)]
    )
    func source(path: String, expected: String?) {
        #expect(SourceForge.url(ofModule: path) == expected)
    }

    @Test("knows its own build by package, version and commit, the same for every platform")
    func buildKey() async throws {
        var program = GoProgramFixture()
        let key = "github.com/berth-example/app/cmd/app@v1.2.3#\(Self.revision)"
        for machine in [GoProgramFixture.Machine.amd64, .arm64, .arm] {
            program.machine = machine
            let found = try await image(program).buildKey
            #expect(found == key)
        }
        program.settings[3].value = "true"
        let modified = try await image(program)
        #expect(modified.buildKey == nil)
        let manifest = try Manifest(parsing: modified.manifest.bytes, contentType: .ociManifest)
        #expect(manifest.annotations["berth.modified"] == "true")

        program.settings = [("vcs.modified", "false")]
        let withoutRevision = try await image(program).buildKey
        #expect(withoutRevision == nil)
        program = GoProgramFixture()
        program.module = nil
        let withoutModule = try await image(program).buildKey
        #expect(withoutModule == nil)
        let other = try await package(staticExecutable([1]), with: Self.packager).image
        #expect(other.buildKey == nil && other.origin == ProgramOrigin())
    }

    @Test("decides the variant of Arm", arguments: [("5", "v5"), ("6", "v6"), ("7", "v7")])
    func variant(setting: String, variant: String) async throws {
        var program = GoProgramFixture()
        program.machine = .arm
        program.settings.append(("GOARM", setting))
        let image = try await image(program)
        #expect(image.platform == Platform(os: "linux", architecture: "arm", variant: variant))
        let configuration = try ImageConfiguration(parsing: image.configuration.bytes)
        #expect(configuration.platform == image.platform)
    }

    @Test("is read from Rust's list of crates, and from a distribution's note")
    func otherLanguages() async throws {
        let crates = """
            {"packages":[{"name":"adler","version":"0.2.3","source":"crates.io","kind":"build"},\
            {"name":"app","version":"4.5.6","source":"local","root":true,"dependencies":[0]}]}
            """
        let note = #"{"type":"deb","os":"debian","name":"app","version":"1.2-3","osCpe":"cpe:/o:debian:12"}"#
        for (sections, version) in [
            ([("dep-v0", crates)], "4.5.6"), ([("note.package", note)], "1.2-3"),
            ([("dep-v0", crates), ("note.package", note)], "4.5.6"), ([("dep-v0", "[]")], nil),
            ([("note.package", "{")], nil), ([], nil),
        ] as [([(String, String)], String?)] {
            let program = try Self.compiled(sections)
            let origin = try await package(program, with: Self.packager).image.origin
            #expect(origin.version == version, "\(sections)")
            #expect(origin.revision == nil && origin.created == nil && origin.buildKey == nil)
        }
    }

    /// A C program to which sections were added; crates are compressed, and a note gets its header.
    static func compiled(_ sections: [(String, String)]) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let (source, output) = (directory.appending(path: "a.c"), directory.appending(path: "a"))
            try Data("int main(void) { return 0; }\n".utf8).write(to: source)
            try run("gcc", ["-static", "-no-pie", "-o", output.path, source.path])
            for (name, text) in sections {
                let file = directory.appending(path: name)
                let script = """
                    import struct, sys, zlib
                    text = sys.argv[2].encode()
                    note = struct.pack("<III", 4, len(text), 0xcafe1a7e) + b"FDO\\0" + text + bytes(-len(text) % 4)
                    open(sys.argv[1], "wb").write(note if "note" in sys.argv[1] else zlib.compress(text))
                    """
                try run("python3", ["-c", script, file.path, text])
                try run("objcopy", ["--add-section", ".\(name)=\(file.path)", output.path])
            }
            return Array(try Data(contentsOf: output))
        }
    }

    @Test("A list of crates is read whole, and only if it is one")
    func crates() throws {
        let text = """
            {"packages":[{"name":"a","version":"1","source":"git","kind":"build"},\
            {"name":"b","version":"2","source":"local","root":true,"features":["x"]}]}
            """
        let list = try #require(RustDependencies(compressed: try Self.compressed(text)))
        typealias Crate = RustDependencies.Crate
        let expected = [
            Crate(name: "a", version: "1", source: "git", isForBuilding: true, isRoot: false),
            Crate(name: "b", version: "2", source: "local", isForBuilding: false, isRoot: true),
        ]
        #expect(list.crates == expected)
        #expect(list.root?.name == "b")
        for text in ["", "{}", "null", #"{"packages":[{}]}"#, String(repeating: "[", count: 100_000)] {
            #expect(RustDependencies(compressed: try Self.compressed(text)) == nil)
        }
        #expect(RustDependencies(compressed: Array(text.utf8)) == nil)
        let long = #"{"packages":[]}"# + String(repeating: " ", count: 9_000_000)
        #expect(RustDependencies(compressed: try Self.compressed(long)) == nil)
    }

    private static func compressed(_ text: String) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let (source, output) = (directory.appending(path: "in"), directory.appending(path: "out"))
            try Data(text.utf8).write(to: source)
            let script =
                "import sys, zlib; open(sys.argv[2], 'wb').write(zlib.compress(open(sys.argv[1], 'rb').read()))"
            try run("python3", ["-c", script, source.path, output.path])
            return Array(try Data(contentsOf: output))
        }
    }
}
