/// Sends requests to a registry, in process or over a connection.
package protocol TestClient: Sendable {
    func send(_ request: TestRequest) async throws -> TestReply
}

extension TestClient {
    /// Sends a request that is written in place.
    package func send(
        _ method: String,
        _ target: String,
        _ fields: KeyValuePairs<String, String> = [:],
        content: [UInt8]? = nil,
        isChunked: Bool = false
    ) async throws -> TestReply {
        try await send(TestRequest(method, target, fields, content: content, isChunked: isChunked))
    }
}

/// How a test reaches the registry.
package enum Transport: String, CaseIterable, Sendable {
    /// The responder is called directly.
    case inProcess
    /// Through a listener, one connection a request.
    case live
}
