import HTTPTypes
import Hummingbird
package import Logging
package import NIOCore
import NIOEmbedded
package import Registry
package import Server
import Synchronization

/// Calls the responder as a listener on a loopback address would.
package struct InProcessClient: TestClient {
    private let responder: RegistryResponder

    package init(
        _ registry: Registry,
        hostRule: HostRule = HostRule(isLoopback: true, hosts: []),
        isAdministrative: Bool = false
    ) {
        responder = RegistryResponder(
            registry: registry,
            listener: .init(
                hostRule: hostRule,
                isAdministrative: isAdministrative,
                advertised: { AdvertisedAddress(authority: nil, url: nil) }
            ),
            log: ServerLog(logger: .silent) { _ in }
        )
    }

    package func send(_ request: TestRequest) async throws -> TestReply {
        try await send(request, body: Self.body(request.content ?? []))
    }

    /// Sends a request whose content is made while it is read, and need not end.
    package func send(
        _ request: TestRequest,
        streaming content: AsyncStream<ByteBuffer>
    ) async throws -> TestReply {
        try await send(request, body: RequestBody(asyncSequence: content))
    }

    private func send(_ request: TestRequest, body: RequestBody) async throws -> TestReply {
        guard let method = HTTPRequest.Method(request.method) else { throw UnsendableRequest() }
        var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: request.target)
        for (name, value) in request.fields {
            guard let name = HTTPField.Name(name) else { throw UnsendableRequest() }
            // The first Host field is what the type of the package calls the authority.
            if name.canonicalName == "host" {
                head.authority = value
            } else {
                head.headerFields.append(HTTPField(name: name, value: value))
            }
        }
        if let content = request.content {
            if request.isChunked {
                head.headerFields[.transferEncoding] = "chunked"
            } else {
                head.headerFields[.contentLength] = String(content.count)
            }
        }
        let channel = NIOAsyncTestingChannel()
        let response = try await responder.respond(
            to: Request(head: head, body: body),
            context: RegistryRequestContext(source: .init(channel: channel, logger: .silent))
        )
        let writer = Collector()
        try await response.body.write(writer)
        let fields = response.headers.map { (name: $0.name.rawName, value: $0.value) }
        return TestReply(
            status: response.status.code,
            fields: ReplyFields(fields),
            content: writer.bytes.withLock { $0 }
        )
    }

    private static func body(_ content: [UInt8]) -> RequestBody {
        RequestBody(
            asyncSequence: AsyncStream { continuation in
                for start in stride(from: 0, to: content.count, by: 30_011) {
                    let end = min(start + 30_011, content.count)
                    continuation.yield(ByteBuffer(bytes: content[start..<end]))
                }
                continuation.finish()
            }
        )
    }

    private final class Collector: ResponseBodyWriter, Sendable {
        let bytes = Mutex<[UInt8]>([])

        func write(_ buffer: ByteBuffer) async throws {
            bytes.withLock { $0.append(contentsOf: buffer.readableBytesView) }
        }

        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}

/// A request that this client cannot make: one with a malformed method or header name goes over a connection.
package struct UnsendableRequest: Error {}

extension Logger {
    /// Writes nothing.
    package static var silent: Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }
}
