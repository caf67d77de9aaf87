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
    guard let path = findTool(tool) else { throw Unexpected("no \(tool) on this machine") }
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
