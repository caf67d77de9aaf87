import Hummingbird
import HTTPTypes
import NIOCore
import Synchronization

/// The content of a request, as a stream that ends well only if all of it came.
///
/// Whoever begins to read it has decided to want it: that is when a client that waits for `100 Continue` gets one.
struct RequestContent: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    private let body: RequestBody
    private let channel: any Channel
    /// How many bytes were announced; nil for chunked content.
    let length: Int64?

    init(_ request: Request, channel: any Channel) throws(ContentError) {
        body = request.body
        self.channel = channel
        if let header = request.headers[.contentLength] {
            guard let length = Int64(header), length >= 0 else { throw .malformedLength }
            self.length = length
        } else {
            length = request.headers[.transferEncoding] == nil ? 0 : nil
        }
    }

    func makeAsyncIterator() -> Iterator {
        Iterator(channel: channel, length: length, base: body.makeAsyncIterator())
    }

    /// Ends the connection that the content comes from.
    var cut: @Sendable () -> Void {
        { [channel] in channel.close(promise: nil) }
    }

    /// All of it, if it is no more than a limit in bytes.
    func collect(upTo limit: Int) async throws -> [UInt8] {
        if let length, length > limit { throw ContentError.tooLarge(limit: limit) }
        var bytes: [UInt8] = []
        for try await chunk in self {
            guard bytes.count + chunk.readableBytes <= limit else {
                throw ContentError.tooLarge(limit: limit)
            }
            bytes.append(contentsOf: chunk.readableBytesView)
        }
        return bytes
    }

    struct Iterator: AsyncIteratorProtocol {
        let channel: any Channel
        let length: Int64?
        var base: RequestBody.AsyncIterator
        var count: Int64 = 0
        var isStarted = false

        @concurrent
        mutating func next() async throws -> ByteBuffer? {
            if !isStarted {
                isStarted = true
                channel.triggerUserOutboundEvent(ContentWanted(), promise: nil)
            }
            guard let chunk = try await base.next() else {
                // A connection that this server itself closed ends the stream without an error.
                if let length, count != length { throw ContentError.interrupted }
                return nil
            }
            count += Int64(chunk.readableBytes)
            return chunk
        }
    }
}

/// Why content cannot be had.
enum ContentError: Error, Equatable {
    /// `limit` is in bytes.
    case tooLarge(limit: Int)
    case interrupted
    case malformedLength
}

/// Tells the connection that the content of the request being answered is wanted.
struct ContentWanted: Sendable {}

/// Tells the connection that it ends behind the reply to the request being answered.
struct ConnectionUnwanted: Sendable {}
