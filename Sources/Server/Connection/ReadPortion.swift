import NIOCore

/// How much of what a peer sends is read at once.
///
/// Large content in large portions takes a fifth less work; memory for them is there only while such content comes.
enum ReadPortion {
    /// For large content, in bytes.
    static let large = 256 * 1024

    /// Called on the channel's event loop.
    static func set(isLarge: Bool, of channel: any Channel) {
        guard let options = channel.syncOptions else { return }
        // Where a channel has no such option, as one that is no socket, all it receives is there already.
        if isLarge {
            try? options.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: large))
            try? options.setOption(.maxMessagesPerRead, value: 1)
        } else {
            // Those that a socket has from the beginning.
            try? options.setOption(.maxMessagesPerRead, value: 4)
            try? options.setOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator())
        }
    }
}
