import Foundation
import OCI
import Testing

@testable import Packager

@Suite("What a program consists of")
struct SoftwareInventoryTests {
    private static let packager = Packager(certificates: nil, workerCount: 1)

    private func list(_ program: [UInt8]) async throws -> BillOfMaterials {
        try BillOfMaterials(of: try await package(program, with: Self.packager).image)
    }

    /// Lines of build information, what becomes of them, and how many become nothing.
    private static let modules: [(lines: [String], components: [String], omissions: Int)] = [
        ([], [], 0),
        (["dep\ta.example/b\tv1.0.0"], ["a.example/b | v1.0.0 | pkg:golang/a.example/b@v1.0.0 | -"], 0),
        (
            ["dep\tgithub.com/Masterminds/semver\tv3.4.0"],
            ["github.com/Masterminds/semver | v3.4.0 | pkg:golang/github.com/masterminds/semver@v3.4.0 | -"],
            0
        ),
        (
            ["dep\ta.example/~b!/v2\tv2.0.0-rc.1+incompatible"],
            [
                "a.example/~b!/v2 | v2.0.0-rc.1+incompatible | "
                    + "pkg:golang/a.example/~b%21/v2@v2.0.0-rc.1%2Bincompatible | -"
            ], 0
        ),
        // What was built in its place, and not what was required.
        (
            ["dep\ta.example/b\tv1.0.0", "=>\tb.example/c\tv1.1.0\th1:"],
            ["b.example/c | v1.1.0 | pkg:golang/b.example/c@v1.1.0 | in place of a.example/b v1.0.0"], 0
        ),
        (
            ["dep\ta.example/b\tv1.0.0", "=>\t./b\t(devel)"],
            ["a.example/b | - | pkg:golang/a.example/b | from a folder, in place of a.example/b v1.0.0"], 0
        ),
        (
            ["dep\ta.example/b\tv1.0.0", "=>\tC:\\b\t(devel)"],
            ["a.example/b | - | pkg:golang/a.example/b | from a folder, in place of a.example/b v1.0.0"], 0
        ),
        (["dep\ta.example/b\t(devel)"], ["a.example/b | - | pkg:golang/a.example/b | -"], 0),
        (["dep\ta.example/b\t"], ["a.example/b | - | pkg:golang/a.example/b | -"], 0),
        // Once, though it stands there twice.
        (
            ["dep\ta.example/b\tv1", "dep\ta.example/b\tv1", "dep\ta.example/b\tv2"],
            [
                "a.example/b | v1 | pkg:golang/a.example/b@v1 | -",
                "a.example/b | v2 | pkg:golang/a.example/b@v2 | -",
            ], 0
        ),
        // No path of a module, and so no name that others know.
        (["dep\ta//b\tv1"], ["a//b | v1 | - | -"], 0), (["dep\t../b\tv1"], ["../b | v1 | - | -"], 0),
        (["dep\t\"\\\tv1"], [#""\ | v1 | pkg:golang/%22%5C@v1 | -"#], 0),
        (
            ["dep\ta:b@c?d#e\tv1@2?3#4"],
            ["a:b@c?d#e | v1@2?3#4 | pkg:golang/a:b%40c%3Fd%23e@v1%402%3F3%234 | -"], 0
        ),
        (["dep\ta.example\tv 1"], ["a.example | - | pkg:golang/a.example | -"], 0),
        // What is not even text for people is counted.
        (["dep\ta b\tv1", "dep\té.example\tv1", "dep\ta\u{7}\tv1", "dep\t\u{202E}\tv1"], [], 4),
        (["dep\t\(String(repeating: "a", count: 257))\tv1"], [], 1),
    ]

    @Test("is Go's modules and its standard library", arguments: modules.indices)
    func goModules(index: Int) async throws {
        let (lines, components, omissions) = Self.modules[index]
        let image = try await package(GoProgramFixture(lines: lines).bytes(), with: Self.packager).image
        let list = try BillOfMaterials(of: image)
        let expected = ["stdlib | 1.27.3 | pkg:golang/stdlib@1.27.3 | -"] + components
        #expect(list.components.map(\.summary) == expected)
        #expect(list.metadata.component.name == "github.com/berth-example/app")
        let noted = list.metadata.properties.first { $0.name == "berth:omissions" }?.value
        #expect(noted == (omissions > 0 ? String(omissions) : nil))
        let spdx = try SPDXList(of: image)
        #expect(
            spdx.packages.dropFirst(2).map(\.comment)
                == list.components.dropFirst().map(\.properties?.first?.value)
        )
        #expect((spdx.creationInfo.comment != nil) == (omissions > 0))
    }

    @Test(
        "has the release of Go as a version",
        arguments: [
            ("go1.27.3", "1.27.3"), ("go1.27.3 X:loopvar,boringcrypto", "1.27.3"), ("go1.28rc1", "1.28rc1"),
            ("devel go1.28-1a2b3c4 Mon Nov 23 09:31:24 2026 +0000", "1.28-1a2b3c4"),
            ("go1.27.3-vendor", "1.27.3-vendor"), ("gollvm", nil), ("go", nil), ("\u{1B}go1", nil),
            ("go1.\u{7}", nil), ("go\u{661}", nil),
        ] as [(String, String?)]
    )
    func release(version: String, expected: String?) async throws {
        let list = try await list(GoProgramFixture(version: version).bytes())
        let component = try #require(list.components.first)
        #expect(component.name == "stdlib" && component.version == expected)
        #expect(component.purl == "pkg:golang/stdlib" + (expected.map { "@\($0)" } ?? ""))
    }

    @Test(
        "has a checksum where go.sum's is one",
        arguments: [
            (
                "h1:Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48=",
                "2a1bb6127fb481c60f67692e22285fb306f3c6ffe62075e0ccf674d7c3adcb8f"
            ),
            ("h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", String(repeating: "0", count: 64)),
            ("h2:Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48=", nil), ("h1:", nil), ("h1:=", nil),
            ("h1:Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty4==", nil),
            ("h1:Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48=\"", nil),
            ("h1:Khu2En-0gcYPZ2kuIihfswbzxv_mIHXgzPZ018Oty48=", nil),
            ("Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48=", nil),
        ] as [(String, String?)]
    )
    func checksum(written: String, expected: String?) async throws {
        let list = try await list(GoProgramFixture(lines: ["dep\ta.example\tv1\t\(written)"]).bytes())
        #expect(list.components.last?.name == "a.example")
        #expect(list.components.last?.hashes?.map(\.content) == expected.map { [$0] })
    }

    @Test("goes by the program's name where nothing else is known")
    func unknown() async throws {
        let image = try await package(staticExecutable([1, 2, 3]), with: Self.packager).image
        let list = try BillOfMaterials(of: image)
        #expect(list.metadata.component.summary == "app | - | - | -")
        #expect(list.metadata.component.hashes?.map(\.content) == [image.executable.digest.encoded])
        #expect(list.components.isEmpty && list.dependencies.map(\.dependsOn) == [[]])
        var program = GoProgramFixture()
        program.module = nil
        #expect(try await self.list(program.bytes()).metadata.component.summary == "app | - | - | -")
    }

    @Test("is Rust's crates, but for those that only helped to build it; or a distribution's package")
    func otherLanguages() async throws {
        let crates = """
            {"packages":[{"name":"adler","version":"0.2.3","source":"crates.io"},\
            {"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},\
            {"name":"app-rs","version":"4.5.6","source":"local","root":true,"dependencies":[0]},\
            {"name":"fork","version":"0.1.0","source":"git"},{"name":"x y","version":"1","source":"crates.io"}]}
            """
        let rust = try await list(ProgramOriginTests.compiled([("dep-v0", crates)]))
        #expect(rust.metadata.component.summary == "app-rs | 4.5.6 | - | not from crates.io: local")
        #expect(
            rust.components.map(\.summary) == [
                "adler | 0.2.3 | pkg:cargo/adler@0.2.3 | -", "fork | 0.1.0 | - | not from crates.io: git",
            ]
        )
        #expect(rust.metadata.properties.last?.value == "1")
        for (note, expected) in [
            (
                #"{"type":"deb","os":"debian","name":"App","version":"1:1.2-3+b1","architecture":"amd64"}"#,
                "App | 1:1.2-3+b1 | pkg:deb/debian/app@1:1.2-3%2Bb1?arch=amd64 | -"
            ),
            (#"{"type":"deb","name":"app","version":"1"}"#, "app | 1 | - | -"),
            (#"{"type":"exe","os":"x","name":"app","version":"1"}"#, "app | 1 | - | -"),
            (#"{"type":"rpm","os":"fedora","name":"app"}"#, "app | - | pkg:rpm/fedora/app | -"),
            (#"{"type":"rpm","os":"fedora"}"#, "app | - | - | -"), ("{", "app | - | - | -"),
        ] {
            let list = try await list(ProgramOriginTests.compiled([("note.package", note)]))
            #expect(list.metadata.component.summary == expected, "\(note)")
            #expect(list.components.isEmpty)
        }
    }

    @Test(
        "is well-formed whatever the build information says",
        arguments: [UInt64.random(in: 0...UInt64.max)]
    )
    func hostile(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let fragments = [
            "dep\t", "=>\t", "mod\t", "\t", "a.example/b", "A.example/B", "v1.0.0", "h1:", "(devel)", "\"",
            "\\",
            "%", "+", "@", "?", "#", " ", "é", "\u{202E}", "\u{0}", "..", "//", "SPDXRef-DOCUMENT", "stdlib",
            "pkg:golang/stdlib@1.27.3", "-2", String(repeating: "x", count: 250),
        ]
        for _ in 0..<60 {
            var program = GoProgramFixture()
            program.lines = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                let count = Int.random(in: 0...6, using: &random)
                return (0..<count).map { _ in fragments.randomElement(using: &random) ?? "" }.joined()
            }
            program.lines = program.lines.map { Bool.random(using: &random) ? "dep\ta/\($0)\tv1" : $0 }
            let image = try await package(program.bytes(), with: Self.packager).image
            try expectWellFormed(image, "seed \(seed)")
        }
    }

    private func expectWellFormed(_ image: PackagedImage, _ comment: Comment) throws {
        let list = try BillOfMaterials(of: image)
        let references = [list.metadata.component.reference] + list.components.map(\.reference)
        #expect(Set(references).count == references.count, comment)
        #expect(list.dependencies.map(\.ref) == [references[0]], comment)
        #expect(list.dependencies.flatMap(\.dependsOn) == Array(references.dropFirst()), comment)
        for url in list.components.compactMap(\.purl) {
            #expect(
                url.wholeMatch(
                    of: /pkg:golang(\/([A-Za-z0-9._~:-]|%[0-9A-F]{2})+)+(@([A-Za-z0-9._~:-]|%[0-9A-F]{2})+)?/
                )
                    != nil,
                comment
            )
        }
        let spdx = try SPDXList(of: image)
        let identifiers = spdx.packages.map(\.SPDXID)
        #expect(Set(identifiers).count == identifiers.count, comment)
        #expect(identifiers.allSatisfy { $0.wholeMatch(of: /SPDXRef-[A-Za-z0-9.-]+/) != nil }, comment)
        #expect(spdx.relationships.map(\.relatedSpdxElement) == identifiers, comment)
        #expect(identifiers.count == references.count, comment)
    }

    @Test("is no more than can be listed")
    func count() async throws {
        let image = try await package(GoProgramFixture(dependencies: 17_000).bytes(), with: Self.packager)
            .image
        let list = try BillOfMaterials(of: image)
        #expect(list.components.count == 16_384)
        try expectWellFormed(image, "many")
    }
}
