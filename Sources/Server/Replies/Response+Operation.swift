import Hummingbird
import NIOCore
import OCI

extension Response {
    /// A reply that tells of an operation while it runs: lines of JSON, each an object of one member.
    ///
    /// Whatever the operation sends comes in its order, such as `{"progress":…}`; the last line is `{"result":…}`, or
    /// `{"error":{"message":…,"hint":…}}` where the operation failed on the way: the status has been sent by then.
    /// When the client goes away, the task of the operation is cancelled.
    static func operation(
        _ run:
            @escaping @Sendable (_ send: @Sendable (JSONValue.Member) async throws -> Void) async throws ->
            JSONValue
    ) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "application/x-ndjson"],
            body: ResponseBody { writer in
                // SAFETY: the operation sends from its own task, one line after the other.
                nonisolated(unsafe) var output = writer
                @Sendable func send(_ member: JSONValue.Member) async throws {
                    try await output.write(
                        ByteBuffer(bytes: JSONValue.object([member]).canonicalBytes + [0x0A])
                    )
                }
                let last: JSONValue.Member
                do {
                    last = .init("result", try await run(send))
                } catch {
                    let reply = ErrorReply(error)
                    var members: [JSONValue.Member] = [.init("message", .string(reply.message))]
                    if let hint = reply.hint { members.append(.init("hint", .string(hint))) }
                    last = .init("error", .object(members))
                }
                try await send(last)
                try await output.finish(nil)
            }
        )
    }
}
