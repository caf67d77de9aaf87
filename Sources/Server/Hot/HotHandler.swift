import HTTPTypes
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
    private let client: String
    private let remote: String
    /// How many replies are owed from above.
    private var owed = 0
    /// What the request being read is answered with when it ends.
    private var reply: (HotReply, AccessLog)?
    /// The last `Host` that was found to be this server's.
    private var host: String?
    private var mustFlush = false

    init(_ source: HotSource, client: String, remote: String) {
        self.source = source
        self.client = client
        self.remote = remote
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            reply = owed == 0 && context.channel.isWritable ? find(head) : nil
            if reply != nil { return }
            owed += 1
        case .body: break
        case .end:
            if let (reply, log) = reply {
                self.reply = nil
                give(reply, log, context)
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
    private func find(_ head: HTTPRequestHead) -> (HotReply, AccessLog)? {
        guard let request = HotRequest(head) else { return nil }
        if request.host != host {
            guard source.hostRule.allows(request.host) else { return nil }
            host = request.host
        }
        guard !source.census.isExceeded(by: client), let reply = source.replies.find(request.key) else {
            return nil
        }
        let log = AccessLog(
            source.log,
            method: request.key.isHead ? .head : .get,
            path: reply.path,
            remote: remote
        )
        return (reply, log)
    }

    private func give(_ reply: HotReply, _ log: AccessLog, _ context: ChannelHandlerContext) {
        var head = HTTPResponseHead(version: .http1_1, status: .ok, headers: reply.headers)
        head.headers.add(name: "Date", value: HTTPDate.now)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let content = reply.content {
            context.write(wrapOutboundOut(.body(.byteBuffer(content))), promise: nil)
        }
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        mustFlush = true
        log.record(status: .ok, bytes: Int64(reply.content?.readableBytes ?? 0))
    }
}
