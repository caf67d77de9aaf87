import Glibc
import Logging
import NIOCore

/// Takes no connection for a while where no file can be opened for one.
///
/// The kernel goes on telling of connections that wait, and NIO would ask for them again and again, all the time: its own
/// handler puts off the next read, and here the one before has not ended.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let logger: Logger
    private var isPausing = false
    private var resumption: Scheduled<Void>?

    /// Until then somebody may have closed a file.
    private static let pause: TimeAmount = .seconds(1)

    init(logger: Logger) { self.logger = logger }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let problem = error as? IOError,
            [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(problem.errnoCode),
            let options = context.channel.syncOptions
        else {
            context.fireErrorCaught(error)
            return
        }
        if !isPausing {
            isPausing = true
            logger.warning("no connection can be taken; it is tried again", metadata: ["error": "\(problem)"])
        }
        // Ends the read that goes on.
        try? options.setOption(.autoRead, value: false)
        resumption?.cancel()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        resumption = context.eventLoop.scheduleTask(in: Self.pause) {
            try bound.value.channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isPausing = false
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        resumption?.cancel()
        context.fireChannelInactive()
    }
}
