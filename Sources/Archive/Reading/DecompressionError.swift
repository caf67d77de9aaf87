/// Why a compressed stream cannot be decompressed.
package enum DecompressionError: Error, Hashable, Sendable {
    /// It is not in the format, or damaged.
    case malformed
    /// It ends in the middle.
    case cutShort
    /// It can only be decompressed with more memory than a stream is given.
    case windowTooLarge
}

extension DecompressionError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed: "the compressed stream is damaged"
        case .cutShort: "the compressed stream was cut off on the way"
        case .windowTooLarge:
            """
            the compressed stream needs a window of more than \(ZstdDecoder.maximumWindowSize >> 20) MiB; compress it \
            without --long and --ultra
            """
        }
    }
}
