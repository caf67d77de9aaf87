import OCI
import Testing

@testable import Packager

@Suite("Names of uploads")
struct UploadNameTests {
    @Test(
        "Addresses become names of repositories, and every change is noted",
        arguments: [
            ("contributors", "contributors"),
            ("Contributors-linux-amd64", "contributors"),
            ("Team/Contributors", "team/contributors"),
            ("app_Linux_x86_64", "app"),
            ("app-linux", "app"),
            ("app-amd64", "app"),
            ("app_1.2.3_linux_arm64", "app_1.2.3"),
            ("app-linux-386", "app"),
            ("app-linux-arm", "app"),
            ("app-linux-armv7", "app"),
            ("app-linux-arm64-musl", "app"),
            ("app.linux-amd64", "app"),
            ("app-linux-amd64-v1", "app"),
            ("app_linux_amd64_v1", "app"),
            ("tool-x86_64-unknown-linux-musl", "tool"),
            ("tool-aarch64-unknown-linux-gnu", "tool"),
            ("tool-x86_64-linux-musl-static", "tool"),
            ("linux", "linux"),
            ("linux-amd64", "linux"),
            ("team/amd64", "team/amd64"),
            ("linux-amd64/app", "linux-amd64/app"),
            ("robot-arm", "robot-arm"),
            ("app-static", "app-static"),
            ("nginx-unit-x64", "nginx-unit-x64"),
            ("x86", "x86"),
            ("photolinux", "photolinux"),
            ("go-v2", "go-v2"),
            ("a", "a"),
        ]
    )
    func names(path: String, expected: String) throws {
        let name = try UploadName(path)
        #expect(name.repository.rawValue == expected)
        #expect(name.notes == (path == expected ? [] : [.renamed(from: path, to: expected)]))
        for note in name.notes { #expect(note.description == "'\(path)' is called \(expected) here") }
    }

    @Test("A platform in a name that was written out stays")
    func platformKept() throws {
        #expect(
            try UploadName("Team/App-linux-amd64", dropsPlatform: false).repository.rawValue
                == "team/app-linux-amd64"
        )
    }

    @Test(
        "What cannot be a name is an error with the nearest that can",
        arguments: [
            ("my app", "my-app"), ("app!", "app"), ("-app", "app"), ("app-", "app"), ("a..b", "a-b"),
            ("a___b", "a-b"), ("Team/My App-linux-amd64", "team/my-app"), ("a//b", "a/b"), ("/a", "a"),
            ("../../etc/passwd", "etc/passwd"), ("app:1.2", "app-1-2"), ("größe", "gr-e"), ("a\0b", "a-b"),
            ("a%2fb", "a-2fb"), ("日本", nil), ("..", nil), ("_", nil), (" ", nil),
            (String(repeating: "a", count: 256), nil),
        ] as [(String, String?)]
    )
    func malformed(path: String, suggestion: String?) throws {
        let error = #expect(throws: UploadNameError.self) { try UploadName(path) }
        guard case .malformed(path, _, let found) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(found == suggestion)
        let message = error?.description ?? ""
        #expect(message.hasSuffix("curl -T FILE http://HOST/\(suggestion ?? "NAME")"))
        #expect(!message.contains("\0") && message.count < 500)
    }

    @Test("Standard input has no name", arguments: ["", "-", "team/-"])
    func missing(path: String) {
        #expect(throws: UploadNameError.missing) { try UploadName(path) }
    }

    @Test("A program is named by the last part of its repository, unless containers keep a folder there")
    func executableNames() throws {
        #expect(try executableName("team/sub/app-1.2_x").path == "/app-1.2_x")
        for name in ["etc", "team/tmp", "proc", "dev", "sys", "home", "run", "usr", "var"] {
            let error = #expect(throws: ExecutableNameError.self) { try executableName(name) }
            #expect(error?.description.contains("http://HOST/\(error?.reserved ?? "")-app") == true)
        }
    }

    @Test("Random addresses have an answer", arguments: [UInt64.random(in: 0...UInt64.max)])
    func random(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let parts = ["linux", "amd64", "x86_64", "-", "_", ".", "/", "a", "B", "é", "\0", " ", "v1", ":"]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...9, using: &random)
            let path = (0..<count).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
            do {
                // A name that has been derived is derived from itself.
                let name = try UploadName(path).repository.rawValue
                #expect(
                    try UploadName(name).repository.rawValue == name,
                    "seed \(seed): \(path.debugDescription)"
                )
            } catch {
                #expect(!error.description.contains("\0"), "seed \(seed)")
            }
        }
    }
}
