import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import NIOPosix
import Storage

/// Sends part of a file from the kernel's cache to the connection, without a copy through this process.
enum SendFile {
    /// Whether a connection's pipeline ends in a plain socket.
    ///
    /// Nothing but bytes passes through TLS.
    static func isPossible(on channel: any Channel) async -> Bool {
        (try? await channel.eventLoop.submit {
            _ = try channel.pipeline.syncOperations.context(handlerType: HTTP1ToHTTPServerCodec.self)
            return true
        }.get()) ?? false
    }

    /// Returns when the peer has taken it all, or fails when the connection breaks.
    ///
    /// It goes in below the typed parts of the pipeline, behind the head that was written before, piece by piece: while one
    /// is sent, the next is read into memory elsewhere, because the disk would hold up all connections of the event loop.
    /// Two are on their way together, so that the connection has something to send as long as there is anything.
    static func send(_ range: Range<Int64>, of blob: OpenBlob, to channel: any Channel) async throws {
        var underWay: [EventLoopFuture<Void>] = []
        for start in stride(from: range.lowerBound, to: range.upperBound, by: Int(piece)) {
            let part = start..<min(start + piece, range.upperBound)
            await blob.load(part)
            if underWay.count == 2 { try await underWay.removeFirst().get() }
            underWay.append(channel.eventLoop.flatSubmit { write(part, of: blob.file, to: channel) })
        }
        for piece in underWay { try await piece.get() }
    }

    /// What is read into memory at once, in bytes.
    private static let piece: Int64 = 4 * 1024 * 1024

    /// On the event loop; succeeds when the kernel has taken it all.
    private static func write(
        _ range: Range<Int64>,
        of file: OpenFile,
        to channel: any Channel
    ) -> EventLoopFuture<Void> {
        do {
            let codec = try channel.pipeline.syncOperations.context(
                handlerType: HTTP1ToHTTPServerCodec.self
            )
            // The handle is never closed: `file` owns the descriptor, and lives until the promise is done.
            let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: file.descriptor)
            let region = FileRegion(
                fileHandle: handle,
                readerIndex: Int(range.lowerBound),
                endIndex: Int(range.upperBound)
            )
            let promise = channel.eventLoop.makePromise(of: Void.self)
            promise.futureResult.whenComplete { _ in
                withExtendedLifetime(file) { _ = try? handle.takeDescriptorOwnership() }
            }
            let part = HTTPServerResponsePart.body(.fileRegion(region))
            codec.writeAndFlush(NIOAny(part), promise: promise)
            return promise.futureResult
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }
}
