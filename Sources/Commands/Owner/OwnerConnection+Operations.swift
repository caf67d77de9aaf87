import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1

extension OwnerConnection {
    /// Has the owner do something that takes a while, and returns its result.
    ///
    /// `onProgress` is called with what the owner tells meanwhile, in its order.
    /// - Throws: `CommandError` with what the owner says where it refuses, or fails on the way.
    func operate<Progress: Decodable, Result: Decodable>(
        _ path: String,
        result: Result.Type,
        onProgress: (Progress) throws -> Void
    ) async throws -> Result {
        var request = HTTPClientRequest(url: url(path))
        request.method = .POST
        request.headers.add(name: "Host", value: "localhost")
        let response = try await HTTPClient.shared.execute(request, deadline: .distantFuture)
        guard response.status == .ok else {
            let body = try await response.body.collect(upTo: Self.maximumLine)
            throw CommandError(
                Reply(status: response.status.code, body: Array(body.readableBytesView)).message
            )
        }
        var pending = ByteBuffer()
        for try await chunk in response.body {
            pending.writeImmutableBuffer(chunk)
            while let length = pending.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
                let line = pending.readSlice(length: length - pending.readerIndex + 1)
                let bytes = line.map { Data($0.readableBytesView) } ?? Data()
                let event = try JSONDecoder().decode(OperationEvent<Progress, Result>.self, from: bytes)
                if let error = event.error { throw CommandError(error.text) }
                if let result = event.result { return result }
                if let progress = event.progress { try onProgress(progress) }
            }
            guard pending.readableBytes <= Self.maximumLine else { break }
            pending.discardReadBytes()
        }
        throw HTTPClientError.remoteConnectionClosed
    }

    /// A line tells of one thing.
    private static var maximumLine: Int { 1024 * 1024 }
}

/// One line of an operation's reply.
private struct OperationEvent<Progress: Decodable, Result: Decodable>: Decodable {
    struct Failure: Decodable {
        let message: String
        let hint: String?

        var text: String { hint.map { "\(message)\n\($0)" } ?? message }
    }

    let progress: Progress?
    let result: Result?
    let error: Failure?
}
