import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import Server

/// One connection without a network, in a time that passes only when a test says so.
///
/// The decoder and encoder are the real ones; what stands above answers what the test tells it to.
final class EmbeddedConnection {
    let channel = EmbeddedChannel()
    private let network = Network()
    private let application = Application()

    /// Whether the server says that others wait for a connection.
    var isCrowded = false

    /// `isExcess`: whether whoever opened it has more than its share.
    ///
    /// `hot`: replies that are given before the application sees the request; `repeats`: and before the decoder does.
    init(
        _ limits: ConnectionLimits = ConnectionLimits(),
        isExcess: Bool = false,
        hot: HotSource? = nil,
        repeats: Bool = true
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: false,
            withErrorHandling: false,
            withOutboundHeaderValidation: false,
            withEncoderConfiguration: .init(),
            withDecoderLimitConfiguration: .init()
        )
        let connection = ConnectionHandler(limits: limits, isExcess: isExcess) { [unowned self] in isCrowded }
        if let hot {
            let batch = hot.log.batch(on: channel.eventLoop)
            let log = HotLog(client: "client", remote: "127.0.0.1", batch: batch)
            if repeats {
                try pipeline.addHotHandlers(hot, log, around: connection)
            } else {
                try pipeline.addHandlers([connection, HotHandler(hot, log)])
            }
        } else {
            try pipeline.addHandler(connection)
        }
        try pipeline.addHandler(application)
        try pipeline.addHandler(network, position: .first)
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        channel.read()
    }

    // MARK: The peer

    func receive(_ text: String) { receive(Array(text.utf8)) }

    /// Bytes come from the peer; an error that they cause is the application's to see.
    func receive(_ bytes: [UInt8]) {
        channel.pipeline.fireChannelRead(ByteBuffer(bytes: bytes))
        channel.pipeline.fireChannelReadComplete()
        if readsOn { channel.read() }
        channel.embeddedEventLoop.run()
    }

    /// The peer says that it will send nothing more.
    func receiveEnd() {
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        channel.embeddedEventLoop.run()
    }

    /// The connection breaks.
    func vanish() {
        channel.close(promise: nil)
        channel.embeddedEventLoop.run()
    }

    /// What went out since the last look.
    func sent() throws -> String {
        var text = ""
        while let data = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: data) }
        return text
    }

    /// The status codes of the replies that went out since the last look.
    func sentStatuses() throws -> [Int] { Self.statuses(in: try sent()) }

    static func statuses(in text: String) -> [Int] {
        text.ranges(of: "HTTP/1.1 ").compactMap { Int(text[$0.upperBound...].prefix(3)) }
    }

    /// Lets the kernel take nothing, or everything again.
    var isBlocked: Bool {
        get { network.isBlocked }
        set {
            network.isBlocked = newValue
            if !newValue { channel.flush() }
        }
    }

    /// Whether our side is closed, or all of it.
    var isOutputClosed: Bool { network.isOutputClosed || isClosed }
    var isClosed: Bool { !channel.isActive }

    func pass(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

    // MARK: The application

    /// What came up since the last look: `GET /path`, `+12` for so much content, `.` for its end, or an error's type.
    func seen() -> [String] {
        defer { application.seen = [] }
        return application.seen
    }

    /// Whether the application reads on, as it does from the beginning.
    var readsOn = true {
        didSet { if readsOn { channel.read() } }
    }

    func want() {
        channel.pipeline.triggerUserOutboundEvent(ContentWanted(), promise: nil)
        channel.embeddedEventLoop.run()
    }

    /// The application has no further use for the connection.
    func giveUp() { channel.pipeline.triggerUserOutboundEvent(ConnectionUnwanted(), promise: nil) }

    func reply(_ status: Int = 200, _ content: String = "") {
        beginReply(status, length: content.utf8.count)
        if !content.isEmpty {
            application.write(.body(.byteBuffer(ByteBuffer(string: content))))
        }
        endReply()
    }

    func beginReply(_ status: Int = 200, length: Int) {
        let head = HTTPResponseHead(
            version: .http1_1,
            status: HTTPResponseStatus(statusCode: status),
            headers: ["Content-Length": "\(length)"]
        )
        application.write(.head(head))
    }

    func endReply() { application.write(.end(nil)) }

    /// The application takes no further request.
    func finish() { channel.close(mode: .output, promise: nil) }

    func quiesce() {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        channel.embeddedEventLoop.run()
    }
}

/// Stands for the kernel.
private final class Network: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    var isBlocked = false
    var isOutputClosed = false

    func flush(context: ChannelHandlerContext) {
        if !isBlocked { context.flush() }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .output else {
            context.close(mode: mode, promise: promise)
            return
        }
        isOutputClosed = true
        promise?.succeed()
        context.fireUserInboundEventTriggered(ChannelEvent.outputClosed)
    }
}

/// Stands for Hummingbird.
private final class Application: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    var seen: [String] = []
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): seen.append("\(head.method) \(head.uri)")
        case .body(let bytes): seen.append("+\(bytes.readableBytes)")
        case .end: seen.append(".")
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { seen.append("\(type(of: error))") }

    func write(_ part: HTTPServerResponsePart) {
        context?.writeAndFlush(wrapOutboundOut(part), promise: nil)
    }
}
