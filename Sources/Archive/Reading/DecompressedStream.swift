/// How a stream of bytes may be compressed, as its first bytes tell.
package enum StreamCompression: Hashable, Sendable {
    case gzip
    case zstd
    case none

    /// How many of the first bytes settle it.
    package static let magicSize = 4

    /// Looks at the first ``magicSize`` bytes, or all there are.
    package init(beginning: some Sequence<UInt8>) {
        let magic = Array(beginning.prefix(Self.magicSize))
        self =
            if magic.starts(with: [0x1F, 0x8B]) {
                .gzip
            } else if magic == [0x28, 0xB5, 0x2F, 0xFD] {
                .zstd
            } else {
                .none
            }
    }
}

/// A stream in any of the forms that there are, decompressed.
///
/// - SeeAlso: ``Decompressor``, for how it is driven.
package struct DecompressedStream: Decompressor, ~Copyable {
    private var gzip: InflateStream?
    private var zstd: ZstdDecoder?
    private var plain = PendingInput()

    /// `maximumWindowSize`: how much memory a frame of zstd may ask for, as a power of two.
    package init(_ compression: StreamCompression, maximumWindowSize: Int = ZstdDecoder.maximumWindowSize) {
        gzip = compression == .gzip ? InflateStream() : nil
        zstd = compression == .zstd ? ZstdDecoder(maximumWindowSize: maximumWindowSize) : nil
    }

    package mutating func append(_ bytes: [UInt8]) {
        if gzip != nil {
            gzip?.append(bytes)
        } else if zstd != nil {
            zstd?.append(bytes)
        } else {
            plain.append(bytes)
        }
    }

    package mutating func next() throws(DecompressionError) -> [UInt8]? {
        if gzip != nil { return try gzip?.next() }
        if zstd != nil { return try zstd?.next() }
        guard !plain.isEmpty else { return nil }
        let chunk = plain.withUnsafeBytes { Array($0.prefix(Self.chunkSize)) }
        plain.consume(chunk.count)
        return chunk
    }

    package func finish() throws(DecompressionError) {
        try gzip?.finish()
        try zstd?.finish()
    }
}
