import Glibc
import NIOCore

extension Channel {
    /// How many bytes of what was written wait for the peer: here, and with the kernel; 0 where none wait here.
    ///
    /// The kernel takes more only once much of its own queue has drained, so what waits here alone does not tell a
    /// slow peer from one that has stopped. On the channel's event loop only.
    var unsentBytes: Int {
        let buffered = (try? syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        guard buffered > 0 else { return 0 }
        return buffered
            // SAFETY: the transport is asked on its own event loop, and not kept.
            + ((try? pipeline.syncOperations.withUnsafeTransportIfAvailable(Self.queuedBytes)) ?? 0)
    }

    /// - SeeAlso: tcp(7) and unix(7), "SIOCOUTQ"
    private static func queuedBytes(_ socket: CInt) -> Int {
        var count: CInt = 0
        return ioctl(socket, UInt(TIOCOUTQ), &count) == 0 ? Int(count) : 0
    }
}
