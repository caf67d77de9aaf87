import Synchronization

/// Encoders that are not at work, to be used again: as many as have been at work at the same time.
final class DeflateEncoders: Sendable {
    private let idle = Mutex<[DeflateEncoder]>([])

    /// Compresses one piece, as ``DeflateEncoder/encode(_:from:isLast:)`` does.
    func encode(_ bytes: [UInt8], from start: Int, isLast: Bool) -> [UInt8] {
        var encoder = idle.withLock { $0.popLast() } ?? DeflateEncoder()
        let compressed = encoder.encode(bytes, from: start, isLast: isLast)
        idle.withLock { [encoder] in $0.append(encoder) }
        return compressed
    }
}
