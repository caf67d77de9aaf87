import Foundation

@testable import Archive

/// A gzip member around what has become of bytes, by the letter of RFC 1952.
func gzipMember(_ deflated: [UInt8], of bytes: [UInt8]) -> [UInt8] {
    let checksum = CRC32(of: bytes)
    let trailer = [checksum.value, UInt32(truncatingIfNeeded: checksum.count)].flatMap { number in
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    return GzipPrefix().bytes + deflated + trailer
}

extension SplitMix64 {
    /// A number from 0 up to a limit, the same in every release of Swift.
    mutating func below(_ limit: Int) -> Int { Int(truncatingIfNeeded: next() % UInt64(limit)) }
}

/// What zlib makes of raw deflate; an error where it is damaged, too short or too long.
func inflated(_ deflated: [UInt8], of bytes: [UInt8]) throws -> [UInt8] {
    var stream = InflateStream()
    stream.append(gzipMember(deflated, of: bytes))
    var contents: [UInt8] = []
    while let chunk = try stream.next() { contents += chunk }
    try stream.finish()
    return contents
}

/// Bytes that nothing can be made of.
func noise(count: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count { withUnsafeBytes(of: random.next().littleEndian) { bytes += $0 } }
    return Array(bytes[..<count])
}

/// Bytes in a random order, of which each value occurs as often as a Fibonacci number says: no frequencies give longer codes.
func fibonacciBytes(valueCount: Int, seed: UInt64) -> [UInt8] {
    var (count, next) = (1, 1)
    var bytes: [UInt8] = []
    for value in 0..<valueCount {
        bytes += [UInt8](repeating: UInt8(value), count: count)
        (count, next) = (next, count + next)
    }
    var random = SplitMix64(seed: seed)
    // Not by `shuffle`, which another release of Swift may do in another way.
    for index in bytes.indices { bytes.swapAt(index, random.below(index + 1)) }
    return bytes
}

/// Lines that share most of their words.
func text(lineCount: Int) -> [UInt8] {
    Array((0..<lineCount).map { "line \($0) of \($0 * $0 % 9_973), after \($0 % 97) others\n" }.joined().utf8)
}

/// Runs, copies from any distance, noise and words of few letters, of random sizes, one behind the other.
func patchwork(count: Int, using random: inout SplitMix64) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
        let size = 1 + random.below(1 << random.below(15))
        switch random.below(6) {
        case 0: bytes += [UInt8](repeating: UInt8(random.below(256)), count: size)
        case 1, 2:
            guard !bytes.isEmpty else { continue }
            let distance = min(bytes.count, 1 + random.below(1 << random.below(18)))
            for _ in 0..<size { bytes.append(bytes[bytes.count - distance]) }
        case 3: bytes += noise(count: size, seed: random.next())
        case 4: bytes += (0..<size).map { _ in UInt8(97 + random.below(3)) }
        default: bytes += compressibleBytes(count: size, seed: random.next())
        }
    }
    return Array(bytes[..<count])
}

/// A patchwork that is the same for the same seed.
func patchwork(count: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    return patchwork(count: count, using: &random)
}
