/// Compresses pieces of a stream into raw deflate, each apart from what has become of the others.
///
/// The output is a function of the piece, and of what stands before it, alone: it is the same on every processor and in
/// every release. An encoder holds 300 KiB for what it works on, and serves any number of pieces, one at a time.
///
/// - SeeAlso: RFC 1951
struct DeflateEncoder: Sendable {
    private var finder = MatchFinder()
    private var block = DeflateBlock()
    private var blockEncoder = BlockEncoder()
    /// What has been written of a block.
    private var output = [UInt8](repeating: 0, count: BlockEncoder.maximumOutputSize)

    /// Compresses one piece.
    ///
    /// - Parameters:
    ///   - bytes: The piece, and before it what it may refer to, of which the last 32 KiB count.
    ///   - start: Where the piece begins.
    ///   - isLast: Whether the piece ends the stream. Any other ends on a byte boundary, with an empty stored block,
    ///     so that the next one can follow it.
    /// - Returns: The compressed piece, which is larger than the piece by at most 11 bytes for every 32 KiB and 10
    ///   more.
    mutating func encode(_ bytes: [UInt8], from start: Int = 0, isLast: Bool) -> [UInt8] {
        precondition((0...bytes.count).contains(start), "a piece begins within the bytes")
        // What stands further before it is to make no difference, not even by how much it is.
        let windowStart = max(0, start - DeflateFormat.windowSize)
        let bytes = bytes.span.bytes.extracting(droppingFirst: windowStart)
        let start = start - windowStart
        finder.reset()
        finder.insert(bytes, in: 0..<start)
        var compressed: [UInt8] = []
        // Programs become less than half.
        compressed.reserveCapacity((bytes.byteCount - start) / 2)
        var writer = BitWriter()
        var position = start
        repeat {
            block.reset()
            let end = finder.fill(&block, from: bytes, at: position)
            let isLastBlock = isLast && end == bytes.byteCount
            if end > position || isLastBlock {
                Self.write(
                    block,
                    of: bytes.extracting(position..<end),
                    isLast: isLastBlock,
                    with: &writer,
                    &blockEncoder,
                    to: &output
                )
            }
            moveOutput(to: &compressed, &writer)
            position = end
        } while position < bytes.byteCount
        Self.end(isLast: isLast, with: &writer, to: &output)
        moveOutput(to: &compressed, &writer)
        return compressed
    }

    private static func write(
        _ block: DeflateBlock,
        of bytes: RawSpan,
        isLast: Bool,
        with writer: inout BitWriter,
        _ encoder: inout BlockEncoder,
        to output: inout [UInt8]
    ) {
        var span = output.mutableSpan
        var bytesOfOutput = span.mutableBytes
        encoder.write(block, of: bytes, isLast: isLast, with: &writer, to: &bytesOfOutput)
    }

    /// Ends a piece where a byte ends.
    private static func end(isLast: Bool, with writer: inout BitWriter, to output: inout [UInt8]) {
        var span = output.mutableSpan
        var bytesOfOutput = span.mutableBytes
        if isLast {
            writer.align(to: &bytesOfOutput)
        } else {
            BlockEncoder.writeStored(RawSpan(), isLast: false, with: &writer, to: &bytesOfOutput)
        }
    }

    private func moveOutput(to compressed: inout [UInt8], _ writer: inout BitWriter) {
        compressed += output[..<writer.byteCount]
        writer.rewind()
    }
}
