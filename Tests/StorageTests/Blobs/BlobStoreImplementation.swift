import NIOCore
import NIOPosix
import OCI
import Storage
import TestSupport
import Testing

/// An implementation of `BlobStore` that runs the suite `BlobStoreConformance`.
///
/// Another one becomes another element of `all`.
struct BlobStoreImplementation: Sendable, CustomTestStringConvertible {
    /// A store that is open, and what ends it as the end of the process would.
    struct Opened: Sendable {
        let store: any BlobStore
        let close: @Sendable () async throws -> Void
    }

    let testDescription: String
    /// Opens the store over whatever the folder holds of it.
    let open: @Sendable (TemporaryFolder) async throws -> Opened

    static let all = [files]

    static let files = BlobStoreImplementation(testDescription: "files") { folder in
        let threads = NIOThreadPool(numberOfThreads: 4)
        threads.start()
        let store = try await FileBlobStore(folder: folder.path, threads: threads)
        return Opened(store: store, close: { try await threads.shutdownGracefully() })
    }

    /// Runs a test with the store that a folder holds.
    func opened<Value>(
        in folder: TemporaryFolder,
        _ body: (any BlobStore) async throws -> Value
    ) async throws -> Value {
        let opened = try await open(folder)
        do {
            let value = try await body(opened.store)
            try await opened.close()
            return value
        } catch {
            try await opened.close()
            throw error
        }
    }

    /// Runs a test with the store that a folder holds.
    func withStore(in folder: TemporaryFolder, _ body: (any BlobStore) async throws -> Void) async throws {
        try await opened(in: folder, body)
    }

    /// Runs a test with an empty store.
    func withStore(_ body: (any BlobStore) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in try await opened(in: folder, body) }
    }
}

extension BlobStore {
    /// An upload session that holds these bytes.
    func upload(_ bytes: [UInt8], header: UploadHeader? = nil) async throws -> UploadID {
        let upload = try await beginUpload(header)
        _ = try await append([ByteBuffer(bytes: bytes)], to: upload, at: 0)
        return upload
    }

    /// Content that waits to be placed.
    func verified(_ blob: BlobFixture) async throws -> VerifiedUpload {
        try await finishUpload(upload(blob.bytes), expecting: blob.digest)
    }

    /// Uploads and places a blob.
    func place(_ blob: BlobFixture) async throws {
        let verified = try await verified(blob)
        try placement(of: verified).replace()
        await discard(verified)
    }

    /// The whole of a blob; nil where there is none.
    func content(_ blob: BlobFixture) async throws -> [UInt8]? {
        guard let open = try await open(blob.digest, size: blob.size) else { return nil }
        return try await Array(open.read(0..<open.size).readableBytesView)
    }
}

/// Bytes whose value says where they stand, so that a read from the wrong place shows.
func patternedBytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var generator = SplitMix(seed: seed)
    return generator.bytes(count)
}
