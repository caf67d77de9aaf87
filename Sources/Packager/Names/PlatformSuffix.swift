import OCI

/// The platform that build tools put behind a program's name, such as `-linux-amd64` or `_Linux_x86_64`.
enum PlatformSuffix {
    /// Words that mean a platform even alone.
    private static let distinctive = [
        "linux", "amd64", "x86_64", "x86-64", "arm64", "aarch64", "i386", "i686", "armv5", "armv6", "armv7",
        "armv6l", "armv7l", "armhf", "riscv64", "riscv64gc", "ppc64", "ppc64le", "powerpc64le", "s390x",
        "loong64",
        "loongarch64", "mips64", "mips64le", "mipsle",
    ]

    /// Words that mean a platform only beside a distinctive one: programs may be called so.
    private static let accompanying = [
        "386", "x86", "x64", "arm", "mips", "unknown", "pc", "gnu", "musl", "gnueabihf", "musleabihf",
        "static", "v1",
        "v2", "v3", "v8",
    ]

    /// The name without a platform at its end; unchanged where nothing else would be left.
    static func dropped(from name: String) -> String {
        var rest = name[...]
        var shortest = rest
        while let (stem, isDistinctive) = withoutLastWord(rest) {
            rest = stem
            if isDistinctive { shortest = stem }
        }
        return String(shortest)
    }

    private static func withoutLastWord(_ name: Substring) -> (stem: Substring, isDistinctive: Bool)? {
        for (words, isDistinctive) in [(distinctive, true), (accompanying, false)] {
            for word in words where name.hasSuffix(word) {
                let stem = name.dropLast(word.count)
                guard let separator = stem.last, "-_.".contains(separator) else { continue }
                let rest = stem.dropLast()
                // The beginning of a component is never a suffix.
                guard let last = rest.utf8.last, last.isASCIILowercase || last.isASCIIDigit else { continue }
                return (rest, isDistinctive)
            }
        }
        return nil
    }
}
