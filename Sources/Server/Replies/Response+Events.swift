import Hummingbird
import OCI

extension Response {
    /// A reply that tells of an operation that cannot wait for who hears of it, as `operation` does.
    ///
    /// What it tells is gathered until it is sent. Where there is nothing to tell for some time, an empty
    /// `{"progress":{}}` shows that it goes on.
    static func operation(
        telling run:
            @escaping @Sendable (
                _ tell: @escaping @Sendable (JSONValue.Member) -> Void
            ) async throws -> JSONValue
    ) -> Response {
        .operation { send in
            let (events, teller) = AsyncStream.makeStream(of: JSONValue.Member.self)
            return try await withThrowingTaskGroup(of: JSONValue?.self) { group in
                group.addTask {
                    defer { teller.finish() }
                    return try await run { teller.yield($0) }
                }
                group.addTask {
                    while (try? await Task.sleep(for: heartbeat)) != nil {
                        teller.yield(.init("progress", .object([])))
                    }
                    return nil
                }
                for await event in events { try await send(event) }
                defer { group.cancelAll() }
                while let outcome = try await group.next() { if let outcome { return outcome } }
                return .null
            }
        }
    }

    /// Less than any client waits for the next byte of a reply.
    private static var heartbeat: Duration { .seconds(10) }
}
