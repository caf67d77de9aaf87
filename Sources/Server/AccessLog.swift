import HTTPTypes
import Hummingbird
import NIOCore
import Logging
import OCI
import Storage

/// Notes a request: what was asked, what came of it, and for whom.
struct AccessLog: Sendable {
    private let log: ServerLog
    private let method: HTTPRequest.Method
    /// Without the query, and printable.
    let path: String
    private let remote: String
    private let start = ContinuousClock.now

    init(_ log: ServerLog, request: HTTPRequest, channel: any Channel) {
        self.log = log
        method = request.method
        path = String((request.path ?? "").prefix { $0 != "?" }).printable
        remote = Self.name(of: channel)
    }

    /// Who a connection is for; a socket file's peer has no address.
    static func name(of channel: any Channel) -> String { channel.remoteAddress?.ipAddress ?? "local" }

    /// The reply, which writes its line when it has been sent, or broke off.
    func recording(_ response: Response) -> Response {
        let status = response.status
        guard let length = response.body.contentLength, length > Self.smallReply else {
            record(status: status, bytes: Int64(response.body.contentLength ?? 0))
            return response
        }
        var response = response
        let body = response.body
        response.body = ResponseBody(contentLength: length) { writer in
            do {
                try await body.write(writer)
                record(status: status, bytes: Int64(length))
            } catch {
                // The head has been sent, so that nobody else hears of it.
                if error is StorageError {
                    log.logger.error("a reply broke off", metadata: ["path": "\(path)", "error": "\(error)"])
                }
                record(status: status, bytes: Int64(length), isInterrupted: true)
                throw error
            }
        }
        return response
    }

    /// Up to this size a reply goes out in one write, and is as good as sent when it is made.
    private static let smallReply = 64 * 1024

    /// Notes the end of a reply.
    ///
    /// `bytes` counts the content that was sent.
    func record(status: HTTPResponse.Status, bytes: Int64, isInterrupted: Bool = false) {
        let elapsed = ContinuousClock.now - start
        let microseconds =
            elapsed.components.seconds * 1_000_000 + elapsed.components.attoseconds / 1_000_000_000_000
        log.requests([
            RequestRecord(
                method: method.rawValue,
                path: path,
                status: status.code,
                bytes: bytes,
                microseconds: microseconds,
                remote: remote,
                isInterrupted: isInterrupted
            )
        ])
    }
}
