import Foundation
import Testing

/// One layer of 1 GB, through skopeo and back.
@Suite("A layer of 1 GB")
struct LargeLayerTests {
    /// The most memory that the server may have had in use at any time.
    ///
    /// A fifth of the layer; it needs well under half of this.
    static let memory = 200 * 1024 * 1024

    @Test("skopeo pushes, copies and pulls a layer of 1 GB, and the server's memory stays small")
    func roundTrip() async throws {
        try await Program.with { program in
            let writer = try LayoutWriter(program: program, folder: program.folder.appending(path: "large"))
            let made = try await ChildProcess.run(
                "python3",
                ["-c", Self.generator, "layer"],
                in: program.folder
            )
            try #require(made.status == 0, "\(made.errors)")
            let file = program.folder.appending(path: "layer")
            let layer = try await writer.add(file, type: SampleLayout.layerType)
            try #require(layer.size > 1 << 30)
            // Nobody unpacks it here, so nobody needs to know the digest of what it unpacks to.
            let image = try await writer.image(
                SampleLayout.architectures.host,
                layer,
                content: "sha256:\(String(repeating: "0", count: 64))"
            ).image
            try writer.finish([("image", image)])
            try await program.withServer { server in
                let url = "docker://localhost:\(server.port)"
                let steps = [
                    ("oci:large:image", "\(url)/large:1"), ("\(url)/large:1", "\(url)/copies/large:1"),
                    ("\(url)/copies/large@\(image.digest)", "dir:back"),
                ]
                for (source, target) in steps {
                    let outcome = try await program.tool(
                        "skopeo",
                        "--insecure-policy",
                        "copy",
                        "--quiet",
                        "--src-tls-verify=false",
                        "--dest-tls-verify=false",
                        source,
                        target
                    )
                    try #require(outcome.status == 0, "\(source) to \(target): \(outcome.errors)")
                }
                // skopeo has compared the digest of what came; this is that it came to the end.
                let back = program.folder.appending(path: "back/\(layer.digest.dropFirst(7))")
                #expect(try back.resourceValues(forKeys: [.fileSizeKey]).fileSize == layer.size)
                let status = try String(contentsOfFile: "/proc/\(server.process.id)/status", encoding: .utf8)
                let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
                let kibibytes = try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first)
                #expect(try #require(Int(kibibytes)) * 1024 < Self.memory, "\(line)")
            }
        }
    }

    /// A tar archive of one file of 1 GiB in which no two blocks are the same, as gzip without compressing it: compressing
    /// would take longer than all the rest.
    private static let generator = """
        import os, sys, tarfile, zlib
        count, noise = 1024, os.urandom((1 << 20) - 8)
        entry = tarfile.TarInfo("noise")
        entry.size = count << 20
        compressor = zlib.compressobj(0, zlib.DEFLATED, 31)
        with open(sys.argv[1], "wb") as out:
            out.write(compressor.compress(entry.tobuf()))
            for number in range(count):
                out.write(compressor.compress(number.to_bytes(8, "big") + noise))
            out.write(compressor.compress(bytes(1024)))
            out.write(compressor.flush())
        """
}
