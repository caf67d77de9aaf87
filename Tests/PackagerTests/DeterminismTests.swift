import OCI
import Testing

@testable import Packager

/// The promise that the same program gives the same digest, everywhere and always.
///
/// A change of any digest here needs a higher recipe number. What is compressed is as zlib 1.2.13 compresses it, the
/// one of Debian 12; another release or encoder may give other bytes.
@Suite("The same program gives the same image")
struct DeterminismTests {
    private static let large = staticExecutable(compressibleBytes(count: 3_500_000, seed: 11))
    private static let small = staticExecutable(compressibleBytes(count: 70_000, seed: 12))

    private static let largeDigest = "0b90d68317f3c75eac707417292e10d1d58b4769d04a35d73a67beed3924f357"
    private static let smallDigest = "cdb77d6cc22265b7128c7633b8fe5508b3e77a43b61cf70b7f85c6056e36d4e1"

    @Test("The digests are the ones known in advance")
    func golden() async throws {
        let packager = Packager(certificates: try certificateBundle(), workerCount: 2)
        let large = try await package(Self.large, with: packager).image
        #expect(
            large.layer.diffID.encoded == "f4d486d7a35bb7621b05754bc5ae85ff9e9528dbcd5a4b8850f654d9faed9869"
        )
        #expect(
            large.layer.descriptor.digest.encoded
                == "3c3f8a1ad2365db2b39a0c04b3dbc74fe402e3aa8250fe88036b0bac7138c8e7"
        )
        #expect(
            large.configuration.descriptor.digest.encoded
                == "6a6d94510a39a7ad5720f2611c292c3bb4743c94635cc52a0267df914b094ef3"
        )
        #expect(large.digest.encoded == Self.largeDigest)

        let small = try await package(Self.small, with: packager).image
        #expect(small.digest.encoded == Self.smallDigest)
        let options = [("base", "none"), ("cmd", "serve"), ("env", "A=1"), ("port", "80"), ("label", "k=v")]
        let bare = try await package(Self.small, options: options, with: packager).image
        #expect(
            bare.layer.diffID.encoded == "5417c004c8a4bf0fdec693e3dee62d8bd541f8b525c468a9f37a5eccab4b2004"
        )
        #expect(bare.digest.encoded == "770c045e1765d728d6631217cd13ff3b566d290b447057fd22dc43e3cc59e30a")

        var program = GoProgramFixture(machine: .arm, dependencies: 3)
        program.settings.append(("GOARM", "6"))
        let go = try await package(program.bytes(), with: packager).image
        #expect(go.digest.encoded == "7258bd177a2cc69b67c3bc5a250cd0c0f24cb4432887c79bbc2d49945ae065bc")
    }

    /// Five programs, told apart by what they are rather than by how large they are.
    private static let programs: [(name: String, bytes: [UInt8])] = {
        var arm = GoProgramFixture(machine: .arm, dependencies: 3)
        arm.settings.append(("GOARM", "7"))
        return [
            ("bare", staticExecutable(Array("bare".utf8))), ("small", small), ("large", large),
            ("go", GoProgramFixture(dependencies: 2).bytes()), ("go-arm", arm.bytes()),
        ]
    }()

    /// Sets of options, each of which another part of the packager takes part in.
    private static let optionSets: [(name: String, options: [(name: String, value: String)])] = [
        ("defaults", []),
        (
            "execution",
            pairs([
                "entrypoint=/x", "entrypoint=-v", "cmd=serve", "env=A=1", "port=53/udp", "user=1000:0",
                "workdir=/data", "health-cmd=/x -health", "health-interval=10s",
            ])
        ),
        (
            "documents",
            pairs([
                "label=k=v", "annotation=a=b", "platform=linux/arm64", "created=2026-11-23T09:31:24Z",
                "name=Server", "base=none", "ca=on",
            ])
        ),
        ("best", [("level", "best")]), ("zstd", [("compress", "zstd")]),
        ("zstd best", pairs(["compress=zstd", "level=best"])), ("plain", [("compress", "none")]),
    ]

    @Test("Five programs with several sets of options have the digests known in advance")
    func goldenTable() async throws {
        let packager = Packager(certificates: try certificateBundle(), workerCount: 2)
        var found: [String] = []
        for program in Self.programs {
            for set in Self.optionSets {
                let image = try await package(program.bytes, options: set.options, with: packager).image
                let documents = image.attestations.map(\.manifest.descriptor.digest.description).joined()
                let all = Digest(of: Array("\(image.digest) \(documents)".utf8))
                found.append(
                    "\(program.name), \(set.name): \(image.digest.encoded.prefix(16)) \(all.encoded.prefix(16))"
                )
            }
        }
        #expect(found == Self.known)
    }

    /// The first digits of each image's digest, and of that of the digests of all that is attached to it.
    private static let known = [
        "bare, defaults: 322b85e3cb2dfa28 96657fc5bc7750f8",
        "bare, execution: b9c418b31badbfac fded78e386a3b8ab",
        "bare, documents: 112e79956dc29711 b38a0d82e5a0299a",
        "bare, best: 05a73aee9d7fc780 cfbc143073f1732c",
        "bare, zstd: 0c2f602a2b2e7a7d 54ba5125667d1933",
        "bare, zstd best: eee85a4e64734bd1 6c942ea26de3978e",
        "bare, plain: 328b101c4e22fa52 fb2570cb947c0704",
        "small, defaults: cdb77d6cc22265b7 dcbcbe25cb36bac9",
        "small, execution: ee098a359992fd9e f73142661c93e363",
        "small, documents: 39d8a59d49e77522 d557f19813f9e671",
        "small, best: 54a5d6751a9ca03c 62a1e7c4a12b8298",
        "small, zstd: fc829896c5409dc0 1b0337ba6b1a6a91",
        "small, zstd best: 74bb2c3d1cef3606 d6b3c7d0624ba4ce",
        "small, plain: d71b4dedac6bf064 1ab0a76a64e50c3b",
        "large, defaults: 0b90d68317f3c75e bb8918268fa24f2b",
        "large, execution: 7fb83868b682a9ea 9640fe7296cd2445",
        "large, documents: b5fe8544849913d4 23d9512b02572a5f",
        "large, best: 0a0702e07d00612c d312941c2ff1fab5",
        "large, zstd: ca57d47ad36df60f 7a7af76835fa2bd7",
        "large, zstd best: f4e31caae1b0dcc0 47f1d0004d6a8ff6",
        "large, plain: 512367ca427c7a0d ea3dfc579b4416a0",
        "go, defaults: 507e5ed79d972b54 60b91ee67a96b14c",
        "go, execution: aba59bf3ff640124 7e421a82cd4fc427",
        "go, documents: 4f8d4c2c672dc468 34a1b81f8ed7a000",
        "go, best: 030ab4c516a38e6a 6165ec8f28b62bd1",
        "go, zstd: 4bda8f6e99197de4 84964348af3fb0d6",
        "go, zstd best: fe5ce2b24751e7da 2eb0935cc935cc98",
        "go, plain: e7dc79fa6584d20d d741ed125744afaf",
        "go-arm, defaults: b6f50dc466ce1323 701bffb0350d1a3f",
        "go-arm, execution: b2eacd3239cc0230 94c4a8701f94deec",
        "go-arm, documents: f4cd58a016ebce8f d5e8e1062ce91c7a",
        "go-arm, best: b008d6528d8dab2a 1ee8472e02caebc2",
        "go-arm, zstd: 406a6fd83a29a803 12c7b62ef6ea7610",
        "go-arm, zstd best: e1e5180ee234511f 28193e41f8d0f8a8",
        "go-arm, plain: c6025d09a4deb6dd b0a990929ee28fca",
    ]

    @Test("Any number of workers gives the same bytes", arguments: [1, 2, 3, 8])
    func workerCounts(workers: Int) async throws {
        let packager = Packager(certificates: try certificateBundle(), workerCount: workers)
        let packaged = try await package(Self.large, with: packager)
        #expect(packaged.image.digest.encoded == Self.largeDigest)
        #expect(Digest(of: packaged.layer) == packaged.image.layer.descriptor.digest)
    }

    @Test("Any size of append gives the same bytes", arguments: [1, 13, 4096, 65_537, 1_048_576, 3_145_728])
    func appendSizes(size: Int) async throws {
        let packager = Packager(certificates: try certificateBundle(), workerCount: 2)
        // Millions of single bytes take long in a debug build.
        let (program, digest) = size < 100 ? (Self.small, Self.smallDigest) : (Self.large, Self.largeDigest)
        let packaged = try await package(program, with: packager, appendSizes: { size })
        #expect(packaged.image.digest.encoded == digest)
        #expect(Digest(of: packaged.layer) == packaged.image.layer.descriptor.digest)
    }

    @Test("Random sizes of append give the same bytes", arguments: [UInt64.random(in: 0...UInt64.max)])
    func randomAppendSizes(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let packager = Packager(certificates: try certificateBundle(), workerCount: 3)
        for _ in 0..<3 {
            let packaged = try await package(Self.large, with: packager) {
                Int.random(in: 0...1 << Int.random(in: 8...22, using: &random), using: &random)
            }
            #expect(packaged.image.digest.encoded == Self.largeDigest, "seed \(seed)")
        }
    }

    @Test("Images made at the same time by one packager do not mix")
    func concurrency() async throws {
        let packager = Packager(certificates: try certificateBundle(), workerCount: 2)
        let digests = try await withThrowingTaskGroup(of: (Int, Digest).self) { group in
            for index in 0..<8 {
                group.addTask {
                    let program = index % 2 == 0 ? Self.large : Self.small
                    return (index, try await package(program, with: packager).image.digest)
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1.encoded }
        }
        for index in 0..<8 {
            #expect(digests[index] == (index % 2 == 0 ? Self.largeDigest : Self.smallDigest))
        }
    }

    @Test("What may change the digest does: the program, its name, the options, the certificates")
    func sensitivity() async throws {
        let packager = Packager(certificates: try certificateBundle(), workerCount: 2)
        var digests = [try await package(Self.small, with: packager).image.digest]
        var other = Self.small
        other[other.count - 1] ^= 1
        digests.append(try await package(other, with: packager).image.digest)
        digests.append(try await package(Self.small, name: "other", with: packager).image.digest)
        for option in [("ca", "off"), ("base", "none"), ("cmd", "x"), ("user", "1"), ("workdir", "/x")] {
            digests.append(try await package(Self.small, options: [option], with: packager).image.digest)
        }
        let bundle = try CertificateBundle(parsing: Array(certificateBundleText(count: 2).utf8))
        let otherCertificates = Packager(certificates: bundle, workerCount: 2)
        digests.append(try await package(Self.small, with: otherCertificates).image.digest)
        #expect(Set(digests).count == digests.count)
        // The folder of the repository is no part of the image.
        let elsewhere = try await package(Self.small, name: "another/team/app", with: packager).image.digest
        #expect(elsewhere == digests[0])
    }
}
