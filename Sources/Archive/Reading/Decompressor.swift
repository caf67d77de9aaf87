/// Decompresses a stream portion by portion, as much at a time as whoever drives it asks for.
///
///     decompressor.append(bytes)
///     while let chunk = try decompressor.next() { … }   // until it wants more bytes
///     …
///     try decompressor.finish()
///
/// A few bytes may become gigabytes: they come one chunk at a time, so that memory is constant and the limit is the
/// caller's. After an error a decompressor is of no more use.
package protocol Decompressor: ~Copyable, Sendable {
    /// Takes the next bytes of the stream, behind those that are still waiting to be decompressed.
    mutating func append(_ bytes: [UInt8])

    /// Gives the next decompressed bytes, at most ``chunkSize`` and at least one.
    ///
    /// - Returns: nil when more of the stream is needed.
    /// - Throws: ``DecompressionError/malformed`` and ``DecompressionError/windowTooLarge``.
    mutating func next() throws(DecompressionError) -> [UInt8]?

    /// Checks that the stream may end here, once ``next()`` has given nil.
    ///
    /// - Throws: ``DecompressionError/cutShort``.
    func finish() throws(DecompressionError)
}

extension Decompressor where Self: ~Copyable {
    /// The most bytes that come at once.
    package static var chunkSize: Int { 256 * 1024 }
}

/// Bytes of a stream that wait to be decompressed.
struct PendingInput: Sendable {
    private var bytes: [UInt8] = []
    private var offset = 0

    var isEmpty: Bool { offset == bytes.count }

    /// The next byte.
    var first: UInt8? { isEmpty ? nil : bytes[offset] }

    mutating func append(_ more: [UInt8]) {
        if isEmpty {
            bytes = more
        } else {
            bytes.removeFirst(offset)
            bytes += more
        }
        offset = 0
    }

    /// Drops bytes that have been taken.
    mutating func consume(_ count: Int) {
        precondition(count <= bytes.count - offset, "more was taken than there is")
        offset += count
        guard isEmpty else { return }
        bytes = []
        offset = 0
    }

    /// Lends what is waiting.
    ///
    /// The buffer is not used after the closure.
    func withUnsafeBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[offset...])) }
    }
}
