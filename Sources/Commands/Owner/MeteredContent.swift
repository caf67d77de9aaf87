import NIOCore

/// Content that tells how much of it has been asked for.
struct MeteredContent<Base: AsyncSequence<ByteBuffer, any Error> & Sendable>: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    let base: Base
    /// Hears of the bytes so far, each time that there are more.
    let passed: @Sendable (Int64) -> Void

    func makeAsyncIterator() -> Iterator { Iterator(base: base.makeAsyncIterator(), passed: passed) }

    struct Iterator: AsyncIteratorProtocol {
        var base: Base.AsyncIterator
        let passed: @Sendable (Int64) -> Void
        var count: Int64 = 0

        mutating func next() async throws -> ByteBuffer? { try await next(isolation: nil) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> ByteBuffer? {
            guard let chunk = try await base.next(isolation: actor) else { return nil }
            count += Int64(chunk.readableBytes)
            passed(count)
            return chunk
        }
    }
}
