import NIOCore

/// Answers a request that was sent in the very bytes of one that has been answered before, without reading it anew.
///
/// It stands in front of the HTTP decoder. Clients of one kind ask in the same bytes, and the same bytes ask for the
/// same: what they mean the decoder has said, and `HotHandler` that the reply depends on nothing else. So nothing is
/// taken for a request here that the decoder would not take for one.
///
/// That holds only where a request begins: while the decoder has nothing of another, and nobody owes a reply.
final class RepeatHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = IOData

    private let source: HotSource
    private let log: HotLog
    private let connection: ConnectionHandler
    private let hot: HotHandler
    /// Whether what the decoder was given last ended with an empty line.
    ///
    /// It is done with a head then, as `connection` is told; what is behind one that it is not done with ends otherwise.
    private var endsWithHead = true
    private var mustFlush = false

    /// What is asked for in one read at most, in bytes, and not more than what is worth to be kept.
    private static let maximumRequest = 2048
    /// Content of up to this size is copied behind the head, in bytes: one piece is sent faster than two.
    private static let maximumCopy = 4096

    init(_ source: HotSource, _ log: HotLog, connection: ConnectionHandler, hot: HotHandler) {
        self.source = source
        self.log = log
        self.connection = connection
        self.hot = hot
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        let isBeginning = endsWithHead && connection.isAtRest
        endsWithHead = bytes.endsWithEmptyLine
        guard isBeginning, endsWithHead, bytes.readableBytes <= Self.maximumRequest, bytes.mayBeHot else {
            context.fireChannelRead(data)
            return
        }
        if let reply = find(bytes, context) {
            let since = context.eventLoop.now
            give(reply, context)
            log.record(reply, since: since)
            return
        }
        let reply = hot.answer { context.fireChannelRead(data) }
        // Where the connection ends behind it, the reply has said so.
        guard let reply, connection.isAtRest else { return }
        // What was read is a small part of the memory that it was read into.
        source.repeats.keep(reply, for: ByteBuffer(bytes: bytes.readableBytesView))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if mustFlush {
            mustFlush = false
            context.flush()
        }
        context.fireChannelReadComplete()
    }

    /// The reply to a request, if it is known and the rules let it be given now.
    private func find(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> HotReply? {
        guard context.channel.isWritable, !source.census.isExceeded(by: log.client) else { return nil }
        return source.repeats.find(bytes)
    }

    private func give(_ reply: HotReply, _ context: ChannelHandlerContext) {
        let copied = reply.size <= Self.maximumCopy ? reply.content : nil
        var bytes = context.channel.allocator.buffer(
            capacity: reply.head.readableBytes + 64 + (copied?.readableBytes ?? 0)
        )
        bytes.writeImmutableBuffer(reply.head)
        HTTPDate.endHead(&bytes)
        let sent = connection.repeats(reply.size, context.eventLoop)
        if let content = reply.content, copied == nil {
            context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
            context.write(wrapOutboundOut(.byteBuffer(content)), promise: sent)
        } else {
            if let copied { bytes.writeImmutableBuffer(copied) }
            context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: sent)
        }
        mustFlush = true
    }
}

extension ByteBuffer {
    /// Whether it ends as the head of a request does.
    fileprivate var endsWithEmptyLine: Bool {
        readableBytes >= 4 && getInteger(at: writerIndex - 4, as: UInt32.self) == 0x0D0A_0D0A
    }

    /// Whether it begins with `GET ` or `HEAD`.
    fileprivate var mayBeHot: Bool {
        let beginning = getInteger(at: readerIndex, as: UInt32.self)
        return beginning == 0x4745_5420 || beginning == 0x4845_4144
    }
}
