import Foundation
import OCI
import Testing

@testable import Packager

@Suite("Layers as tar, gzip and sha256sum see them")
struct LayerTests {
    private static let program = staticExecutable(compressibleBytes(count: 1_200_000, seed: 21))

    private static let accounts = """
        -rw-r--r-- 0/0             149 1970-01-01 00:00:00 etc/passwd
        -rw-r--r-- 0/0              43 1970-01-01 00:00:00 etc/group
        -rw-r--r-- 0/0              17 1970-01-01 00:00:00 etc/nsswitch.conf
        drwxrwxrwt 0/0               0 1970-01-01 00:00:00 tmp/
        drwxr-xr-x 0/0               0 1970-01-01 00:00:00 home/
        drwx------ 65532/65532       0 1970-01-01 00:00:00 home/nonroot/

        """
    private static let certificates = """
        drwxr-xr-x 0/0               0 1970-01-01 00:00:00 etc/ssl/
        drwxr-xr-x 0/0               0 1970-01-01 00:00:00 etc/ssl/certs/
        -rw-r--r-- 0/0            3051 1970-01-01 00:00:00 etc/ssl/certs/ca-certificates.crt

        """
    private static let etc = "drwxr-xr-x 0/0               0 1970-01-01 00:00:00 etc/\n"
    private static let app = "-rwxr-xr-x 0/0         1200120 1970-01-01 00:00:00 app\n"

    private static let listings: [(options: [String], listing: String)] = [
        ([], etc + accounts + certificates + app),
        (["ca=on"], etc + accounts + certificates + app),
        (["ca=off"], etc + accounts + app),
        (["base=none"], app),
        (["base=none", "ca=off"], app),
        (["base=none", "ca=on"], etc + certificates + app),
    ]

    @Test("A layer holds what was asked for, in one fixed order", arguments: listings)
    func contents(options: [String], listing: String) async throws {
        let packager = Packager(certificates: try certificateBundle(), workerCount: 2)
        let packaged = try await package(Self.program, options: pairs(options), with: packager)
        try withTemporaryDirectory { directory in
            let archive = directory.appending(path: "layer.tar").path
            try Data(packaged.layer).write(to: URL(filePath: archive + ".gz"))
            #expect(
                try run("sha256sum", [archive + ".gz"]).prefix(64)
                    == packaged.image.layer.descriptor.digest.encoded
            )
            try run("gzip", ["-t", archive + ".gz"])
            #expect(packaged.image.layer.descriptor.size == Int64(packaged.layer.count))
            #expect(packaged.image.layer.descriptor.mediaType == .ociLayerGzip)

            try run("gzip", ["-d", archive + ".gz"])
            #expect(try run("sha256sum", [archive]).prefix(64) == packaged.image.layer.diffID.encoded)
            let size = try FileManager.default.attributesOfItem(atPath: archive)[.size] as? Int64
            #expect(packaged.image.layer.archiveSize == size)
            #expect(try run("tar", ["--full-time", "-tvf", archive]) == listing)

            try run("tar", ["-xf", archive, "-C", directory.path, "--no-same-owner", "app"])
            #expect(try Array(Data(contentsOf: directory.appending(path: "app"))) == Self.program)
        }
    }

    @Test("The accounts are the ones that programs look up")
    func accounts() async throws {
        let packager = Packager(certificates: try certificateBundle(), workerCount: 2)
        let packaged = try await package(Self.program, with: packager)
        try withTemporaryDirectory { directory in
            let archive = directory.appending(path: "layer.tar.gz").path
            try Data(packaged.layer).write(to: URL(filePath: archive))
            try run("tar", ["-xzf", archive, "-C", directory.path, "--no-same-owner"])
            func text(_ path: String) throws -> String {
                try String(contentsOf: directory.appending(path: path), encoding: .utf8)
            }
            #expect(
                try text("etc/passwd") == """
                    root:x:0:0:root:/root:/sbin/nologin
                    nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
                    nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin

                    """
            )
            #expect(try text("etc/group") == "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n")
            #expect(try text("etc/nsswitch.conf") == "hosts: files dns\n")
            #expect(try text("etc/ssl/certs/ca-certificates.crt") == certificateBundleText(count: 3))
        }
    }

    @Test(
        "A program that gcc links statically runs when taken out of its layer",
        arguments: ["-static", "-static-pie"]
    )
    func realProgram(option: String) async throws {
        let program = try withTemporaryDirectory { directory in
            let source = directory.appending(path: "hello.c").path
            try Data("#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n".utf8)
                .write(to: URL(filePath: source))
            try run("gcc", [option, "-o", source + ".out", source])
            return Array(try Data(contentsOf: URL(filePath: source + ".out")))
        }
        let packager = Packager(certificates: nil, workerCount: 2)
        let packaged = try await package(program, name: "hello", with: packager)
        #expect(packaged.image.executable.size == UInt64(program.count))
        try withTemporaryDirectory { directory in
            let archive = directory.appending(path: "layer.tar.gz").path
            try Data(packaged.layer).write(to: URL(filePath: archive))
            try run("tar", ["-xzf", archive, "-C", directory.path, "--no-same-owner"])
            #expect(try run(directory.appending(path: "hello").path, []) == "hello\n")
        }
    }
}

/// Options written as in a query.
func pairs(_ options: [String]) -> [(name: String, value: String)] {
    options.map { option in
        let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init
        )
        return (parts[0], parts.count > 1 ? parts[1] : "")
    }
}
