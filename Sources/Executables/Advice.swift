/// What to do about a refused file, in the terms of the language it was written in.
enum Advice {
    static let go = "CGO_ENABLED=0 GOOS=linux go build"

    /// For files that hold no Linux program at all.
    static let buildForLinux = "send a static Linux executable; for Go: \(go)"

    static let sendAgain = "send the whole file again, unchanged: curl -T FILE"

    /// For programs that need files which an empty image does not have.
    static func linkStatically(_ language: SourceLanguage?, architecture: Architecture?) -> String {
        let cpu =
            switch architecture {
            case .amd64: "x86_64"
            case .arm64: "aarch64"
            default: "ARCH"
            }
        return switch language {
        case .go: "build it with \(go)"
        case .rust: "build it with cargo build --release --target \(cpu)-unknown-linux-musl"
        case .swift:
            "build it with swift build -c release --swift-sdk \(cpu)-swift-linux-musl, or -static-executable"
        case .zig: "build it with -target \(cpu)-linux-musl, which links statically"
        case .c: "link it with -static"
        case nil:
            "link it statically; for Go: \(go), for C: -static, for Rust: --target \(cpu)-unknown-linux-musl, for Zig: -target \(cpu)-linux-musl"
        }
    }

    /// For parts and kinds of programs that a whole executable must be made from first.
    static func linkExecutable(_ language: SourceLanguage?) -> String {
        switch language {
        case .go: "build package main as an executable: \(go)"
        case .rust: "build a binary target, not a library"
        case .swift: "build an executable product, not a library"
        case .zig: "build an executable (zig build-exe), not a library"
        case .c: "link it into an executable with -static"
        case nil: "send the executable itself; for Go: \(go)"
        }
    }
}
