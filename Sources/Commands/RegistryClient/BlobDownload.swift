import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import OCI

/// A blob of another registry, as its bytes come.
///
/// Where the connection breaks it goes on behind the last byte that has come. The last bytes are given only when all of
/// them together are what the digest says, so that whoever is sent them can never have the whole of something wrong.
struct BlobDownload: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    let blob: Descriptor
    private let client: RegistryClient

    init(_ blob: Descriptor, from client: RegistryClient) {
        self.blob = blob
        self.client = client
    }

    func makeAsyncIterator() -> Iterator { Iterator(blob: blob, client: client) }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate let blob: Descriptor
        fileprivate let client: RegistryClient
        private var body: HTTPClientResponse.Body.AsyncIterator?
        private var offset: Int64 = 0
        private var digester: Digester?
        /// How often nothing came since something did.
        private var failures = 0
        private var isAtEnd = false

        fileprivate init(blob: Descriptor, client: RegistryClient) {
            self.blob = blob
            self.client = client
            digester = blob.digest.supportedAlgorithm.map { Digester($0) }
        }

        mutating func next() async throws -> ByteBuffer? { try await next(isolation: nil) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> ByteBuffer? {
            guard !isAtEnd else { return nil }
            while true {
                do {
                    let chunk = try await read(isolation: actor)
                    failures = 0
                    return chunk
                } catch let error as RegistryClientError where error.isTransient {
                    body = nil
                    failures += 1
                    guard failures < client.retries.attempts else { throw error }
                    try await client.retries.pause(before: failures, after: error)
                }
            }
        }

        /// Nil for a blob of no bytes alone; else the end is with the last of them.
        private mutating func read(isolation actor: isolated (any Actor)?) async throws -> ByteBuffer? {
            guard blob.size > 0 else {
                try verify()
                return nil
            }
            if body == nil { body = try await client.open(blob, from: offset).makeAsyncIterator() }
            let chunk: ByteBuffer?
            do { chunk = try await body?.next(isolation: actor) } catch {
                throw client.translated(error, "blobs/\(blob.digest)")
            }
            guard let chunk else {
                throw RegistryClientError(
                    .interrupted,
                    "\(client.title) has sent \(offset) bytes of \(blob.digest), which has \(blob.size)"
                )
            }
            offset += Int64(chunk.readableBytes)
            guard offset <= blob.size else {
                throw RegistryClientError(
                    .malformed,
                    "\(client.title) sends more for \(blob.digest) than the \(blob.size) bytes that it has"
                )
            }
            digester?.update(chunk.readableBytesView)
            if offset == blob.size { try verify() }
            return chunk
        }

        private mutating func verify() throws {
            isAtEnd = true
            guard digester?.finish() == blob.digest else {
                throw RegistryClientError(
                    .malformed,
                    "what \(client.title) sends for \(blob.digest) is something else"
                )
            }
        }
    }
}

extension RegistryClient {
    /// Begins to read a blob behind some of its bytes.
    ///
    /// - SeeAlso: distribution-spec v1.1.1, end-2
    fileprivate func open(_ blob: Descriptor, from offset: Int64) async throws -> HTTPClientResponse.Body {
        var request = RegistryRequest(reading: url("blobs/\(blob.digest)"))
        request.streams = true
        if offset > 0 { request.fields.add(name: "Range", value: "bytes=\(offset)-") }
        let response = try await execute(request)
        // Not that there is no such repository: it has the manifest that refers to the blob.
        guard response.status != 404 else {
            throw CommandError("\(title) has no \(repository)@\(blob.digest)", missing: blob.digest)
        }
        guard let stream = response.stream else { throw unexpected(response, "send \(blob.digest)") }
        guard offset > 0 else { return stream }
        let range = response.fields.first(name: "Content-Range") ?? ""
        guard response.status == 206, range.hasPrefix("bytes \(offset)-") else {
            // What has gone on to somewhere else cannot be taken back: the whole upload begins again.
            throw RegistryClientError(
                .malformed,
                "\(title) does not go on with \(blob.digest) where it broke off"
            )
        }
        return stream
    }
}
