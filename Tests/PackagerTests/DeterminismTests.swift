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
