/// Raw deflate in pieces that are made independently of each other and joined by mere concatenation.
///
/// - SeeAlso: RFC 1951
package enum Deflate {
    /// How hard to look for repetitions.
    package enum Level: Sendable {
        /// For what is compressed on the way in, the same everywhere and always.
        case fastest
        /// For what is pulled much more often than it is uploaded, the same for one release of zlib.
        case smallest
    }

    /// How far back deflate refers, so that more of what stands before a piece is of no use to it.
    package static let windowSize = DeflateFormat.windowSize

    /// Compresses one piece.
    ///
    /// - Parameters:
    ///   - bytes: The piece, and before it what it may refer to: the last 32 KiB of that count.
    ///   - start: Where the piece begins.
    ///   - isLast: Whether the piece ends the stream. Any other ends on a byte boundary, so that the next one can
    ///     follow it.
    ///   - level: How hard to look for repetitions.
    /// - Returns: The compressed piece, at most a thousandth and a few bytes larger than the piece itself.
    package static func compress(
        _ bytes: [UInt8],
        from start: Int = 0,
        isLast: Bool,
        level: Level = .fastest
    ) -> [UInt8] {
        compress(bytes, from: start, isLast: isLast, level: level, with: DeflateEncoders())
    }

    /// Compresses one piece with an encoder that may have been used before.
    static func compress(
        _ bytes: [UInt8],
        from start: Int,
        isLast: Bool,
        level: Level,
        with encoders: DeflateEncoders
    ) -> [UInt8] {
        switch level {
        case .fastest: encoders.encode(bytes, from: start, isLast: isLast)
        case .smallest: ZlibEncoder.encode(bytes, from: start, isLast: isLast)
        }
    }
}
