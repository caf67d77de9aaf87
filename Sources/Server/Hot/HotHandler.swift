import NIOCore
import NIOHTTP1

/// Gives a connection's replies that are known already, on its event loop, and passes every other request on.
///
/// It stands above `ConnectionHandler`, to which its replies are like all others: time-outs, pipelining, closing and
/// shutting down are that one's. A reply is given here only while nothing is owed from above, so that replies stay in
/// the order of the requests, and only while the peer takes what it is sent: what waits for a slow reader waits above.
final class HotHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let source: HotSource
    private let log: HotLog
    /// How many replies are owed from above.
    private var owed = 0
    /// What the request being read is answered with when it ends.
    private var reply: (HotReply, since: NIODeadline)?
    /// The last `Host` that was found to be this server's.
    private var host: String?
    private var mustFlush = false
    /// How many requests have come since somebody began to watch, whether the last was of HTTP/1.1, and what it was
    /// answered with here.
    private var watched = (requests: 0, isCurrent: false, reply: HotReply?.none)

    init(_ source: HotSource, _ log: HotLog) {
        self.source = source
        self.log = log
    }

    /// What the one request is answered with that `passing` passes on; nil where that is another number, or the reply is
    /// not given here, or not as it is: one of HTTP/1.0 is told more of the connection.
    func answer(during passing: () -> Void) -> HotReply? {
        watched = (0, false, nil)
        passing()
        return watched.requests == 1 && watched.isCurrent ? watched.reply : nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            watched.requests += 1
            watched.isCurrent = head.version == .http1_1
            reply =
                owed == 0 && context.channel.isWritable
                ? find(head).map { ($0, context.eventLoop.now) } : nil
            if reply != nil { return }
            owed += 1
        case .body: break
        case .end:
            if let (reply, since) = reply {
                self.reply = nil
                give(reply, context)
                log.record(reply, since: since)
                return
            }
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if mustFlush {
            mustFlush = false
            context.flush()
        }
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data), owed > 0 { owed -= 1 }
        context.write(data, promise: promise)
    }

    /// The reply to a request, if it is known and the rules let it be given.
    private func find(_ head: HTTPRequestHead) -> HotReply? {
        guard let request = HotRequest(head) else { return nil }
        if request.host != host {
            guard source.hostRule.allows(request.host) else { return nil }
            host = request.host
        }
        guard !source.census.isExceeded(by: log.client) else { return nil }
        return source.replies.find(request.key)
    }

    private func give(_ reply: HotReply, _ context: ChannelHandlerContext) {
        var head = HTTPResponseHead(version: .http1_1, status: .ok, headers: reply.headers)
        head.headers.add(name: "Date", value: HTTPDate.now)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let content = reply.content {
            context.write(wrapOutboundOut(.body(.byteBuffer(content))), promise: nil)
        }
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        mustFlush = true
        watched.reply = reply
    }
}
