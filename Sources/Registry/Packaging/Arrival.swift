import NIOCore
import OCI
import Packager
import Storage

/// An upload while its content comes, and what is known of that so far.
struct Arrival<Content: AsyncSequence<ByteBuffer, any Error> & Sendable>: Sendable {
    let upload: ExecutableUpload<Content>
    /// The session that keeps the content, or of an archive what it is decompressed.
    let spool: UploadID
    /// The session that the layer is written to.
    let layer: UploadID
    /// The first bytes of the content.
    var beginning: [UInt8] = []
    /// The digest of the content, once it has come.
    var digest: Digest?
    /// How many bytes it has.
    var size: Int64 = 0

    init(of upload: ExecutableUpload<Content>, spool: UploadID, layer: UploadID) {
        self.upload = upload
        self.spool = spool
        self.layer = layer
    }

    /// Takes the digests of the content that has come.
    ///
    /// - Throws: `digestMismatch` where the client has announced another.
    mutating func finish(_ digests: [Digest], size: Int64) throws {
        self.size = size
        for digest in digests {
            if digest.algorithm == .sha256 { self.digest = digest }
            let announced = upload.announced.first { $0.algorithm == digest.algorithm && $0 != digest }
            if let announced { throw StorageError.digestMismatch(announced: announced, actual: digest) }
        }
    }

    /// What is to be remembered of the image that it became.
    func memo(of image: PackagedImage, _ packager: Packager) -> PackagingMemo? {
        guard let digest else { return nil }
        let request = upload.request(size: size)
        return PackagingMemo(
            key: packager.key(of: request, content: digest),
            hint: packager.hint(of: request, beginning: beginning),
            details: image.memo
        )
    }
}

/// The content of a request, of which the first bytes have been looked at.
struct PeekedContent<Content: AsyncSequence<ByteBuffer, any Error>> {
    private var iterator: Content.AsyncIterator
    private var first: [ByteBuffer] = []
    private var digesters: [Digester] = []
    /// How many bytes have been taken.
    private(set) var count: Int64 = 0

    init(_ content: Content) { iterator = content.makeAsyncIterator() }

    /// So many of the first bytes, or all there are.
    mutating func beginning(_ count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = first.flatMap { Array($0.readableBytesView) }
        while bytes.count < count, let chunk = try await iterator.next(isolation: #isolation) {
            first.append(chunk)
            bytes += chunk.readableBytesView
        }
        return Array(bytes.prefix(count))
    }

    /// Hashes what is taken from now on.
    mutating func hash(with algorithms: some Sequence<SupportedAlgorithm>) {
        digesters = algorithms.map { Digester($0) }
    }

    /// The digests of what was taken.
    var digests: [Digest] { digesters.map { $0.finish() } }

    mutating func next() async throws -> ByteBuffer? {
        let chunk = first.isEmpty ? try await iterator.next(isolation: #isolation) : first.removeFirst()
        guard let chunk else { return nil }
        count += Int64(chunk.readableBytes)
        for index in digesters.indices {
            // SAFETY: the bytes are used within the closure alone.
            chunk.withUnsafeReadableBytes { digesters[index].update($0) }
        }
        return chunk
    }
}
