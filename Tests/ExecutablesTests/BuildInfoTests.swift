import Testing

@testable import Executables

@Suite("Build information")
struct BuildInfoTests {
    private static let modules = """
        path\texample.com/app/cmd/app
        mod\texample.com/app\tv1.2.3\th1:main=
        dep\texample.com/a\tv0.1.0\th1:a=
        dep\texample.com/b\tv0.2.0
        =>\texample.com/fork\tv0.2.1\th1:fork=
        dep\texample.com/c\tv0.3.0
        =>\t./c\t
        build\t-buildmode=exe
        build\t-ldflags="-s -w -X 'main.x=\\ta\\u00fc\\x41\\"'"
        build\t"k=\\n"=`raw\\n`
        build\tGOARCH=amd64
        build\tvcs.revision=674377e7e14ef527d7bbbc85b6b54f688bb579f4
        build\tempty=
        later\tsomething

        """

    @Test(
        "Go's is read in both formats, widths and byte orders, with and without sections",
        arguments: BuildInfoFixture.all
    )
    func go(fixture: BuildInfoFixture) throws {
        var fixture = fixture
        fixture.modules = Self.modules
        for padding in [0, 16, 4096] {
            fixture.padding = padding
            let go = try #require(try buildInfo(of: fixture.bytes()).go)
            #expect(go.version == "go1.27.3")
            #expect(go.path == "example.com/app/cmd/app")
            typealias Version = GoModule.Version
            let main = Version(path: "example.com/app", version: "v1.2.3", checksum: "h1:main=")
            #expect(go.mainModule == GoModule(required: main))
            #expect(
                go.dependencies == [
                    GoModule(required: Version(path: "example.com/a", version: "v0.1.0", checksum: "h1:a=")),
                    GoModule(
                        required: Version(path: "example.com/b", version: "v0.2.0", checksum: ""),
                        replacement: Version(
                            path: "example.com/fork",
                            version: "v0.2.1",
                            checksum: "h1:fork="
                        )
                    ),
                    GoModule(
                        required: Version(path: "example.com/c", version: "v0.3.0", checksum: ""),
                        replacement: Version(path: "./c", version: "", checksum: "")
                    ),
                ]
            )
            #expect(go.dependencies.map(\.built.path) == ["example.com/a", "example.com/fork", "./c"])
            #expect(
                go.settings == [
                    "-buildmode": "exe", "-ldflags": "-s -w -X 'main.x=\taüA\"'", "k=\n": "raw\\n",
                    "GOARCH": "amd64", "vcs.revision": "674377e7e14ef527d7bbbc85b6b54f688bb579f4",
                    "empty": "",
                ]
            )
        }
    }

    @Test(
        "A block is found only where a multiple of 16 bytes stands before it",
        arguments: BuildInfoFixture.all
    )
    func alignment(fixture: BuildInfoFixture) throws {
        var fixture = fixture
        for padding in [1, 8, 15, 17] {
            fixture.padding = padding
            #expect(try buildInfo(of: fixture.bytes()).go == nil, "\(padding)")
        }
    }

    @Test(
        "Without modules there is a version alone, and without a version nothing",
        arguments: BuildInfoFixture.all
    )
    func versionAlone(fixture: BuildInfoFixture) throws {
        var fixture = fixture
        fixture.modules = ""
        let go = try #require(try buildInfo(of: fixture.bytes()).go)
        #expect(go.version == "go1.27.3" && go.path == nil && go.mainModule == nil && go.settings.isEmpty)
        fixture.version = ""
        #expect(try buildInfo(of: fixture.bytes()).go == nil)
    }

    private static let sizes: [UInt64] = [
        257, 1 << 20 + 1, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 40, .max >> 1, .max - 64, .max,
    ]

    @Test(
        "A text that says it is too long is not read, and the program still runs",
        arguments: BuildInfoFixture.all
    )
    func hostileSizes(fixture: BuildInfoFixture) throws {
        for size in Self.sizes {
            var long = fixture
            long.versionSize = size
            #expect(try buildInfo(of: long.bytes()).go == nil, "\(size)")
            long.versionSize = nil
            long.modulesSize = size
            #expect(try buildInfo(of: long.bytes()).go?.path == nil, "\(size)")
        }
    }

    @Test("Lines that Go would not write are passed over")
    func oddLines() throws {
        var fixture = BuildInfoFixture()
        fixture.modules = """
            =>\tnothing\tto replace
            dep
            dep\t\tv1
            =>\tnothing\tto replace
            mod\ttoo\tmany\tcolumns\there
            =>\tnothing\tto replace
            build
            build\tnone
            build\t=none
            build\t"open=none
            build\tk="open
            build\tk="\\q"
            build\tk="\\x+1"
            build\tk="\\ud800"
            build\tk="a"b
            build\tk=first
            build\tk=second
            path\ta\tb
            \t\t\t

            """
        let go = try #require(try buildInfo(of: fixture.bytes()).go)
        #expect(go.path == nil && go.mainModule == nil && go.dependencies.isEmpty)
        #expect(go.settings == ["k": "first"])
    }

    @Test("Lists have an end")
    func longLists() throws {
        var fixture = BuildInfoFixture()
        fixture.modules =
            (0..<20_000).map { "dep\tm\($0)\tv1\n" }.joined()
            + (0..<1_000).map { "build\tk\($0)=v\n" }.joined()
        let go = try #require(try buildInfo(of: fixture.bytes()).go)
        #expect(go.dependencies.count == GoBuildInfoLimit.moduleCount)
        #expect(go.settings.count == GoBuildInfoLimit.settingCount)
    }

    @Test("A program that has sections but not Go's is not searched")
    func otherPrograms() throws {
        var elf = ELFFixture(sections: [(".data", [1])])
        elf.data =
            BuildInfoFixture.magic + [8, 2] + [UInt8](repeating: 0, count: 16) + [3] + Array("go1".utf8) + [0]
        #expect(try buildInfo(of: elf.bytes()).go == nil)
        elf.sections = []
        #expect(try buildInfo(of: elf.bytes()).go?.version == "go1")
    }

    @Test("Rust's list of crates, the package's note and the compilers come as they are")
    func others() throws {
        var elf = ELFFixture(noteOwners: ["GNU"])
        elf.packageNote = Array(#"{"type":"deb"}"#.utf8) + [0, 0, 0]
        elf.sections = [
            (".dep-v0", [1, 2, 3]), (".comment", Array("\0GCC: 12\0rustc\0\0GCC: 12\0clang".utf8)),
        ]
        let info = try buildInfo(of: elf.bytes())
        #expect(info.rustDependencies == [1, 2, 3])
        #expect(info.packageNote == Array(#"{"type":"deb"}"#.utf8))
        #expect(info.compilers == ["GCC: 12", "rustc", "clang"])
        #expect(info.go == nil)

        elf.sections = [(".dep-v0", [UInt8](repeating: 1, count: 1_048_577))]
        #expect(try buildInfo(of: elf.bytes()).rustDependencies == nil)
        elf.sections = [(".comment", Array((0..<100).map { "c\($0)\0" }.joined().utf8))]
        #expect(try buildInfo(of: elf.bytes()).compilers.count == 32)
    }

    @Test("A file that can only be read in parts tells the same", arguments: BuildInfoFixture.all)
    func onDemand(fixture: BuildInfoFixture) async throws {
        var fixture = fixture
        fixture.modules = Self.modules
        let file = fixture.bytes() + [UInt8](repeating: 0, count: 4_000_000)
        var read = 0
        let verdict = try await ExecutableVerdict(ofFileWithSize: UInt64(file.count)) { range in
            read += range.count
            return Array(file[Int(range.lowerBound)..<Int(range.upperBound)])
        }
        #expect(verdict == (try ExecutableVerdict(of: file)))
        #expect(read < 16_384)
    }

    @Test("Any bit of it may be wrong", arguments: BuildInfoFixture.all)
    func bitFlips(fixture: BuildInfoFixture) throws {
        let file = fixture.bytes()
        for bit in 0..<file.count * 8 {
            var flipped = file
            flipped[bit / 8] ^= 1 << (bit % 8)
            _ = try ExecutableVerdict(of: flipped)
        }
    }

    @Test("Random blocks are read or passed over", arguments: [UInt64.random(in: 0...UInt64.max)])
    func randomBlocks(seed: UInt64) throws {
        // A trap would end the process before the argument is reported.
        print("random blocks, seed \(seed)")
        var random = SplitMix64(seed: seed)
        for _ in 0..<3_000 {
            var elf = ELFFixture(wordSize: .bits32, machine: 40)
            let noise = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random) & (Bool.random(using: &random) ? 0xFF : 0x0F)
            }
            elf.sections = [
                (".go.buildinfo", BuildInfoFixture.magic + noise),
                (".ARM.attributes", Array("A".utf8) + noise),
                (".note.package", noise), (".comment", noise),
            ]
            elf.sectionTypes = [".ARM.attributes": 0x7000_0003]
            _ = try buildInfo(of: elf.bytes())
            let words = [
                "path", "mod", "dep", "=>", "build", "\t", "\n", "\"", "`", "=", "\\", "x41", "ü", "v1",
            ]
            var fixture = BuildInfoFixture.all.randomElement(using: &random) ?? BuildInfoFixture()
            fixture.modules =
                (0..<40).map { _ in words.randomElement(using: &random) ?? "" }.joined() + "\n"
            #expect(try buildInfo(of: fixture.bytes()).go?.version == "go1.27.3")
        }
    }
}
