import Foundation
import Synchronization

/// An HTTP server of a test's own on a free port of loopback, which answers as the test says.
///
/// It closes each connection behind its reply.
final class StubServer: Sendable {
    struct Request: Sendable {
        let method: String
        /// The path with the query.
        let target: String
        /// By their names in lower case.
        let fields: [String: String]
        let body: [UInt8]

        var path: String { String(target.prefix { $0 != "?" }) }
        var line: String { "\(method) \(target)" }
        var authorization: String? { fields["authorization"] }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    struct Response: Sendable {
        var status = 200
        var fields: [String: String] = [:]
        var body: [UInt8] = []
        /// How many bytes are said to come, where that is not how many do.
        var announced: Int?
        /// Whether the connection breaks without an answer.
        var isReset = false

        static let reset = Response(isReset: true)

        static func json(_ text: String, status: Int = 200) -> Response {
            Response(status: status, fields: ["Content-Type": "application/json"], body: Array(text.utf8))
        }
    }

    let port: Int
    private let listener: CInt
    private let log = Mutex<[Request]>([])
    private let handler: @Sendable (Request) -> Response

    private init(_ handler: @escaping @Sendable (Request) -> Response) throws {
        listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRINUSE) }
        port = Int(UInt16(bigEndian: address.sin_port))
        self.handler = handler
    }

    /// Runs a body beside a server.
    static func with<Value>(
        _ handler: @escaping @Sendable (Request) -> Response,
        _ body: (StubServer) async throws -> Value
    ) async throws -> Value {
        let server = try StubServer(handler)
        let thread = Thread { [server] in server.accept() }
        thread.start()
        defer {
            shutdown(server.listener, CInt(SHUT_RDWR))
            close(server.listener)
        }
        return try await body(server)
    }

    /// Every request so far.
    var requests: [Request] { log.withLock { $0 } }

    private func accept() {
        while true {
            let connection = Foundation.accept(listener, nil, nil)
            guard connection >= 0 else { return }
            Thread { [self] in serve(connection) }.start()
        }
    }

    private func serve(_ connection: CInt) {
        defer { close(connection) }
        guard let request = read(connection) else { return }
        log.withLock { $0.append(request) }
        let response = handler(request)
        if response.isReset {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(
                connection,
                SOL_SOCKET,
                SO_LINGER,
                &linger,
                socklen_t(MemoryLayout.size(ofValue: linger))
            )
            return
        }
        var fields = response.fields
        fields["Connection"] = "close"
        fields["Content-Length"] = "\(response.announced ?? response.body.count)"
        var bytes = Array("HTTP/1.1 \(response.status) X\r\n".utf8)
        for (name, value) in fields { bytes += Array("\(name): \(value)\r\n".utf8) }
        bytes += Array("\r\n".utf8) + (request.method == "HEAD" ? [] : response.body)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private func read(_ connection: CInt) -> Request? {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while bytes.firstRange(of: end) == nil {
            guard let more = Self.receive(connection) else { return nil }
            bytes += more
            if bytes.first == 0x16 {
                // TLS, which an HTTP server takes for a request that it does not understand.
                let reply = Array("HTTP/1.1 400 X\r\n\r\n".utf8)
                _ = reply.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
                return nil
            }
        }
        guard let head = bytes.firstRange(of: end) else { return nil }
        var lines = String(decoding: bytes[..<head.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines.removeFirst().split(separator: " ")
        var fields: [String: String] = [:]
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1)
            fields[parts[0].lowercased()] =
                parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        var body = Array(bytes[head.upperBound...])
        let length = fields["content-length"].flatMap { Int($0) } ?? 0
        while body.count < length {
            guard let more = Self.receive(connection) else { return nil }
            body += more
        }
        return Request(method: String(words[0]), target: String(words[1]), fields: fields, body: body)
    }

    private static func receive(_ connection: CInt) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = buffer.withUnsafeMutableBytes { recv(connection, $0.baseAddress, $0.count, 0) }
        return count > 0 ? Array(buffer.prefix(count)) : nil
    }
}
