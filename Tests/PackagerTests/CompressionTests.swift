import Foundation
import OCI
import Testing

@testable import Packager

@Suite("Layers in the codec that is asked for")
struct CompressionTests {
    private static let program = staticExecutable(compressibleBytes(count: 2_500_000, seed: 51))

    /// What tools unpack with, and the type that says so.
    private static let codecs: [(options: [String], tool: String, type: MediaType)] = [
        ([], "gzip", .ociLayerGzip), (["compress=gzip", "level=best"], "gzip", .ociLayerGzip),
        (["compress=zstd"], "zstd", .ociLayerZstd), (["compress=zstd", "level=best"], "zstd", .ociLayerZstd),
        (["compress=none"], "cat", .ociLayer),
    ]

    @Test("All unpack to the same archive, which another tool reads", arguments: codecs, [[], ["base=none"]])
    func archive(codec: (options: [String], tool: String, type: MediaType), more: [String]) async throws {
        let packager = Packager(certificates: try certificateBundle(), workerCount: 2)
        let plain = try await package(Self.program, options: pairs(more + ["compress=none"]), with: packager)
        let packaged = try await package(Self.program, options: pairs(more + codec.options), with: packager)
        let layer = packaged.image.layer
        #expect(layer.descriptor.mediaType == codec.type)
        #expect(layer.descriptor.digest == Digest(of: packaged.layer))
        #expect(layer.descriptor.size == Int64(packaged.layer.count))
        #expect(layer.diffID == Digest(of: plain.layer))
        #expect(layer.archiveSize == Int64(plain.layer.count))
        try withTemporaryDirectory { directory in
            let path = directory.appending(path: "layer").path
            try Data(packaged.layer).write(to: URL(filePath: path))
            let unpacked = codec.tool == "cat" ? path : path + ".tar"
            if codec.tool != "cat" { try run("sh", ["-c", "\(codec.tool) -dc < '\(path)' > '\(unpacked)'"]) }
            #expect(Array(try Data(contentsOf: URL(filePath: unpacked))) == plain.layer)
            try run("tar", ["-xf", unpacked, "-C", directory.path, "--no-same-owner", "app"])
            #expect(try Array(Data(contentsOf: directory.appending(path: "app"))) == Self.program)
        }
    }

    @Test("A zstd layer is one frame", arguments: ["fast", "best"])
    func frames(level: String) async throws {
        let packager = Packager(certificates: nil, workerCount: 2)
        let options = ["compress=zstd", "level=\(level)"]
        let packaged = try await package(Self.program, options: pairs(options), with: packager)
        let listing = try withTemporaryDirectory { directory in
            let path = directory.appending(path: "layer.zst").path
            try Data(packaged.layer).write(to: URL(filePath: path))
            return try run("zstd", ["-lv", path])
        }
        #expect(
            listing.contains("Number of files listed: 1") || listing.contains("# Zstandard Frames: 1"),
            "\(listing)"
        )
        #expect(listing.contains("XXH64"), "\(listing)")
    }

    @Test("Best is smaller than fast", arguments: ["gzip", "zstd"])
    func levels(codec: String) async throws {
        let packager = Packager(certificates: nil, workerCount: 2)
        // Unlike noise among words, text gets smaller the longer one looks.
        let text = (0..<30_000).map { "line \($0) of \($0 * $0 % 9_973), after \($0 % 97) others\n" }.joined()
        let program = staticExecutable(Array(text.utf8))
        let sizes = try await ["fast", "best"].asyncMap { level in
            let options = pairs(["compress=\(codec)", "level=\(level)"])
            return try await package(program, options: options, with: packager).layer.count
        }
        #expect(sizes[1] < sizes[0])
    }

    @Test(
        "Bytes depend neither on workers nor on sizes of append",
        arguments: codecs,
        [UInt64.random(in: 0...UInt64.max)]
    )
    func determinism(codec: (options: [String], tool: String, type: MediaType), seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        var digests: Set<Digest> = []
        for workers in [1, 2, 5] {
            let packager = Packager(certificates: try certificateBundle(), workerCount: workers)
            let packaged = try await package(Self.program, options: pairs(codec.options), with: packager) {
                Int.random(in: 1...1 << Int.random(in: 9...22, using: &random), using: &random)
            }
            digests.insert(packaged.image.digest)
        }
        #expect(digests.count == 1, "seed \(seed)")
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
