import OCI
import Testing

@testable import Packager

/// The promise that the same program gives the same digest, everywhere and always.
///
/// A change of any digest here needs a higher recipe number. What is compressed at level `best` or by zstd is as zlib 1.2.13
/// and zstd 1.5.4 compress it, those of Debian 12; other releases may give other bytes.
@Suite("The same program gives the same image")
struct DeterminismTests {
    private static let large = staticExecutable(compressibleBytes(count: 3_500_000, seed: 11))
    private static let small = staticExecutable(compressibleBytes(count: 70_000, seed: 12))

    private static let largeDigest = "e53df5fd7fd6240ab87315dd86347a6222525dfad7dd43962cdf073c5ac69d54"
    private static let smallDigest = "976cf8d9c8bf0187d5103d08255adfab6d0f80e61a7ad47ab65e0d55f6c2160a"

    @Test("The digests are the ones known in advance")
    func golden() async throws {
        let packager = Packager(certificates: try certificateBundle(), workerCount: 2)
        let large = try await package(Self.large, with: packager).image
        #expect(
            large.layer.diffID.encoded == "f4d486d7a35bb7621b05754bc5ae85ff9e9528dbcd5a4b8850f654d9faed9869"
        )
        #expect(
            large.layer.descriptor.digest.encoded
                == "78f8721ac3f3d18138cbc95babea60c5caf5c1f4679a9aa366e2d3a2dc8c2bd4"
        )
        #expect(
            large.configuration.descriptor.digest.encoded
                == "3900110e0a7e83105f0e8957470df6aefe5c6cd5bd987ad78a4318ce4cb82ed3"
        )
        #expect(large.digest.encoded == Self.largeDigest)

        let small = try await package(Self.small, with: packager).image
        #expect(small.digest.encoded == Self.smallDigest)
        let options = [("base", "none"), ("cmd", "serve"), ("env", "A=1"), ("port", "80"), ("label", "k=v")]
        let bare = try await package(Self.small, options: options, with: packager).image
        #expect(
            bare.layer.diffID.encoded == "5417c004c8a4bf0fdec693e3dee62d8bd541f8b525c468a9f37a5eccab4b2004"
        )
        #expect(bare.digest.encoded == "5f38a528ad3b87064f8f4d12c4d431da1bb486a318ead7ea37ce4d16065f1e26")

        var program = GoProgramFixture(machine: .arm, dependencies: 3)
        program.settings.append(("GOARM", "6"))
        let go = try await package(program.bytes(), with: packager).image
        #expect(go.digest.encoded == "afb8ee1d0c07853ee2b4172f5b99be27bf54c32b99bb2948db73882382ba3596")
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
        "bare, defaults: 53ab2efc0835df2a 2b9e3ab240386db5",
        "bare, execution: 6775c07b0e30bc90 569c3591837223fc",
        "bare, documents: 7b026c0977bab887 c06d8000afb0196a",
        "bare, best: 3f5db775d0b48583 27556b5333b40a12",
        "bare, zstd: 829126056a1403e0 9e243e616623b339",
        "bare, zstd best: 9c6b13eaa3c935fc bea5d58f3f3d66fa",
        "bare, plain: 38de5e3c6334f497 c78a5b173c395370",
        "small, defaults: 976cf8d9c8bf0187 d2e476c7890a0c89",
        "small, execution: 7cf0d7ce110108bf 823f2da266b7414a",
        "small, documents: 877a90a42297ab35 6a2660fe3b955363",
        "small, best: 1dfeb615622dd5e2 9ce5d120b839b7bc",
        "small, zstd: 0c900a1e06e7b357 071e05baf87b9844",
        "small, zstd best: 733cc469263ebaa0 5077cecaab508966",
        "small, plain: cb5608876838fb3f 5a3032434ce19104",
        "large, defaults: e53df5fd7fd6240a 7ac3840f22c0282d",
        "large, execution: 53072da6b0042c77 903277796333116c",
        "large, documents: 1ae2240ae6e856cf 4f211ba0918fbc92",
        "large, best: c56abdf7d48c5f6d 04ddad7ce60cfce3",
        "large, zstd: 51334f6b34aae757 ad4117b09a37966c",
        "large, zstd best: a2da7513d2306621 5474ac9cc3714a80",
        "large, plain: ec876716d2022797 b6cbccbb643478e0",
        "go, defaults: 6faa7ef81c30e7a6 eb9ce2a9647742d1",
        "go, execution: 74f4bae317c561f6 118e2e60977ced93",
        "go, documents: e9c5fd7ee57d0867 1d38bd7c901bdf0f",
        "go, best: ab69f67e597d50bb 9b2cc4bf4d75f785",
        "go, zstd: 927f7b71889a10c9 f6b1249bab86a33f",
        "go, zstd best: 9d9d2a940b8149d3 597cc82684740c6d",
        "go, plain: 5cf16aa4ac018bf5 706cf30d156af728",
        "go-arm, defaults: d770cf8f09597b33 016ad26eb7a9dffb",
        "go-arm, execution: 2c71b61f6e9c39f2 6d92bb23ed110767",
        "go-arm, documents: ea41d9de527dc732 17c1121cfb6ff3b8",
        "go-arm, best: 21eb216706343016 9b80466ad710548e",
        "go-arm, zstd: 725123f90b374c6b db05ae0226dcb66d",
        "go-arm, zstd best: 9426ef5cd3c02a49 a863f0c0bfa63124",
        "go-arm, plain: 52c098eb40f3c564 b44eab8254235c6c",
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
