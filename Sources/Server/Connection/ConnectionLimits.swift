package import NIOCore

/// How long a peer may do nothing, and how much of an unwanted request is read.
package struct ConnectionLimits: Hashable, Sendable {
    /// From the opening of a connection to the end of its first request's head.
    package var header: TimeAmount
    /// From the end of a reply to the end of the next request's head.
    package var idle: TimeAmount
    /// For a peer that neither sends a byte of the content we wait for nor takes one of the reply we send.
    package var stall: TimeAmount
    /// How many bytes a second a peer sends or takes at least, on average over `stall`; 0 for no such limit.
    package var minimumRate: Int

    package init(
        header: TimeAmount = .seconds(30),
        idle: TimeAmount = .seconds(75),
        stall: TimeAmount = .seconds(60),
        minimumRate: Int = 1024
    ) {
        self.header = header
        self.idle = idle
        self.stall = stall
        self.minimumRate = minimumRate
    }

    /// While others wait for a connection: from the end of a reply to the beginning of the next request.
    static let crowdedIdle: TimeAmount = .seconds(1)
    /// While others wait for a connection: from the opening to the end of the first request's head.
    static let crowdedHeader: TimeAmount = .seconds(5)
    /// How many parts of requests, content in pieces of at most `ReadPortion.large` among them, are read before somebody
    /// wants them.
    static let partsReadAhead = 2

    /// What is read of a request that was answered before its content had come, so that the client gets to the answer.
    static let maximumDrain = 1024 * 1024
    /// For how long nothing of that may come.
    static let drainSilence: TimeAmount = .seconds(2)
    /// How long all of that may take.
    static let drainTime: TimeAmount = .seconds(20)
    /// How long a client has to take the answer once our side is closed.
    static let lingerTime: TimeAmount = .seconds(2)
    /// A request's head: its line and header fields together.
    ///
    /// Room for the longest name, digest and token, many times.
    static let maximumHeaderSize = 64 * 1024
    static let maximumHeaderCount = 200
}
