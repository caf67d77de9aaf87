import NIOCore
import OCI
import Storage

/// A blob store that waits for its turn before it looks for a file, and before it flushes.
struct SteppedBlobStore: BlobStore {
    let blobs: any BlobStore
    let turnstile: Turnstile

    func beginUpload(_ header: UploadHeader?) async throws -> UploadID {
        try await blobs.beginUpload(header)
    }

    func append(_ chunks: [ByteBuffer], to upload: UploadID, at offset: Int64) async throws -> Int64 {
        try await blobs.append(chunks, to: upload, at: offset)
    }

    func durableOffset(of upload: UploadID) async throws -> Int64 {
        try await blobs.durableOffset(of: upload)
    }

    func header(of upload: UploadID) async throws -> UploadHeader? { try await blobs.header(of: upload) }

    func session(_ upload: UploadID) async throws -> UploadSession {
        try await blobs.session(upload)
    }

    func uploadPage(after last: UploadID?, limit: Int) async throws -> Page<UploadSession> {
        try await blobs.uploadPage(after: last, limit: limit)
    }

    func read(_ range: Range<Int64>, of upload: UploadID) async throws -> ByteBuffer {
        try await blobs.read(range, of: upload)
    }

    func digest(of upload: UploadID, _ algorithm: SupportedAlgorithm) async throws -> Digest {
        try await blobs.digest(of: upload, algorithm)
    }

    func finishUpload(_ upload: UploadID, expecting digest: Digest?) async throws -> VerifiedUpload {
        try await blobs.finishUpload(upload, expecting: digest)
    }

    func cancelUpload(_ upload: UploadID) async throws {
        try await blobs.cancelUpload(upload)
    }

    func placement(of upload: VerifiedUpload) -> BlobPlacement {
        blobs.placement(of: upload)
    }

    func adopt(fileAt path: String, expecting digest: Digest) async throws -> AdoptedFile {
        try await blobs.adopt(fileAt: path, expecting: digest)
    }

    func discard(_ upload: VerifiedUpload) async {
        await blobs.discard(upload)
    }

    func open(_ digest: Digest, size: Int64) async throws -> OpenBlob? {
        await turnstile.pass()
        return try await blobs.open(digest, size: size)
    }

    func sync(_ digests: [Digest]) async throws {
        await turnstile.pass()
        try await blobs.sync(digests)
    }

    func syncNames() async throws {
        try await blobs.syncNames()
    }

    func verify(_ digest: Digest, size: Int64) async throws -> Bool {
        try await blobs.verify(digest, size: size)
    }

    func remove(_ digest: Digest) throws {
        try blobs.remove(digest)
    }

    func link(_ digest: Digest, size: Int64, toFile path: String) throws -> Bool {
        try blobs.link(digest, size: size, toFile: path)
    }

    func forEachPlaced(_ body: @escaping @Sendable ([Digest]) throws -> Void) async throws {
        try await blobs.forEachPlaced(body)
    }

    func examine(
        _ digest: Digest,
        size: Int64,
        passed: (Int) async throws -> Void
    ) async throws -> BlobCondition {
        try await blobs.examine(digest, size: size, passed: passed)
    }

    func placed(_ digest: Digest) async throws -> PlacedBlob? {
        try await blobs.placed(digest)
    }

    func clearLeftovers(before moment: Timestamp, isRehearsal: Bool) async throws -> Int {
        try await blobs.clearLeftovers(before: moment, isRehearsal: isRehearsal)
    }
}
