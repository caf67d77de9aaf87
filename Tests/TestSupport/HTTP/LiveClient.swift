/// Sends each request over a connection of its own.
package struct LiveClient: TestClient {
    package let address: RawConnection.Address
    private let host: String

    package init(_ address: RawConnection.Address) {
        self.address = address
        host =
            switch address {
            case .port(let port): "127.0.0.1:\(port)"
            case .socket: "localhost"
            }
    }

    package func send(_ request: TestRequest) async throws -> TestReply {
        let bytes = request.bytes(host: host)
        let connection = try RawConnection(address, sending: Array(bytes.prefix(16 << 10)))
        defer { connection.close() }
        // A server that refuses may stop reading before all is sent; what it says is what counts.
        async let sending = try? connection.send(Array(bytes.dropFirst(16 << 10)))
        let reply = try await connection.readReply(to: request.method)
        connection.close()
        _ = await sending
        return reply
    }
}
