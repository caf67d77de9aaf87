/// The beginning of a gzip member, made once and put before any number of different continuations.
package struct GzipPrefix: Sendable {
    /// The gzip header and the compressed contents, ending on a byte boundary.
    package let bytes: [UInt8]
    /// The checksum of the contents before compression.
    let checksum: CRC32

    /// What stands before the compressed contents.
    ///
    /// Deflate (8), no flags, no time, no hint about the level, and an unknown operating system (255).
    private static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]

    /// Compresses contents; without any, the prefix is the gzip header alone.
    package init(contents: [UInt8] = []) {
        checksum = CRC32(of: contents)
        let compressed = contents.isEmpty ? [] : Deflate.compress(contents, isLast: false)
        bytes = Self.header + compressed
    }
}
