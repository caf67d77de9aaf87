import Foundation
import OCI
import Testing

@testable import Packager

@Suite("Images of root folders")
struct FolderTests {
    private static let program = staticExecutable(compressibleBytes(count: 700_000, seed: 41))
    private static let large = compressibleBytes(count: 1_300_001, seed: 42)

    private static let members: [ArchiveMember] = [
        .folder("./"), .file("./app", program, mode: 0o600), .folder("./assets", mode: 0o2750),
        .file("./assets/large", large), .file("./assets/empty"),
        .file("./assets/secret", [0x73], mode: 0o4640),
        .file("./assets/äöü-" + String(repeating: "long/", count: 40) + "name", "deep"),
        .symbolicLink("./latest", to: "assets/large"), .hardLink("./assets/again", to: "./assets/large"),
        .symbolicLink("./bin", to: "/assets/../usr/bin"), .file("./usr/bin/tool", [0x23, 0x21], mode: 0o755),
        .folder("./data", mode: 0o1777),
    ]

    private static func listing(_ packaged: Packaged) throws -> String {
        try withTemporaryDirectory { directory in
            let path = directory.appending(path: "layer.tar.gz").path
            try Data(packaged.layer).write(to: URL(filePath: path))
            return try run("tar", ["--full-time", "--quoting-style=literal", "-tzvf", path])
        }
    }

    @Test("One layer has what is in the folder, sorted, and everybody can read what its owner could")
    func contents() async throws {
        let packager = Packager(certificates: nil, workerCount: 2)
        let options = [("entrypoint", "/app"), ("base", "none")]
        let packaged = try await package(folder: Self.members.archive, options: options, with: packager)
        let long = "assets/äöü-" + String(repeating: "long/", count: 40)
        var folders: [String] = []
        var folder = "assets"
        for component in long.split(separator: "/").dropFirst() {
            folder += "/" + component
            folders.append("drwxr-xr-x 0/0               0 1970-01-01 00:00:00 \(folder)/\n")
        }
        #expect(
            try Self.listing(packaged) == """
                -rwxr-xr-x 0/0          700120 1970-01-01 00:00:00 app
                drwxr-xr-x 0/0               0 1970-01-01 00:00:00 assets/
                -rw-r--r-- 0/0         1300001 1970-01-01 00:00:00 assets/again
                -rw-r--r-- 0/0               0 1970-01-01 00:00:00 assets/empty
                hrw-r--r-- 0/0               0 1970-01-01 00:00:00 assets/large link to assets/again
                -rw-r--r-- 0/0               1 1970-01-01 00:00:00 assets/secret

                """ + folders.joined() + """
                    -rw-r--r-- 0/0               4 1970-01-01 00:00:00 \(long)name
                    lrwxrwxrwx 0/0               0 1970-01-01 00:00:00 bin -> /assets/../usr/bin
                    drwxrwxrwt 0/0               0 1970-01-01 00:00:00 data/
                    lrwxrwxrwx 0/0               0 1970-01-01 00:00:00 latest -> assets/large
                    drwxr-xr-x 0/0               0 1970-01-01 00:00:00 usr/
                    drwxr-xr-x 0/0               0 1970-01-01 00:00:00 usr/bin/
                    -rwxr-xr-x 0/0               2 1970-01-01 00:00:00 usr/bin/tool

                    """
        )
        let image = packaged.image
        #expect(image.fileCount == 9)
        #expect(
            image.executable
                == PackagedExecutable(
                    path: "/app",
                    digest: Digest(of: Self.program),
                    size: UInt64(Self.program.count)
                )
        )
        #expect(Digest(of: packaged.layer) == image.layer.descriptor.digest)
        let configuration = String(decoding: image.configuration.bytes, as: UTF8.self)
        #expect(configuration.contains(#""Entrypoint":["/app"]"#))
        let manifest = String(decoding: image.manifest.bytes, as: UTF8.self)
        #expect(manifest.contains(#""berth.executable-path":"/app""#))
        #expect(manifest.contains("\"berth.executable\":\"\(Digest(of: Self.program))\""))
        try withTemporaryDirectory { directory in
            let path = directory.appending(path: "layer.tar.gz").path
            try Data(packaged.layer).write(to: URL(filePath: path))
            try run("tar", ["-xzf", path, "-C", directory.path, "--no-same-owner"])
            let large = try Data(contentsOf: directory.appending(path: "assets/large"))
            #expect(Array(large) == Self.large)
        }
    }

    @Test(
        "Any order, spelling, compression and size of append give the same image",
        arguments: [UInt64.random(in: 0...UInt64.max)]
    )
    func determinism(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let bundle = try certificateBundle()
        let expected = try await package(
            folder: Self.members.archive,
            with: Packager(certificates: bundle, workerCount: 1)
        ).image
        for round in 0..<6 {
            let shuffled = Self.members.shuffled(using: &random).map { member in
                var member = member
                let bare = String(member.path.drop { $0 == "." || $0 == "/" })
                member.path =
                    [bare, "./" + bare, "/" + bare, ".//./" + bare].randomElement(using: &random) ?? bare
                // Missing folders have this mode anyway.
                if member.type == "5", Bool.random(using: &random) { member.path += "/" }
                return member
            }.filter { !$0.path.isEmpty }
            var archive = shuffled.archive
            let tool = ["cat", "gzip", "zstd"][round % 3]
            if tool != "cat" { archive = try Self.piped(archive, tool) }
            let packager = Packager(certificates: bundle, workerCount: Int.random(in: 1...4, using: &random))
            let image = try await package(folder: archive, with: packager) {
                Int.random(in: 1...1 << 18, using: &random)
            }.image
            #expect(image.digest == expected.digest, "seed \(seed), \(tool)")
        }
    }

    private static func piped(_ bytes: [UInt8], _ tool: String) throws -> [UInt8] {
        try withTemporaryDirectory { directory in
            let path = directory.appending(path: "archive").path
            try Data(bytes).write(to: URL(filePath: path))
            try run(tool, ["-q", "-k", path])
            return Array(try Data(contentsOf: URL(filePath: path + (tool == "gzip" ? ".gz" : ".zst"))))
        }
    }

    @Test("Whichever name of a file comes first in an archive, the first in order is the file")
    func hardLinks() async throws {
        let packager = Packager(certificates: nil, workerCount: 1)
        let contents = Array("contents".utf8)
        let orders: [[ArchiveMember]] = [
            [.file("a", contents), .hardLink("b", to: "a"), .hardLink("c", to: "a")],
            [.file("a", contents), .hardLink("b", to: "a"), .hardLink("c", to: "./b")],
            [.file("c", contents), .hardLink("b", to: "c"), .hardLink("a", to: "/b")],
            [.hardLink("a", to: "b"), .hardLink("c", to: "a"), .file("b", contents)],
        ]
        let program = ArchiveMember.file("app", Self.program)
        var digests: Set<Digest> = []
        for order in orders {
            digests.insert(
                try await package(folder: (order + [program]).archive, with: packager).image.digest
            )
        }
        #expect(digests.count == 1)
    }

    private static let programs: [(String, [ArchiveMember], String)] = [
        ("/app", [.file("app", program)], "/app"), ("//./app", [.file("app", program)], "/app"),
        ("/bin/../app", [.folder("bin"), .file("app", program)], "/app"),
        ("/run", [.symbolicLink("run", to: "opt/app-1"), .file("opt/app-1", program)], "/opt/app-1"),
        ("/run", [.symbolicLink("run", to: "/opt/app-1"), .file("opt/app-1", program)], "/opt/app-1"),
        (
            "/bin/app",
            [
                .symbolicLink("bin", to: "usr/bin"), .file("usr/lib/app", program),
                .symbolicLink("usr/bin/app", to: "../lib/app"),
            ], "/usr/lib/app"
        ),
        ("/z", [.file("z", program), .hardLink("a", to: "z")], "/a"),
        ("/app", [.folder("etc"), .file("etc/passwd", "mine"), .file("app", program)], "/app"),
    ]

    @Test("The entry point is found through links", arguments: programs)
    func entrypoint(path: String, members: [ArchiveMember], found: String) async throws {
        let packager = Packager(certificates: nil, workerCount: 1)
        let options = [("entrypoint", path), ("entrypoint", "serve")]
        let packaged = try await package(folder: members.archive, options: options, with: packager)
        #expect(packaged.image.executable.path == found)
        #expect(packaged.image.executable.digest == Digest(of: Self.program))
        #expect(try Self.listing(packaged).contains("-rwxr-xr-x 0/0          700120"))
    }

    @Test("What the folder has itself stays, and what comes along goes around it")
    func baseFiles() async throws {
        let packager = Packager(certificates: try certificateBundle(), workerCount: 1)
        let app = ArchiveMember.file("app", Self.program)
        func image(
            _ members: [ArchiveMember]
        ) async throws -> (listing: String, manifest: String, configuration: String) {
            let packaged = try await package(folder: members.archive, with: packager)
            let manifest = String(decoding: packaged.image.manifest.bytes, as: UTF8.self)
            let configuration = String(decoding: packaged.image.configuration.bytes, as: UTF8.self)
            return (try Self.listing(packaged), manifest, configuration)
        }
        let plain = try await image([app])
        #expect(plain.listing.contains("drwxrwxrwt 0/0               0 1970-01-01 00:00:00 tmp/\n"))
        #expect(plain.listing.contains("drwx------ 65532/65532"))
        #expect(plain.listing.contains("-rw-r--r-- 0/0            3051 1970-01-01 00:00:00 etc/ssl/certs/"))
        #expect(plain.manifest.contains("berth.certificates"))

        let bundle = "etc/ssl/certs/ca-certificates.crt"
        let own = try await image([app, .file("etc/passwd", "mine"), .file("tmp/x"), .file(bundle, "my own")])
        #expect(own.listing.contains("-rw-r--r-- 0/0               4 1970-01-01 00:00:00 etc/passwd\n"))
        #expect(own.listing.contains("-rw-r--r-- 0/0               6 1970-01-01 00:00:00 \(bundle)\n"))
        #expect(own.listing.contains("drwxrwxrwt 0/0               0 1970-01-01 00:00:00 tmp/\n"))
        #expect(!own.manifest.contains("berth.certificates"))
        #expect(own.configuration.contains("SSL_CERT_FILE"))
        for path in ["etc/passwd", "etc/", "tmp/", bundle] {
            #expect(own.listing.components(separatedBy: " \(path)\n").count == 2, "\(path)")
        }

        // Nothing goes below what is no folder.
        let linked = try await image([app, .symbolicLink("etc", to: "conf"), .file("home", "a file")])
        #expect(!linked.configuration.contains("SSL_CERT_FILE"))
        #expect(!linked.listing.contains("passwd") && !linked.listing.contains("nonroot"))
        #expect(linked.listing.contains("tmp/"))
    }
}
