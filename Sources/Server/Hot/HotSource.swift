import NIOCore

/// What the connections of one listener need to give replies that are known already.
struct HotSource: Sendable {
    /// By what the requests say.
    let replies: HotReplies<HotRequest.Key>
    /// By all that was sent of the requests.
    let repeats: HotReplies<ByteBuffer>
    let hostRule: HostRule
    let census: ConnectionCensus
    let log: LogBatches

    /// How many bytes of memory the latter may take, about: they share their content with the former.
    static let roomForRepeats = 4 * 1024 * 1024
}
