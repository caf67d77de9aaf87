/// What the connections of one listener need to give replies that are known already.
struct HotSource: Sendable {
    let replies: HotReplies
    let hostRule: HostRule
    let census: ConnectionCensus
    let log: ServerLog
}
