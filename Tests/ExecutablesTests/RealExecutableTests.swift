import Foundation
import Testing

@testable import Executables

/// Files made on the spot by the compilers at hand, and checked against what `readelf` reads in them.
@Suite("Executables that compilers make")
struct RealExecutableTests {
    private static let hello = "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n"

    @Test(
        "A C program has a verdict by how it was linked",
        arguments: [
            (["-static", "-no-pie"], nil),
            (["-static-pie"], nil),
            (["-static", "-no-pie", "-s"], nil),
            (["-static-pie", "-s"], nil),
            (["-no-pie"], "interpreter"),
            (["-pie"], "interpreter"),
            (["-pie", "-s"], "interpreter"),
            (["-shared", "-fPIC"], "shared-library"),
            (["-shared", "-fPIC", "-Wl,-soname,libhello.so.1"], "shared-library"),
            (["-c"], "object-file"),
            (["-r", "-nostdlib"], "object-file"),
        ] as [([String], String?)]
    )
    func c(arguments: [String], reason: String?) throws {
        try withTemporaryDirectory { directory in
            let source = directory.appending(path: "hello.c").path
            let output = directory.appending(path: "hello").path
            try Data(Self.hello.utf8).write(to: URL(filePath: source))
            try run("gcc", arguments + ["-o", output, source])
            let verdict = try FileByteSource.withFile(at: output) { try ExecutableVerdict(of: $0) }
            switch verdict {
            case .runnable(let executable):
                #expect(reason == nil)
                #expect(executable.architecture == hostArchitecture)
                let headers = try run("readelf", ["--wide", "--file-header", "--program-headers", output])
                #expect(executable.isPositionIndependent == headers.contains("DYN ("))
                #expect(!headers.contains("INTERP"))
            case .refused(let refusal):
                #expect(refusal.reason.rawValue == reason)
                #expect(refusal.reason.category == .cannotRun)
            }
        }
    }

    @Test(
        "What is read of the headers is what readelf reads",
        arguments: [["-static-pie"], ["-pie"], ["-m32", "-c"]]
    )
    func readelf(arguments: [String]) throws {
        try withTemporaryDirectory { directory in
            let source = directory.appending(path: "f.c").path
            let output = directory.appending(path: "f").path
            try Data("int main(void) { return 0; }\n".utf8).write(to: URL(filePath: source))
            try run("gcc", arguments + ["-o", output, source])
            try FileByteSource.withFile(at: output) { file in
                let header = try ELFHeader(file)
                let segments = try header.segments(in: file)
                let sections = try header.sections(in: file)
                let expected = try run("readelf", ["--wide", "--section-headers", output])
                    .matches(of: /\[ *\d+\] (\S*) +[A-Z]\w+ +[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+)/)
                    .map { "\($0.1) \(UInt64($0.2, radix: 16) ?? 0) \(UInt64($0.3, radix: 16) ?? 0)" }
                #expect(sections.map { "\($0.name) \($0.offset) \($0.size)" } == expected)
                let loads = try run("readelf", ["--wide", "--program-headers", output])
                    .matches(of: /LOAD +0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+ 0x([0-9a-f]+) 0x([0-9a-f]+)/)
                    .map { [$0.1, $0.2, $0.3, $0.4].map { UInt64($0, radix: 16) ?? 0 } }
                let found = segments.filter { $0.kind == .load }
                #expect(found.map { [$0.offset, $0.address, $0.fileSize, $0.memorySize] } == loads)
                let needed = try run("readelf", ["--dynamic", output])
                    .matches(of: /\(NEEDED\).*\[(.*)\]/).map { String($0.1) }
                let dynamic = try header.dynamicSection(of: segments, in: file)
                #expect(dynamic?.neededLibraries ?? [] == needed)
            }
        }
    }

    @Test("The C library and the dynamic linker of this machine are libraries")
    func systemLibraries() throws {
        for name in ["libc.so.6", "ld-linux-x86-64.so.2"] where hostArchitecture == .amd64 {
            let path = try run("gcc", ["-print-file-name=\(name)"]).trimmingCharacters(
                in: .whitespacesAndNewlines
            )
            let verdict = try FileByteSource.withFile(at: path) { try ExecutableVerdict(of: $0) }
            guard case .refused(let refusal) = verdict else { throw Unexpected(verdict) }
            #expect(refusal.reason == .sharedLibrary)
            #expect(refusal.finding.contains(name))
        }
    }

    @Test("A Swift program runs when linked with -static-executable, and is told how when it is not")
    func swift() throws {
        try withTemporaryDirectory { directory in
            let source = directory.appending(path: "main.swift").path
            let output = directory.appending(path: "main").path
            try Data("print(\"hello\")\n".utf8).write(to: URL(filePath: source))
            try run("swiftc", ["-static-executable", "-o", output, source])
            let verdict = try FileByteSource.withFile(at: output) { try ExecutableVerdict(of: $0) }
            guard case .runnable(let executable) = verdict else { throw Unexpected(verdict) }
            #expect(executable.architecture == hostArchitecture)

            try run("swiftc", ["-static-stdlib", "-o", output, source])
            let refused = try FileByteSource.withFile(at: output) { try ExecutableVerdict(of: $0) }
            guard case .refused(let refusal) = refused else { throw Unexpected(refused) }
            #expect(refusal.reason == .interpreter)
            #expect(refusal.advice.contains("swift-linux-musl"))
        }
    }

    @Test(
        "A Go program has a verdict by its platform and build mode",
        .enabled(if: findTool("go") != nil, "SKIPPED: no go command on this machine")
    )
    func go() throws {
        try withTemporaryDirectory { directory in
            let source = directory.appending(path: "main.go").path
            let output = directory.appending(path: "main").path
            try Data("package main\n\nfunc main() { println(\"hello\") }\n".utf8).write(
                to: URL(filePath: source)
            )
            func verdict(_ environment: [String], _ arguments: [String] = []) throws -> ExecutableVerdict {
                // The default cache is shared, or every run would compile the standard library anew.
                let settings = ["CGO_ENABLED=0", "GOFLAGS="] + environment
                try run("env", settings + ["go", "build", "-o", output] + arguments + [source])
                return try FileByteSource.withFile(at: output) { try ExecutableVerdict(of: $0) }
            }
            for architecture in [Architecture.amd64, .arm64] {
                let found = try verdict(["GOOS=linux", "GOARCH=\(architecture.rawValue)"])
                guard case .runnable(let executable) = found else { throw Unexpected(found) }
                #expect(executable.architecture == architecture)
            }
            let pie = try verdict(["GOOS=linux", "GOARCH=amd64"], ["-buildmode=pie"])
            guard case .refused(let refusal) = pie else { throw Unexpected(pie) }
            #expect(refusal.reason == .interpreter)
            #expect(refusal.advice.contains("CGO_ENABLED=0 GOOS=linux go build and without -buildmode=pie"))

            let mac = try verdict(["GOOS=darwin", "GOARCH=arm64"])
            guard case .refused(let refusal) = mac else { throw Unexpected(mac) }
            #expect(refusal.reason == .machO)
            #expect(refusal.message.contains("CGO_ENABLED=0 GOOS=linux go build"))
        }
    }

    /// The example that the test script builds.
    private static let contributors = ProcessInfo.processInfo.environment["BERTH_TEST_CONTRIBUTORS"]

    /// The Go that the example is built with.
    private static let go = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "examples/contributors/go").path

    private func buildInfo(_ path: String) throws -> (executable: StaticExecutable, go: GoBuildInfo?) {
        let verdict = try FileByteSource.withFile(at: path) { try ExecutableVerdict(of: $0) }
        guard case .runnable(let executable) = verdict else { throw Unexpected(verdict) }
        return (executable, executable.buildInfo.go)
    }

    /// What Go's own tool reads, without the line's indentation.
    private func lines(of go: GoBuildInfo) -> Set<String> {
        func module(_ word: String, _ version: GoModule.Version) -> String {
            // The tool prints tabs for what is empty, which are trimmed from its lines too.
            [word, version.path, version.version, version.checksum].joined(separator: "\t")
                .trimmingCharacters(in: .whitespaces)
        }
        var lines = [go.version, go.path.map { "path\t\($0)" }].compactMap(\.self)
        for (word, modules) in [("mod", [go.mainModule].compactMap(\.self)), ("dep", go.dependencies)] {
            for entry in modules {
                lines.append(module(word, entry.required))
                if let replacement = entry.replacement { lines.append(module("=>", replacement)) }
            }
        }
        return Set(lines + go.settings.map { "build\t\($0.key)=\($0.value)" })
    }

    private func goVersion(_ path: String) throws -> Set<String> {
        let printed = try run(Self.go, ["version", "-m", path]).replacing("\(path): ", with: "")
        return Set(
            printed.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter {
                !$0.isEmpty
            }.map {
                $0.replacing(/^build\t(.*?)="(.*)"$/) {
                    "build\t\($0.output.1)=\($0.output.2)"
                }
            }
        )
    }

    @Test(
        "The example's build information is what Go itself reads, also without symbols and section headers",
        .enabled(if: contributors != nil, "SKIPPED: scripts/test builds the example")
    )
    func goBuildInfo() throws {
        let path = try #require(Self.contributors)
        let go = try #require(try buildInfo(path).go)
        #expect(go.path == "berth.example/contributors")
        let oracle = try goVersion(path)
        #expect(oracle.count > 8)
        #expect(lines(of: go).symmetricDifference(oracle) == [])

        // e_shoff, e_shnum and e_shstrndx: what sstrip and some packers leave out.
        var file = Array(try Data(contentsOf: URL(filePath: path)))
        for index in Array(40..<48) + Array(60..<64) { file[index] = 0 }
        guard case .runnable(let executable) = try ExecutableVerdict(of: file) else { throw Unexpected(path) }
        #expect(executable.buildInfo.go == go)
    }

    @Test(
        "Go for Arm says for which one, and which modules were replaced",
        .enabled(if: contributors != nil, "SKIPPED: scripts/test fetches Go"),
        arguments: ["5"]
    )
    func goArm(version: String) throws {
        try withTemporaryDirectory { directory in
            let files = [
                "go.mod":
                    "module example.com/app\n\nrequire example.com/lib v1.0.0\nreplace example.com/lib => ./lib\n",
                "main.go":
                    "package main\n\nimport \"example.com/lib\"\n\nfunc main() { println(lib.Name) }\n",
                "lib/go.mod": "module example.com/lib\n",
                "lib/lib.go": "package lib\n\nconst Name = \"lib\"\n",
            ]
            try FileManager.default.createDirectory(
                at: directory.appending(path: "lib"),
                withIntermediateDirectories: true
            )
            for (name, text) in files {
                try Data(text.utf8).write(to: directory.appending(path: name))
            }
            let output = directory.appending(path: "app").path
            let settings = ["CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux", "GOARCH=arm", "GOARM=\(version)"]
            let flags = ["-C", directory.path, "-buildvcs=false", "-ldflags=-s -w", "-o", output]
            try run("env", settings + [Self.go, "build"] + flags + ["."])
            let (executable, info) = try buildInfo(output)
            #expect(executable.architecture == .arm)
            #expect(executable.variant == "v\(version)")
            let go = try #require(info)
            #expect(go.settings["-ldflags"] == "-s -w")
            #expect(go.dependencies.first?.required.version == "v1.0.0")
            #expect(go.dependencies.first?.built.path == "./lib")
            #expect(lines(of: go).symmetricDifference(try goVersion(output)) == [])
        }
    }

    @Test("A C program tells its compiler, and the package that it was built for")
    func packageNote() throws {
        try withTemporaryDirectory { directory in
            let source = directory.appending(path: "hello.c").path
            let output = directory.appending(path: "hello").path
            try Data(Self.hello.utf8).write(to: URL(filePath: source))
            let note = #"{"type":"deb","os":"debian","name":"hello","version":"1.2-3"}"#
            // Not as an argument, as commas would part it.
            let object = directory.appending(path: "note.s").path
            try Data(
                """
                .section .note.package,"a",%note
                .balign 4
                .long 4, 2f - 1f, 0xcafe1a7e
                .asciz "FDO"
                1: .asciz "\(note.replacing("\"", with: "\\\""))"
                2: .balign 4

                """.utf8
            ).write(to: URL(filePath: object))
            try run("gcc", ["-static", "-no-pie", "-o", output, source, object])
            for arguments in [[], ["--strip-all"], ["--strip-all", "--remove-section=.comment"]] {
                try run("strip", arguments + [output])
                let info = try buildInfo(output).executable.buildInfo
                #expect(info.packageNote.map { String(decoding: $0, as: UTF8.self) } == note)
                #expect(info.compilers.contains { $0.hasPrefix("GCC: ") } == (arguments.count < 2))
                #expect(info.go == nil && info.rustDependencies == nil)
            }
            let read = try run("readelf", ["--notes", "--wide", output])
            #expect(read.contains("1.2-3"), "\(read)")
        }
    }

    private var hostArchitecture: Architecture {
        #if arch(arm64)
            .arm64
        #else
            .amd64
        #endif
    }
}

/// The path of a program on the search path.
func findTool(_ name: String) -> String? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return path.split(separator: ":").map { "\($0)/\(name)" }
        .first { FileManager.default.isExecutableFile(atPath: $0) }
}

/// Runs a program to its end and gives what it printed; a failure is an error with what it said.
@discardableResult
func run(_ tool: String, _ arguments: [String]) throws -> String {
    guard let path = tool.hasPrefix("/") ? tool : findTool(tool) else {
        throw Unexpected("no \(tool) on this machine")
    }
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let printed = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let text = String(decoding: printed, as: UTF8.self)
    guard process.terminationStatus == 0 else { throw Unexpected("\(tool) \(arguments): \(text)") }
    return text
}
