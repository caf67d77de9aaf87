import NIOCore
import NIOHTTP1

/// Keeps one HTTP/1 connection in order: what is owed to whom, who waits for whom, and when to hang up.
///
/// It stands next to the HTTP decoder and encoder, and does what Hummingbird's own handlers leave open: it answers
/// `Expect: 100-continue` when the content is wanted, bounds what is read of a request that was refused, closes
/// half, so that the client sees the answer, and ends connections whose peer does nothing, also one that does not
/// read. Hanging up is its alone: no byte of a reply is lost to it.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// What is done with what the peer sends.
    private enum Intake {
        /// Between requests, or in the middle of a head.
        case head
        /// That of the last open request.
        case content
        /// The reply has ended and the content has not: `rest` bytes more are passed on, and thrown away above.
        case drain(rest: Int, since: NIODeadline)
        /// Nothing is passed on any more.
        case ignored
    }

    private let limits: ConnectionLimits
    private let isExcess: Bool
    /// Whether others wait for a connection to end.
    private let isCrowded: () -> Bool
    private var requests = CircularBuffer<OpenRequest>()
    private var intake = Intake.head
    /// How many replies have ended here and are not with the kernel yet.
    private var unsentReplies = 0
    /// No further request is taken: the connection ends behind the last reply.
    private var isEnding = false
    /// What came was no HTTP, and Hummingbird says so behind the replies to the open requests.
    private var owesRefusal = false
    /// Whoever has it has too many.
    private var isUnwanted = false
    private var isInputClosed = false
    private var isHangingUp = false
    private var isFirstRequest = true
    private var readsLargePortions = false
    private var watch = StallWatch(now: .uptimeNanoseconds(0))
    private var tick: RepeatedTask?
    private var deadline: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    /// `isExcess`: whether whoever opened it has more than its share.
    init(
        limits: ConnectionLimits,
        isExcess: Bool = false,
        isCrowded: @escaping () -> Bool = { false }
    ) {
        self.limits = limits
        self.isExcess = isExcess
        self.isCrowded = isCrowded
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        watch = StallWatch(now: context.eventLoop.now)
        let period = limits.checkPeriod
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        tick = context.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in
            let (handler, context) = bound.value
            handler.check(context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        stopTimers()
    }

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
            // The decoder has passed on all that there was, or told what was missing.
            intake = .ignored
            context.fireUserInboundEventTriggered(event)
            if isHangingUp { context.close(promise: nil) }
            endIfDone(context)
        case is ChannelShouldQuiesceEvent:
            isEnding = true
            endIfDone(context)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch intake {
        case .drain:
            // The request that it belongs to has been answered.
            stopReading(context)
            return
        case .head: owesRefusal = error is HTTPParserError && !isEnding
        case .content, .ignored: break
        }
        intake = .ignored
        isEnding = true
        context.fireErrorCaught(error)
    }

    // MARK: Requests

    func read(context: ChannelHandlerContext) {
        if case .ignored = intake { return }
        watch.wantsToRead(context.eventLoop.now)
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        watch.hasRead(part.contentSize, context.eventLoop.now)
        switch (part, intake) {
        case (_, .ignored): return
        case (.head(var head), _):
            guard !isEnding else {
                intake = .ignored
                return
            }
            isFirstRequest = false
            intake = .content
            watch.contentBegins()
            let request = OpenRequest(head)
            requests.append(request)
            if request.isLast { isEnding = true }
            // What becomes of the connection is decided here: Hummingbird would not wait for the content.
            head.headers.remove(name: "Connection")
            context.fireChannelRead(wrapInboundOut(.head(head)))
            return
        case (.body(let bytes), .drain(let rest, let since)):
            guard bytes.readableBytes <= rest else {
                stopReading(context)
                return
            }
            intake = .drain(rest: rest - bytes.readableBytes, since: since)
        case (.body, _):
            hasStoppedWaiting()
        case (.end, .drain):
            readLargePortions(false, context)
            deadline?.cancel()
            deadline = nil
            intake = .head
            endIfDone(context)
        case (.end, _):
            readLargePortions(false, context)
            hasStoppedWaiting()
            intake = .head
        }
        context.fireChannelRead(data)
    }

    /// Whether a request may begin: everything before has been read and answered, though it may not all be sent yet.
    ///
    /// Or one has begun, of which the decoder has a part of the head.
    var isAtRest: Bool {
        guard case .head = intake else { return false }
        return requests.isEmpty && !owesRefusal && !isEnding && !isInputClosed
    }

    /// A request has come, and a reply to it with so much content goes out, both in front of the decoder.
    ///
    /// What is returned is kept when the reply is with the kernel.
    func repeats(_ size: Int, _ eventLoop: any EventLoop) -> EventLoopPromise<Void> {
        isFirstRequest = false
        watch.hasRead(0, eventLoop.now)
        watch.hasWritten(size)
        unsentReplies += 1
        let sent = eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound((self, context), eventLoop: eventLoop)
        sent.futureResult.whenComplete { _ in
            let (handler, context) = bound.value
            if let context { handler.replyWasSent(context) }
        }
        return sent
    }

    /// Content that comes without waiting was not held back after all.
    private func hasStoppedWaiting() {
        guard !requests.isEmpty else { return }
        requests[requests.index(before: requests.endIndex)].waitsForContinue = false
    }

    private func readLargePortions(_ isLarge: Bool, _ context: ChannelHandlerContext) {
        guard isLarge != readsLargePortions else { return }
        readsLargePortions = isLarge
        ReadPortion.set(isLarge: isLarge, of: context.channel)
    }

    // MARK: Replies

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext,
        event: Any,
        promise: EventLoopPromise<Void>?
    ) {
        switch event {
        case is ConnectionUnwanted:
            isEnding = true
            isUnwanted = true
        case is ContentWanted: goOn(context)
        default:
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        promise?.succeed()
    }

    /// Tells a client that waits for it to send its content.
    private func goOn(_ context: ChannelHandlerContext) {
        if case .content = intake, requests.last?.hasLargeContent == true { readLargePortions(true, context) }
        if let request = requests.first, request.waitsForContinue, !request.isHeadWritten {
            requests[requests.startIndex].waitsForContinue = false
            watch.hasAskedForMore(context.eventLoop.now)
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // Hummingbird refuses broken content a second time, where the handler replied without having read it.
        guard !requests.isEmpty || owesRefusal else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head):
            context.write(wrapOutboundOut(.head(beginReply(head))), promise: promise)
        case .body(let body):
            watch.hasWritten(body.readableBytes)
            context.write(data, promise: promise)
        case .end:
            let sent = promise ?? context.eventLoop.makePromise(of: Void.self)
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            sent.futureResult.whenComplete { _ in
                let (handler, context) = bound.value
                handler.replyWasSent(context)
            }
            endReply(context)
            context.write(data, promise: sent)
        }
    }

    /// Says in the reply's head what becomes of the connection.
    private func beginReply(_ head: HTTPResponseHead) -> HTTPResponseHead {
        guard let request = requests.first else { return head }
        requests[requests.startIndex].isHeadWritten = true
        // A client that was not told to go on may send its content or not: what follows cannot be read reliably.
        if request.waitsForContinue { isEnding = true }
        var head = head
        if isEnding, requests.count == 1, !owesRefusal {
            head.headers.replaceOrAdd(name: "Connection", value: "close")
        } else if request.isHTTP10 {
            head.headers.replaceOrAdd(name: "Connection", value: "keep-alive")
        }
        return head
    }

    private func endReply(_ context: ChannelHandlerContext) {
        unsentReplies += 1
        if requests.popFirst() == nil { owesRefusal = false }
        if requests.isEmpty, case .content = intake {
            intake = .drain(rest: ConnectionLimits.maximumDrain, since: context.eventLoop.now)
            schedule(ConnectionLimits.drainSilence, context) { $0.checkDrain($1) }
        }
    }

    /// Gives up on a client that does not send the rest of what it has been answered for.
    ///
    /// The time in which nothing was read of what it sent is not its own.
    private func checkDrain(_ context: ChannelHandlerContext) {
        guard case .drain(_, let since) = intake else { return }
        let now = context.eventLoop.now
        // Nobody waits for a place that somebody has who is not wanted.
        let isShort = isUnwanted || isCrowded()
        let end = since + (isShort ? ConnectionLimits.drainSilence : ConnectionLimits.drainTime)
        let left = ConnectionLimits.drainSilence - watch.timeOfRead(now)
        guard left > .zero, end > now else { return stopReading(context) }
        schedule(min(left, end - now), context) { $0.checkDrain($1) }
    }

    private func replyWasSent(_ context: ChannelHandlerContext) {
        unsentReplies -= 1
        watch.hasReplied(context.eventLoop.now)
        endIfDone(context)
    }

    // MARK: Hanging up

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .output else {
            context.close(mode: mode, promise: promise)
            return
        }
        // Hummingbird answers nothing any more; whether the last reply is with the kernel it does not ask.
        requests.removeAll()
        owesRefusal = false
        stopReading(context)
        promise?.succeed()
    }

    private func stopReading(_ context: ChannelHandlerContext) {
        intake = .ignored
        isEnding = true
        endIfDone(context)
    }

    /// Hangs up where nothing is owed any more and nothing more is taken.
    private func endIfDone(_ context: ChannelHandlerContext) {
        if case .drain = intake { return }
        guard isEnding || isInputClosed, isQuiet, !isHangingUp else { return }
        isHangingUp = true
        intake = .ignored
        guard !isInputClosed else {
            context.close(promise: nil)
            return
        }
        // Closing both ways would lose the reply, where the client still sends and meets a closed door.
        context.close(mode: .output, promise: nil)
        schedule(ConnectionLimits.lingerTime, context) { $1.close(promise: nil) }
    }

    /// Whether every request has been answered, and the kernel has all of it.
    private var isQuiet: Bool { requests.isEmpty && unsentReplies == 0 && !owesRefusal }

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

    /// How long a peer may do nothing between requests, or before the first.
    private var quietLimit: TimeAmount {
        let limit = isFirstRequest ? limits.header : limits.idle
        guard isCrowded() else { return limit }
        let isPatient = isFirstRequest && !isExcess
        return min(limit, isPatient ? ConnectionLimits.crowdedHeader : ConnectionLimits.crowdedIdle)
    }

    /// Ends a connection whose peer has done nothing for too long, or next to nothing.
    private func check(_ context: ChannelHandlerContext) {
        let now = context.eventLoop.now
        watch.hasUnsent(context.channel.unsentBytes, now)
        let isStalled: Bool =
            switch intake {
            case .head where isQuiet: watch.isQuiet(now, quietLimit)
            // A refusal that is owed comes at once, or never.
            case .ignored where requests.isEmpty && unsentReplies == 0: watch.isQuiet(now, limits.idle)
            case .content:
                // One that waits to be told to go on does its part.
                requests.last?.waitsForContinue != true && watch.isReadStalled(now, limits)
            case .head, .drain, .ignored: false
            }
        if isStalled || watch.isWriteStalled(now, limits) { context.close(promise: nil) }
    }
}

extension HTTPServerRequestPart {
    /// How many bytes of content it is.
    fileprivate var contentSize: Int {
        switch self {
        case .body(let bytes): bytes.readableBytes
        case .head, .end: 0
        }
    }
}
