import Foundation
import Testing

@testable import Archive

/// The promise that the encoder writes the same bytes on every processor, in every build and in every release.
///
/// Whoever changes a digest here changes the digests of all images, and raises the recipe's number.
@Suite("Deflate never changes")
struct DeflateGoldenTests {
    private static let inputs: [(name: String, bytes: [UInt8], digest: String)] = [
        ("nothing", [], "5f56d3024ccaf9b4f40afb7e7f2b54937d4fa6f6897b0b1251745f135553c739"),
        ("text", text(lineCount: 30_000), "acfb965806c885dbb506b19327b4b03e505b29df6f5d3e02fc6aab78cda71d22"),
        (
            "words", compressibleBytes(count: 1_048_576, seed: 100),
            "ca324d4b5f297f63d8063df9e44ddd21b30a4521fdbb319791a7c1d0b375e647"
        ),
        (
            "noise", noise(count: 100_000, seed: 101),
            "042c2a50e562eb53b5d43611767fe39990ecd12c9d00c7a53c4a094b782d9e16"
        ),
        (
            "zeros", [UInt8](repeating: 0, count: 1_000_000),
            "def2d065379f732ec93ed4ce4b1b1f8168fd7cedbe67b8ea0b63724efb0e1c44"
        ),
        (
            "few values", noise(count: 200_000, seed: 102).map { $0 & 7 },
            "c0dfc3aeb5be308bc63ea97b21399942e234f5457a7be46fdf6d416feef1a5a6"
        ),
        (
            "Fibonacci's frequencies", fibonacciBytes(valueCount: 22, seed: 103),
            "9ba6178d352536960d261a92edf192d6bcff1a6d5c31ca7744b04a2d1412603a"
        ),
        (
            "patchwork", patchwork(count: 1_048_576, seed: 104),
            "c321dc0491c3bce291ce718602afaceb17e97eaf3c9d8748938ffa120276927c"
        ),
    ]

    @Test("The digests are the ones known in advance")
    func digests() throws {
        let found = try withTemporaryDirectory { directory in
            for (index, input) in Self.inputs.enumerated() {
                var encoder = DeflateEncoder()
                // The second half as a piece of its own.
                let half = input.bytes.count / 2
                let deflated =
                    encoder.encode(Array(input.bytes[..<half]), isLast: false)
                    + encoder.encode(input.bytes, from: half, isLast: true)
                #expect(try inflated(deflated, of: input.bytes) == input.bytes, "\(input.name)")
                try Data(deflated).write(to: directory.appending(path: "\(index)"))
            }
            let files = Self.inputs.indices.map { directory.appending(path: "\($0)").path }
            return try run("sha256sum", files).split(separator: "\n").map { String($0.prefix(64)) }
        }
        #expect(found == Self.inputs.map(\.digest))
    }
}
