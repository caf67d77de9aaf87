/// Recognises what people send in place of a Linux executable, by the first bytes of the file.
enum FileFormat {
    /// How many bytes are looked at; a tar archive shows itself within them.
    static let prefixLength: UInt64 = 512

    /// Says what a file is that does not begin like ELF, by its first ``prefixLength`` bytes or all there
    /// are.
    static func refusal(_ prefix: [UInt8]) -> ExecutableRefusal {
        if prefix.isEmpty {
            return ExecutableRefusal(.empty, "the file is empty", advice: Advice.buildForLinux)
        }
        return executable(prefix) ?? archive(prefix) ?? text(prefix)
            ?? ExecutableRefusal(
                .unknownFormat,
                "this is not a Linux executable (ELF)",
                advice: Advice.buildForLinux
            )
    }

    /// Programs of other systems and machines.
    private static func executable(_ prefix: [UInt8]) -> ExecutableRefusal? {
        if let machO = machO(prefix) { return machO }
        if prefix.starts(with: [0xCA, 0xFE, 0xBA, 0xBE]) {
            return ExecutableRefusal(
                .javaClass,
                "this is a Java class file, which needs a Java runtime",
                advice:
                    "push an image that has one, or compile to a static executable with native-image --static"
            )
        }
        if prefix.starts(with: "MZ".utf8) {
            return ExecutableRefusal(
                .portableExecutable,
                "this is a Windows executable (PE)",
                advice: "build it for Linux; for Go: \(Advice.go)"
            )
        }
        if prefix.starts(with: [0x00, 0x61, 0x73, 0x6D]) {
            return ExecutableRefusal(
                .webAssembly,
                "this is a WebAssembly module",
                advice: "build it for Linux; for Go: CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build"
            )
        }
        if prefix.starts(with: [0x42, 0x43, 0xC0, 0xDE]) || prefix.starts(with: [0xDE, 0xC0, 0x17, 0x0B]) {
            return ExecutableRefusal(
                .llvmBitcode,
                "this is LLVM bitcode, which no machine runs",
                advice: "compile and link it into an executable with -static"
            )
        }
        return nil
    }

    private static func machO(_ prefix: [UInt8]) -> ExecutableRefusal? {
        guard prefix.count >= 8 else { return nil }
        let processor: String
        switch Array(prefix[..<4]) {
        case [0xCF, 0xFA, 0xED, 0xFE], [0xCE, 0xFA, 0xED, 0xFE]:
            processor = processorName(prefix[4], prefix[7])
        case [0xFE, 0xED, 0xFA, 0xCF], [0xFE, 0xED, 0xFA, 0xCE]:
            processor = processorName(prefix[7], prefix[4])
        case [0xCA, 0xFE, 0xBA, 0xBF]: processor = "universal"
        // Java's class files share the magic; behind it they have versions from 45 on, where these count a
        // few architectures.
        case [0xCA, 0xFE, 0xBA, 0xBE] where prefix[4...6].allSatisfy { $0 == 0 } && prefix[7] < 45:
            processor = "universal"
        default: return nil
        }
        return ExecutableRefusal(
            .machO,
            "this is a Mach-O executable (macOS, \(processor))",
            advice: "build it for Linux; for Go: \(Advice.go)"
        )
    }

    /// The name of a Mach-O cputype, of whose four bytes the lowest names the family and the highest the
    /// width.
    private static func processorName(_ family: UInt8, _ width: UInt8) -> String {
        switch (family, width) {
        case (7, 1): "amd64"
        case (7, _): "386"
        case (12, 1): "arm64"
        case (12, _): "arm"
        case (18, _): "PowerPC"
        default: "unknown processor"
        }
    }

    /// Archives, packages and compressed files.
    private static func archive(_ prefix: [UInt8]) -> ExecutableRefusal? {
        for (magic, reason, name) in compressedFormats where prefix.starts(with: magic) {
            let isTaken = reason == .gzip || reason == .zstd
            return ExecutableRefusal(
                reason,
                "this is \(name)",
                advice: "unpack it and send the executable itself"
                    + (isTaken ? "; of a root folder in a tar archive ?entrypoint=/PATH makes an image" : "")
            )
        }
        if prefix.count >= 262, prefix[257..<262].elementsEqual("ustar".utf8) {
            return ExecutableRefusal(
                .tar,
                "this is a tar archive",
                advice:
                    "send the executable itself, or name the one in it: ?entrypoint=/PATH makes an image of a root "
                    + "folder; images go with docker push or skopeo copy"
            )
        }
        if prefix.starts(with: "!<arch>\ndebian-binary".utf8) {
            return ExecutableRefusal(
                .debianPackage,
                "this is a Debian package",
                advice: "unpack it with dpkg-deb -x and send the executable itself"
            )
        }
        if prefix.starts(with: "!<arch>\n".utf8) || prefix.starts(with: "!<thin>\n".utf8) {
            return ExecutableRefusal(
                .archive,
                "this is an archive of object files (ar)",
                advice: "link it into an executable with -static; for Go, build package main: \(Advice.go)"
            )
        }
        return nil
    }

    private static let compressedFormats: [([UInt8], ExecutableRefusal.Reason, String)] = [
        ([0x1F, 0x8B], .gzip, "a gzip file"),
        ([0x50, 0x4B, 0x03, 0x04], .zip, "a zip or jar archive"),
        ([0x50, 0x4B, 0x05, 0x06], .zip, "an empty zip archive"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], .xz, "an xz file"),
        ([0x28, 0xB5, 0x2F, 0xFD], .zstd, "a zstd file"),
        (Array("BZh".utf8), .bzip2, "a bzip2 file"),
        ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], .sevenZip, "a 7z archive"),
        ([0x04, 0x22, 0x4D, 0x18], .lz4, "an lz4 file"),
        ([0xED, 0xAB, 0xEE, 0xDB], .rpmPackage, "an RPM package"),
    ]
}
