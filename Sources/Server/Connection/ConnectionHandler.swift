import NIOCore
import NIOHTTP1

/// Keeps one HTTP/1 connection in order: what is owed to whom, who waits for whom, and when to hang up.
///
/// It stands next to the HTTP decoder and encoder, and does what Hummingbird's own handlers leave open: it answers
/// `Expect: 100-continue` when the content is wanted, bounds what is read of a request that was refused, closes
/// half, so that the client sees the answer, and ends connections whose peer does nothing, also one that does not
/// read.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// A request whose reply has not ended.
    private struct OpenRequest {
        let keepsAlive: Bool
        let isHTTP10: Bool
        var waitsForContinue: Bool
        var isHeadWritten = false
    }

    /// What is done with what the peer sends.
    private enum Intake {
        /// Between requests, or in the middle of a head.
        case head
        case content
        /// The reply has ended and the content has not: `rest` bytes more are passed on, and thrown away above.
        case drain(rest: Int)
        /// Nothing is read any more.
        case closed
    }

    private let limits: ConnectionLimits
    private var requests = CircularBuffer<OpenRequest>()
    private var intake = Intake.head
    private var closesAfterReply = false
    private var isInputClosed = false
    private var isFirstRequest = true
    private var watch: StallWatch
    private var tick: RepeatedTask?
    private var deadline: Scheduled<Void>?

    init(limits: ConnectionLimits) {
        self.limits = limits
        watch = StallWatch(now: .now())
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        let period = limits.checkPeriod
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        tick = context.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in
            let (handler, context) = bound.value
            handler.check(context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { stopTimers() }

    func channelInactive(context: ChannelHandlerContext) {
        stopTimers()
        // Whoever reads the content must not take the end of the connection for the end of the content.
        if case .content = intake { context.fireErrorCaught(ContentError.interrupted) }
        context.fireChannelInactive()
    }

    private func stopTimers() {
        tick?.cancel()
        deadline?.cancel()
        tick = nil
        deadline = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            isInputClosed = true
            context.fireUserInboundEventTriggered(event)
            if requests.isEmpty { context.close(promise: nil) }
        case is ChannelShouldQuiesceEvent:
            closesAfterReply = true
            if requests.isEmpty { context.close(promise: nil) }
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: Requests

    func read(context: ChannelHandlerContext) {
        if case .closed = intake { return }
        watch.wantsToRead(.now())
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        watch.hasRead(.now())
        switch (unwrapInboundIn(data), intake) {
        case (_, .closed): return
        case (.head(let head), _):
            isFirstRequest = false
            intake = .content
            requests.append(
                OpenRequest(
                    keepsAlive: head.isKeepAlive,
                    isHTTP10: head.version.major == 1 && head.version.minor == 0,
                    waitsForContinue: head.headers[canonicalForm: "expect"].contains {
                        $0.lowercased() == "100-continue"
                    }
                )
            )
        case (.body(let bytes), .drain(let rest)):
            guard bytes.readableBytes <= rest else {
                closeHalf(context)
                return
            }
            intake = .drain(rest: rest - bytes.readableBytes)
        case (.body, _):
            // Content that comes without waiting was not held back after all.
            if !requests.isEmpty { requests[requests.startIndex].waitsForContinue = false }
        case (.end, .drain):
            intake = .head
            deadline?.cancel()
            deadline = nil
            if closesAfterReply { closeHalf(context) }
        case (.end, _):
            intake = .head
        }
        context.fireChannelRead(data)
    }

    // MARK: Replies

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext,
        event: Any,
        promise: EventLoopPromise<Void>?
    ) {
        guard event is ContentWanted else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        if let request = requests.first, request.waitsForContinue, !request.isHeadWritten {
            requests[requests.startIndex].waitsForContinue = false
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }
        promise?.succeed()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            context.write(wrapOutboundOut(.head(beginReply(head))), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
            endReply(context)
        }
    }

    /// Says in the reply's head what becomes of the connection.
    private func beginReply(_ head: HTTPResponseHead) -> HTTPResponseHead {
        guard let request = requests.first else {
            // A reply to something that never became a request.
            closesAfterReply = true
            return head
        }
        requests[requests.startIndex].isHeadWritten = true
        var head = head
        let saysClose = head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
        // A client that was not told to go on may send its content or not: what follows cannot be read reliably.
        if !request.keepsAlive || request.waitsForContinue || saysClose { closesAfterReply = true }
        if closesAfterReply {
            head.headers.replaceOrAdd(name: "Connection", value: "close")
        } else if request.isHTTP10 {
            head.headers.replaceOrAdd(name: "Connection", value: "keep-alive")
        }
        return head
    }

    private func endReply(_ context: ChannelHandlerContext) {
        let isContentUnread = if case .content = intake { requests.count <= 1 } else { false }
        _ = requests.popFirst()
        watch.hasRead(.now())
        if isInputClosed, requests.isEmpty {
            closeHalf(context)
        } else if isContentUnread {
            intake = .drain(rest: ConnectionLimits.maximumDrain)
            schedule(ConnectionLimits.drainTime, context) { $0.closeHalf($1) }
        } else if closesAfterReply, requests.isEmpty || !hasKeptAlive {
            closeHalf(context)
        }
    }

    /// Whether requests that came behind the one just answered are still to be answered.
    private var hasKeptAlive: Bool { !requests.isEmpty && !closesAfterReply }

    // MARK: Hanging up

    /// Ends our side behind everything written, stops reading, and hangs up when the client has had time to read.
    private func closeHalf(_ context: ChannelHandlerContext) {
        if case .closed = intake { return }
        intake = .closed
        context.flush()
        context.close(mode: .output, promise: nil)
        if isInputClosed {
            context.close(promise: nil)
        } else {
            schedule(ConnectionLimits.lingerTime, context) { $1.close(promise: nil) }
        }
    }

    private func schedule(
        _ delay: TimeAmount,
        _ context: ChannelHandlerContext,
        _ body: @escaping (ConnectionHandler, ChannelHandlerContext) -> Void
    ) {
        deadline?.cancel()
        let bound = NIOLoopBound((self, context, body), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: delay) {
            let (handler, context, body) = bound.value
            body(handler, context)
        }
    }

    /// Ends a connection whose peer has done nothing for too long.
    private func check(_ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        let buffered = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        watch.hasBuffered(buffered, now)
        let isStalled: Bool =
            switch intake {
            case .closed: false
            case .head where requests.isEmpty:
                now - watch.lastRead > (isFirstRequest ? limits.header : limits.idle)
            case .content: watch.isReadStalled(now, limits.stall)
            case .head, .drain: false
            }
        if isStalled || watch.isWriteStalled(now, limits.stall) { context.close(promise: nil) }
    }
}
