import Testing

@testable import Executables

@Suite("Files that are no executables for Linux")
struct FileFormatTests {
    private static func tar() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1024)
        bytes.replaceSubrange(0..<3, with: "app".utf8)
        bytes.replaceSubrange(257..<263, with: "ustar\0".utf8)
        return bytes
    }

    private static let samples: [(String, [UInt8], String)] = [
        ("empty", [], "empty"),
        ("mach-o", [0xCF, 0xFA, 0xED, 0xFE, 0x07, 0, 0, 1], "macOS, amd64"),
        ("mach-o", [0xCF, 0xFA, 0xED, 0xFE, 0x0C, 0, 0, 1], "macOS, arm64"),
        ("mach-o", [0xCE, 0xFA, 0xED, 0xFE, 0x07, 0, 0, 0], "macOS, 386"),
        ("mach-o", [0xFE, 0xED, 0xFA, 0xCE, 0, 0, 0, 0x12], "macOS, PowerPC"),
        ("mach-o", [0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 2], "macOS, universal"),
        ("mach-o", [0xCA, 0xFE, 0xBA, 0xBF, 0, 0, 0, 2], "macOS, universal"),
        ("java-class", [0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 65], "Java"),
        ("java-class", [0xCA, 0xFE, 0xBA, 0xBE, 0, 3, 0, 45], "Java"),
        ("pe", Array("MZ".utf8) + [0x90, 0], "Windows"),
        ("wasm", [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0], "WebAssembly"),
        ("llvm-bitcode", [0x42, 0x43, 0xC0, 0xDE], "bitcode"),
        ("llvm-bitcode", [0xDE, 0xC0, 0x17, 0x0B], "bitcode"),
        ("script", Array("#!/usr/bin/env python3\nprint()".utf8), "/usr/bin/env python3"),
        ("script", Array("#! /bin/sh\r\n".utf8), "script for /bin/sh,"),
        ("script", Array("#!".utf8), "script for (no name)"),
        ("gzip", [0x1F, 0x8B, 8, 0], "gzip"),
        ("zip", [0x50, 0x4B, 3, 4], "zip"),
        ("zip", [0x50, 0x4B, 5, 6], "zip"),
        ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz"),
        ("zstd", [0x28, 0xB5, 0x2F, 0xFD], "zstd"),
        ("bzip2", Array("BZh91AY".utf8), "bzip2"),
        ("7z", [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "7z"),
        ("lz4", [0x04, 0x22, 0x4D, 0x18], "lz4"),
        ("rpm", [0xED, 0xAB, 0xEE, 0xDB], "RPM"),
        ("tar", tar(), "tar archive"),
        ("ar", Array("!<arch>\nfoo.o/".utf8), "object files"),
        ("ar", Array("!<thin>\n".utf8), "object files"),
        ("deb", Array("!<arch>\ndebian-binary   ".utf8), "Debian"),
        ("html", Array("<!DOCTYPE HTML><html>".utf8), "HTML"),
        ("html", Array("\u{FEFF}\r\n  <html lang=de>".utf8), "HTML"),
        (
            "git-lfs-pointer",
            Array("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n".utf8), "Git LFS"
        ),
        (
            "multipart-form",
            Array(
                "--------------------------4e\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n\u{7F}ELF"
                    .utf8
            ),
            "form"
        ),
        ("text", Array("hello\n".utf8), "text"),
        ("text", Array("{\"schemaVersion\": 2}".utf8), "text"),
        ("text", Array("grüße\n".utf8), "text"),
        ("unknown-format", [0x7F], "not a Linux executable"),
        ("unknown-format", [0x7F, 0x45, 0x4C, 0x47, 2, 1, 1], "not a Linux executable"),
        ("unknown-format", [0x89, 0x50, 0x4E, 0x47, 0], "not a Linux executable"),
        ("unknown-format", [UInt8](repeating: 0, count: 600), "not a Linux executable"),
    ]

    @Test("Each is told by its first bytes, alone and with more behind them", arguments: samples)
    func recognition(reason: String, bytes: [UInt8], words: String) throws {
        let refusal = try refusal(of: bytes)
        #expect(refusal.reason.rawValue == reason)
        #expect(refusal.reason.category == .notAnExecutable)
        #expect(refusal.message.contains(words))
        #expect(refusal.message.unicodeScalars.allSatisfy { (0x20..<0x7F).contains($0.value) })
        guard !bytes.isEmpty, reason != "text" else { return }
        let longer = bytes + [UInt8](repeating: 0, count: 5000)
        #expect(try reasonName(of: longer) == reason)
    }

    @Test("A refusal by the beginning is that of the whole file", arguments: samples)
    func early(reason: String, bytes: [UInt8], words: String) throws {
        let size = UInt64(bytes.count)
        let whole = try refusal(of: bytes)
        #expect(ExecutableVerdict.earlyRefusal(beginning: bytes, size: size) == whole)
        let beginning = Array((bytes + [UInt8](repeating: 0, count: 512)).prefix(512))
        let padded = try refusal(of: beginning)
        #expect(ExecutableVerdict.earlyRefusal(beginning: beginning, size: 1 << 40) == padded)
        guard bytes.count < 512 else { return }
        #expect(ExecutableVerdict.earlyRefusal(beginning: bytes, size: 1 << 40) == nil)
    }

    @Test("A program is told early only by what the whole file would say too")
    func earlyELF() throws {
        let file = ELFFixture(
            type: 3,
            interpreter: "/ld",
            libraries: ["libc.so.6"],
            sections: [(".comment", Array("GCC".utf8))],
            code: [UInt8](repeating: 7, count: 3000)
        ).bytes()
        let whole = try refusal(of: file)
        for length in 512...file.count {
            let early = ExecutableVerdict.earlyRefusal(
                beginning: Array(file[..<length]),
                size: UInt64(file.count)
            )
            #expect(early == nil || early == whole)
        }
        let go = ELFFixture(interpreter: "/ld", noteOwners: ["Go"], code: [UInt8](repeating: 7, count: 3000))
            .bytes()
        let early = ExecutableVerdict.earlyRefusal(beginning: Array(go[..<512]), size: UInt64(go.count))
        #expect(early?.reason == .interpreter)
        let cut = ExecutableVerdict.earlyRefusal(beginning: Array(go[..<512]), size: UInt64(go.count) - 1)
        #expect(cut?.reason == .cutShort)
    }

    @Test("A file read piece by piece gets the verdict of the file read at once")
    func asynchronousReads() async throws {
        var files = Self.samples.map(\.1) + HostileELFTests.fixtures.map { $0.bytes() }
        files.append(ELFFixture(interpreter: "/ld", sections: [(".comment", Array("GCC".utf8))]).bytes())
        files += files.map { Array($0.prefix($0.count * 2 / 3)) }
        for file in files {
            var ranges: [Range<UInt64>] = []
            let verdict = try await ExecutableVerdict(ofFileWithSize: UInt64(file.count)) { range in
                ranges.append(range)
                return try file.bytes(in: range)
            }
            let expected = try ExecutableVerdict(of: file)
            #expect(verdict == expected)
            #expect(Set(ranges).count == ranges.count)
            #expect(ranges.count < 40)
        }
    }

    @Test("A read that fails ends the inspection with its error")
    func failingRead() async throws {
        await #expect(throws: Unexpected.self) {
            _ = try await ExecutableVerdict(ofFileWithSize: 1000) { _ in throw Unexpected("no disk") }
        }
    }

    @Test("Every reason has its own stable name")
    func names() {
        let names = ExecutableRefusal.Reason.allCases.map(\.rawValue)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.wholeMatch(of: /[0-9a-z]+(-[0-9a-z]+)*/) != nil })
    }
}

private func reasonName(of bytes: [UInt8]) throws -> String { try refusal(of: bytes).reason.rawValue }
