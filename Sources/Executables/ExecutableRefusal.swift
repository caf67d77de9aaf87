/// Why a file cannot become an image that runs, and what to do about it.
package struct ExecutableRefusal: Error, Hashable, Sendable {
    /// The stable name of what was found.
    package let reason: Reason
    /// What the file is, as a clause in printable ASCII: "this is a Mach-O executable (macOS, arm64)".
    package let finding: String
    /// What to do, as an imperative clause in printable ASCII that often ends with a command.
    package let advice: String

    /// Finding and advice in one line.
    package var message: String { "\(finding); \(advice)" }

    /// The two ways in which a file can be unfit.
    package enum Category: Hashable, Sendable {
        /// Something other than a program for Linux.
        case notAnExecutable
        /// A program or a part of one, but none that runs in an otherwise empty image.
        case cannotRun
    }

    /// What was found, under names that clients may rely on.
    package enum Reason: String, CaseIterable, Hashable, Sendable {
        case empty
        case machO = "mach-o"
        case portableExecutable = "pe"
        case script
        case tar
        case gzip
        case zip
        case xz
        case zstd
        case bzip2
        case sevenZip = "7z"
        case lz4
        case archive = "ar"
        case debianPackage = "deb"
        case rpmPackage = "rpm"
        case javaClass = "java-class"
        case webAssembly = "wasm"
        case llvmBitcode = "llvm-bitcode"
        case html
        case gitLFSPointer = "git-lfs-pointer"
        case multipartForm = "multipart-form"
        case text
        case unknownFormat = "unknown-format"

        case interpreter
        case sharedLibraries = "shared-libraries"
        case sharedLibrary = "shared-library"
        case objectFile = "object-file"
        case coreFile = "core-file"
        case otherSystem = "other-system"
        case x32
        case unsupportedMachine = "unsupported-machine"
        case notLoadable = "not-loadable"
        case cutShort = "cut-short"
        case malformed

        package var category: Category {
            switch self {
            case .empty, .machO, .portableExecutable, .script, .tar, .gzip, .zip, .xz, .zstd, .bzip2,
                .sevenZip, .lz4,
                .archive, .debianPackage, .rpmPackage, .javaClass, .webAssembly, .llvmBitcode, .html,
                .gitLFSPointer,
                .multipartForm, .text, .unknownFormat:
                .notAnExecutable
            case .interpreter, .sharedLibraries, .sharedLibrary, .objectFile, .coreFile, .otherSystem, .x32,
                .unsupportedMachine, .notLoadable, .cutShort, .malformed:
                .cannotRun
            }
        }
    }

    init(_ reason: Reason, _ finding: String, advice: String) {
        self.reason = reason
        self.finding = finding
        self.advice = advice
    }
}

extension String {
    /// A name out of an untrusted file, fit for one line of a reply or a log: printable ASCII, at most 100
    /// characters.
    var quotable: String {
        let characters = unicodeScalars.prefix(100).map { scalar in
            scalar.value >= 0x20 && scalar.value < 0x7F ? Character(scalar) : "?"
        }
        return characters.isEmpty ? "(no name)" : String(characters)
    }
}
