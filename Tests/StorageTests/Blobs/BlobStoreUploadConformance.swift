import NIOCore
import OCI
import Storage
import TestSupport
import Testing

/// What every implementation of `BlobStore` promises of upload sessions.
@Suite("A blob store's upload")
struct BlobStoreUploadConformance {
    typealias Implementation = BlobStoreImplementation

    static func header(_ algorithm: SupportedAlgorithm = .sha256) throws -> UploadHeader {
        UploadHeader(
            repository: try RepositoryName("team/app"),
            algorithm: algorithm,
            started: Timestamp(milliseconds: 1_000_000_000_000)
        )
    }

    /// Sizes around those of pages, buffers and reads.
    static let chunkSizes = [0, 1, 2, 4095, 4096, 65_537, 262_144, 1_048_576]

    @Test("counts what was appended", arguments: Implementation.all, chunkSizes)
    func append(_ implementation: Implementation, _ size: Int) async throws {
        try await implementation.withStore { store in
            let bytes = patternedBytes(3 * size)
            let upload = try await store.beginUpload(Self.header())
            #expect(try await store.durableOffset(of: upload) == 0)
            let chunks = [bytes[..<size], bytes[size..<(2 * size)]].map { ByteBuffer(bytes: $0) }
            #expect(try await store.append(chunks, to: upload, at: 0) == Int64(2 * size))
            #expect(try await store.append([], to: upload, at: Int64(2 * size)) == Int64(2 * size))
            let rest = [ByteBuffer(), ByteBuffer(bytes: bytes[(2 * size)...])]
            #expect(try await store.append(rest, to: upload, at: Int64(2 * size)) == Int64(3 * size))
            #expect(try await store.durableOffset(of: upload) == Int64(3 * size))

            let verified = try await store.finishUpload(upload, expecting: Digest(of: bytes))
            #expect(verified.size == Int64(3 * size))
            try store.placement(of: verified).replace()
            #expect(try await store.content(BlobFixture(bytes)) == bytes)
        }
    }

    @Test("tells the digest of what has come, and goes on", arguments: Implementation.all)
    func digest(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let bytes = patternedBytes(3000)
            let upload = try await store.beginUpload(nil)
            for end in [0, 1, 1000, 3000] {
                let offset = try await store.durableOffset(of: upload)
                let part = [ByteBuffer(bytes: bytes[Int(offset)..<end])]
                #expect(try await store.append(part, to: upload, at: offset) == Int64(end))
                for algorithm in SupportedAlgorithm.allCases {
                    let digest = try await store.digest(of: upload, algorithm)
                    #expect(digest == Digest(of: Array(bytes[..<end]), algorithm: algorithm))
                }
            }
            #expect(try await store.finishUpload(upload, expecting: Digest(of: bytes)).size == 3000)
            await #expect(throws: StorageError.unknownUpload(upload)) {
                try await store.digest(of: upload, .sha256)
            }
        }
    }

    @Test("takes nothing at any offset but its own", arguments: Implementation.all)
    func wrongOffset(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let bytes = patternedBytes(1000)
            let upload = try await store.upload(bytes, header: Self.header())
            for offset: Int64 in [-1, 0, 1, 999, 1001, .max, .min] {
                await #expect(throws: StorageError.wrongOffset(expected: offset, actual: 1000)) {
                    try await store.append([ByteBuffer(bytes: [1, 2, 3])], to: upload, at: offset)
                }
            }
            #expect(try await store.durableOffset(of: upload) == 1000)
            #expect(try await store.finishUpload(upload, expecting: nil).digest == Digest(of: bytes))
        }
    }

    @Test("keeps its header", arguments: Implementation.all)
    func header(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            for header in [try Self.header(), try Self.header(.sha512), nil] {
                let upload = try await store.beginUpload(header)
                #expect(try await store.session(upload).header == header)
                #expect(try await store.header(of: upload) == header)
            }
        }
    }

    @Test("can be looked into before it ends", arguments: Implementation.all)
    func read(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let bytes = patternedBytes(5000)
            let upload = try await store.upload(bytes)
            for (range, expected) in [
                (Int64(0)..<0, bytes[..<0]), (0..<4, bytes[..<4]), (100..<4200, bytes[100..<4200]),
                (4999..<5000, bytes[4999...]), (4990..<9000, bytes[4990...]), (0..<Int64.max, bytes[...]),
                (5000..<5010, bytes[5000...]), (7000..<7010, bytes[5000...]),
            ] {
                let part = try await store.read(range, of: upload)
                #expect(Array(part.readableBytesView) == Array(expected), "\(range)")
            }
            #expect(try await store.durableOffset(of: upload) == 5000)
        }
    }

    @Test("has the digest that was asked for, whatever was hashed meanwhile", arguments: Implementation.all)
    func digests(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let bytes = patternedBytes(300_000)
            for announced: SupportedAlgorithm? in [nil, .sha256, .sha512] {
                for closing in SupportedAlgorithm.allCases {
                    let header = try announced.map { try Self.header($0) }
                    let upload = try await store.upload(bytes, header: header)
                    let digest = Digest(of: bytes, algorithm: closing)
                    let verified = try await store.finishUpload(upload, expecting: digest)
                    #expect(verified.digest == digest)
                    #expect(verified.size == 300_000)
                    await store.discard(verified)
                }
                let header = try announced.map { try Self.header($0) }
                let upload = try await store.upload(bytes, header: header)
                let verified = try await store.finishUpload(upload, expecting: nil)
                #expect(verified.digest == Digest(of: bytes, algorithm: announced ?? .sha256))
                await store.discard(verified)
            }
        }
    }

    @Test("may be empty", arguments: Implementation.all, SupportedAlgorithm.allCases)
    func empty(_ implementation: Implementation, _ algorithm: SupportedAlgorithm) async throws {
        try await implementation.withStore { store in
            let blob = BlobFixture([], algorithm: algorithm)
            let upload = try await store.beginUpload(Self.header())
            let verified = try await store.finishUpload(upload, expecting: blob.digest)
            #expect(verified.size == 0)
            try store.placement(of: verified).replace()
            #expect(try await store.content(blob) == [])
        }
    }

    @Test("goes on where the digest's algorithm is not supported", arguments: Implementation.all)
    func unsupportedAlgorithm(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let upload = try await store.upload([1, 2, 3], header: Self.header())
            let digest = try Digest("blake3:abc")
            await #expect(throws: StorageError.unsupportedAlgorithm(digest)) {
                try await store.finishUpload(upload, expecting: digest)
            }
            #expect(try await store.append([ByteBuffer(bytes: [4])], to: upload, at: 3) == 4)
            let digest2 = Digest(of: [1, 2, 3, 4])
            #expect(try await store.finishUpload(upload, expecting: digest2).digest == digest2)
        }
    }

    @Test("ends with a digest that it has not, and leaves nothing", arguments: Implementation.all)
    func mismatch(_ implementation: Implementation) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let upload = try await implementation.opened(in: folder) { store in
            let upload = try await store.upload([1, 2, 3], header: Self.header())
            let announced = Digest(of: [9])
            await #expect(
                throws: StorageError.digestMismatch(announced: announced, actual: Digest(of: [1, 2, 3]))
            ) {
                try await store.finishUpload(upload, expecting: announced)
            }
            await Self.expectUnknown(upload, in: store)
            #expect(try await store.open(announced, size: 3) == nil)
            #expect(try await store.open(Digest(of: [1, 2, 3]), size: 3) == nil)
            return upload
        }
        try await implementation.withStore(in: folder) { await Self.expectUnknown(upload, in: $0) }
    }

    @Test("ends when it is cancelled", arguments: Implementation.all)
    func cancel(_ implementation: Implementation) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let upload = try await implementation.opened(in: folder) { store in
            let upload = try await store.upload([1, 2, 3], header: Self.header())
            try await store.cancelUpload(upload)
            await Self.expectUnknown(upload, in: store)
            return upload
        }
        try await implementation.withStore(in: folder) { await Self.expectUnknown(upload, in: $0) }
    }

    @Test("ends once it is finished", arguments: Implementation.all)
    func finishTwice(_ implementation: Implementation) async throws {
        try await implementation.withStore { store in
            let upload = try await store.upload([1, 2, 3], header: Self.header())
            let verified = try await store.finishUpload(upload, expecting: nil)
            await Self.expectUnknown(upload, in: store)
            await store.discard(verified)
            await Self.expectUnknown(upload, in: store)
            await store.discard(verified)
        }
    }

    @Test("that nobody began is unknown", arguments: Implementation.all)
    func unknown(_ implementation: Implementation) async throws {
        try await implementation.withStore { await Self.expectUnknown(UploadID(), in: $0) }
    }

    /// Asks every method that takes a session.
    static func expectUnknown(_ upload: UploadID, in store: any BlobStore) async {
        let unknown = StorageError.unknownUpload(upload)
        await #expect(throws: unknown) { try await store.durableOffset(of: upload) }
        await #expect(throws: unknown) { try await store.append([], to: upload, at: 0) }
        await #expect(throws: unknown) {
            try await store.append([ByteBuffer(bytes: [4])], to: upload, at: 3)
        }
        await #expect(throws: unknown) { _ = try await store.session(upload) }
        await #expect(throws: unknown) { _ = try await store.header(of: upload) }
        await #expect(throws: unknown) { try await store.read(0..<1, of: upload) }
        await #expect(throws: unknown) { try await store.finishUpload(upload, expecting: nil) }
        await #expect(throws: unknown) { try await store.cancelUpload(upload) }
    }
}
