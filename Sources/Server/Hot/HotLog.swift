import HTTPTypes
import NIOCore

/// Notes what one connection is given without anybody being asked.
struct HotLog {
    /// Who has the connection.
    let client: String
    /// The address that it comes from, or `local`.
    let remote: String
    let batch: LogBatch

    func record(_ reply: HotReply, since: NIODeadline) {
        batch.append(
            RequestRecord(
                method: reply.method.rawValue,
                path: reply.path,
                status: 200,
                bytes: Int64(reply.size),
                microseconds: (.now() - since).nanoseconds / 1000,
                remote: remote
            )
        )
    }
}
