import Foundation
import OCI
import TestSupport
import Testing

/// A client that knows nothing of this server.
@Suite("skopeo")
struct SkopeoTests {
    static let program = ["/usr/bin/skopeo", "/usr/local/bin/skopeo"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// Writes an image layout.
    private func writeLayout(_ image: ImageFixture, to folder: TemporaryFolder) throws {
        let blobs = folder.file("layout/blobs/sha256")
        try FileManager.default.createDirectory(atPath: blobs, withIntermediateDirectories: true)
        let contents =
            image.blobs.map { ($0.digest, $0.bytes) } + [(image.manifest.digest, image.manifest.bytes)]
        for (digest, bytes) in contents {
            try Data(bytes).write(to: URL(filePath: "\(blobs)/\(digest.encoded)"))
        }
        let index = JSONValue.object([
            .init("schemaVersion", .integer(2)),
            .init("manifests", .array([image.manifest.descriptor.json])),
        ])
        try Data(index.canonicalBytes).write(to: URL(filePath: folder.file("layout/index.json")))
        try Data(#"{"imageLayoutVersion":"1.0.0"}"#.utf8).write(
            to: URL(filePath: folder.file("layout/oci-layout"))
        )
    }

    private func skopeo(_ arguments: [String]) async throws -> String {
        let program = try #require(Self.program)
        let output = try await run(program, ["--insecure-policy", "--command-timeout", "60s"] + arguments)
        return String(decoding: output, as: UTF8.self)
    }

    /// Runs a program to its end off the test's own threads, and returns what it printed.
    private func run(_ program: String, _ arguments: [String]) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                let process = Process()
                process.executableURL = URL(filePath: program)
                process.arguments = arguments
                let output = Pipe()
                process.standardOutput = output
                do {
                    try process.run()
                    let bytes = Array(output.fileHandleForReading.readDataToEndOfFile())
                    process.waitUntilExit()
                    #expect(process.terminationStatus == 0, "\(program) \(arguments.joined(separator: " "))")
                    continuation.resume(returning: bytes)
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    /// A layer that skopeo finds no reason to compress.
    private func layer(_ bytes: [UInt8], in folder: TemporaryFolder) async throws -> BlobFixture {
        let path = folder.file("layer-\(bytes.count)")
        try Data(bytes).write(to: URL(filePath: path))
        return BlobFixture(try await run("/usr/bin/gzip", ["-nc", path]))
    }

    @Test(
        "An image that skopeo pushes comes back with the digest that it had",
        .enabled(if: program != nil, "skopeo is not installed: apt-get install skopeo")
    )
    func roundTrip() async throws {
        try await withTemporaryFolder { folder in
            var random = SplitMix(seed: 7)
            var layers: [BlobFixture] = []
            for size in [3 << 20, 100, 0] { layers.append(try await layer(random.bytes(size), in: folder)) }
            let image = try ImageFixture("app", layers: layers)
            try writeLayout(image, to: folder)
            try await withServer { server in
                guard case .port(let port) = server.address else { return }
                let repository = "docker://127.0.0.1:\(port)/team/app"
                let layout = "oci:\(folder.file("layout"))"
                _ = try await skopeo(["copy", "--dest-tls-verify=false", layout, "\(repository):1.0"])
                let stored = try await server.direct.send("GET", "/v2/team/app/manifests/1.0")
                #expect(stored.content == image.manifest.bytes)
                _ = try await skopeo([
                    "copy", "--src-tls-verify=false", "\(repository):1.0", "dir:\(folder.file("back"))",
                ])
                let manifest = try Data(contentsOf: URL(filePath: folder.file("back/manifest.json")))
                #expect(Array(manifest) == image.manifest.bytes)
                for blob in image.blobs {
                    let bytes = try Data(
                        contentsOf: URL(filePath: folder.file("back/\(blob.digest.encoded)"))
                    )
                    #expect(Array(bytes) == blob.bytes)
                }
                // Between two repositories of one registry nothing has to be sent.
                _ = try await skopeo([
                    "copy", "--src-tls-verify=false", "--dest-tls-verify=false", "\(repository):1.0",
                    "docker://127.0.0.1:\(port)/other:1.0",
                ])
                let digest = try await skopeo([
                    "inspect", "--tls-verify=false", "--format", "{{.Digest}}",
                    "docker://127.0.0.1:\(port)/other:1.0",
                ])
                #expect(digest.contains("\(image.manifest.digest)"))
                _ = try await skopeo(["delete", "--tls-verify=false", "docker://127.0.0.1:\(port)/other:1.0"])
                #expect(try await server.direct.send("GET", "/v2/other/manifests/1.0").status == 404)
            }
        }
    }
}
