import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The pipeline of one connection: bytes to HTTP/1, our own order of things, and Hummingbird's loop above it.
struct RegistryChannel: HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    let responder: HTTPChannelHandler.Responder
    let limits: ConnectionLimits
    let census: ConnectionCensus
    let hot: HotSource

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            var decoderLimits = NIOHTTPDecoderLimitConfiguration()
            decoderLimits.maxHeaderFieldSize = ConnectionLimits.maximumHeaderSize
            decoderLimits.maxHeaderListSize = ConnectionLimits.maximumHeaderSize
            decoderLimits.maxHeaderFieldCount = ConnectionLimits.maximumHeaderCount
            let client = ClientIdentity.of(channel.remoteAddress)
            census.opened(by: client)
            channel.closeFuture.whenComplete { [census] _ in census.closed(by: client) }
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false,
                withErrorHandling: false,
                withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(),
                withDecoderLimitConfiguration: decoderLimits
            )
            let connection = ConnectionHandler(limits: limits, isExcess: census.isExceeded(by: client)) {
                [census] in census.isCrowded
            }
            let log = HotLog(
                client: client,
                remote: AccessLog.name(of: channel),
                batch: hot.log.batch(on: channel.eventLoop)
            )
            try pipeline.addHotHandlers(hot, log, around: connection)
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel,
                configuration: .init(
                    backPressureStrategy: .init(
                        lowWatermark: ConnectionLimits.partsReadAhead / 2,
                        highWatermark: ConnectionLimits.partsReadAhead
                    ),
                    isOutboundHalfClosureEnabled: true
                )
            )
        }
    }

    func handle(value: Value, logger: Logger) async {
        await handleHTTP(asyncChannel: value, logger: logger)
    }
}

extension ChannelPipeline.SynchronousOperations {
    /// Adds a connection's own handler behind the HTTP decoder and encoder, and those that know replies already.
    func addHotHandlers(_ hot: HotSource, _ log: HotLog, around connection: ConnectionHandler) throws {
        let handler = HotHandler(hot, log)
        try addHandlers([connection, handler])
        try addHandler(RepeatHandler(hot, log, connection: connection, hot: handler), position: .first)
    }
}
