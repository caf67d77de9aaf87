internal import CZlib

/// The checksum that a gzip member ends with, of bytes whose parts may have been read in any order.
package struct CRC32: Hashable, Sendable {
    /// The checksum's value.
    package private(set) var value: UInt32
    /// How many bytes it is of.
    package private(set) var count: UInt64

    /// The checksum of bytes, none unless there are any.
    package init(of bytes: [UInt8] = []) { self.init(of: bytes[...]) }

    /// The checksum of a part of some bytes.
    package init(of bytes: ArraySlice<UInt8>) {
        // SAFETY: `crc32_z` only reads, within the buffer that the array lends it.
        value = bytes.withUnsafeBufferPointer { buffer in
            UInt32(truncatingIfNeeded: crc32_z(0, buffer.baseAddress, buffer.count))
        }
        count = UInt64(bytes.count)
    }

    /// Makes this the checksum of what it was of, followed by what `next` is of.
    package mutating func append(_ next: CRC32) {
        value = UInt32(
            truncatingIfNeeded: crc32_combine(UInt(value), UInt(next.value), Int(clamping: next.count))
        )
        count += next.count
    }
}
