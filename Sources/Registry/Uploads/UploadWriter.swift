import NIOCore
import Storage

/// Gathers the chunks of a request, so that each call to the blob store moves many of them.
struct UploadWriter {
    private let blobs: any BlobStore
    private let upload: UploadID
    private let limit: Int64?
    private var pending: [ByteBuffer] = []
    private var pendingBytes = 0
    /// Which of those that are pending further small chunks are copied to.
    private var gathered: Int?
    /// Where the next chunk goes, once what is pending has been written.
    private(set) var offset: Int64
    /// Whether a portion is written while the next one is gathered.
    private let isOverlapping: Bool
    /// The portion that is being written.
    private var underWay: Task<Int64, any Error>?

    /// Makes the hop to the blob store's threads cheap beside the hashing, and keeps an upload's memory small.
    private static let portion = 256 * 1024
    /// A smaller chunk is copied behind the one before: it may be a few bytes of a large piece of memory, which it would
    /// hold for as long as it waits.
    private static let smallChunk = 16 * 1024

    /// Begins at an offset.
    ///
    /// `isOverlapping`: for a session that nobody else knows. After an error the last portion may still be on its way, which
    /// the end of the session waits for.
    init(blobs: any BlobStore, upload: UploadID, offset: Int64, limit: Int64?, isOverlapping: Bool = false) {
        self.blobs = blobs
        self.upload = upload
        self.offset = offset
        self.limit = limit
        self.isOverlapping = isOverlapping
    }

    /// Takes a chunk, and writes when enough has come together.
    mutating func write(_ chunk: ByteBuffer) async throws {
        if let limit, offset + Int64(pendingBytes + chunk.readableBytes) > limit {
            throw RegistryError.uploadTooLarge(limit: limit)
        }
        keep(chunk)
        pendingBytes += chunk.readableBytes
        if pendingBytes >= Self.portion { try await send() }
    }

    private mutating func keep(_ chunk: ByteBuffer) {
        guard chunk.readableBytes < Self.smallChunk else {
            pending.append(chunk)
            gathered = nil
            return
        }
        if gathered == nil {
            gathered = pending.endIndex
            pending.append(ByteBuffer())
        }
        if let gathered { pending[gathered].writeImmutableBuffer(chunk) }
    }

    /// Writes what is pending, and returns when all has been written.
    mutating func flush() async throws {
        try await send()
        try await settle()
    }

    private mutating func send() async throws {
        guard !pending.isEmpty else { return }
        let chunks = pending
        let size = Int64(pendingBytes)
        pending.removeAll(keepingCapacity: true)
        gathered = nil
        pendingBytes = 0
        guard isOverlapping else {
            offset = try await blobs.append(chunks, to: upload, at: offset)
            return
        }
        try await settle()
        underWay = Task { [blobs, upload, offset] in
            try await blobs.append(chunks, to: upload, at: offset)
        }
        offset += size
    }

    private mutating func settle() async throws {
        guard let underWay else { return }
        self.underWay = nil
        _ = try await underWay.value
    }
}
