import OCI
import Server
import TestSupport
import Testing

/// How a server stops: what it has begun it ends, and begins nothing more.
@Suite("Shutting down")
struct ShutdownTests {
    @Test("A download is finished, and connections without a request are closed")
    func download() async throws {
        try await withServer { server in
            let blob = TimeLimitTests.large
            try await server.client.push(blob, to: "a")
            let idle = try server.connect()
            try await idle.send("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try await idle.readReply().status == 200)
            let fresh = try server.connect()
            let busy = try server.connect(receiveBuffer: 64 << 10)
            try await busy.send("GET /v2/a/blobs/\(blob.digest) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try await busy.readHead().status == 200)
            await server.shutDown()
            #expect(try await idle.readToEnd().isEmpty)
            #expect(try await fresh.readToEnd().isEmpty)
            await #expect(throws: RawConnectionError.self) {
                let late = try server.connect()
                try await late.send("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = try await late.readReply()
            }
            #expect(try await busy.readToEnd() == blob.bytes)
        }
    }

    @Test("An upload is finished, and its reply says that the connection ends")
    func upload() async throws {
        try await withServer { server in
            let blob = InterruptionTests.blob
            let connection = try server.connect()
            try await connection.send(
                "POST /v2/a/blobs/uploads/?digest=\(blob.digest) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(blob.size)\r\n\r\n"
            )
            try await connection.send(Array(blob.bytes[..<700_000]))
            try await eventually("an upload") { try server.test.contents(of: "uploads").isEmpty ? nil : () }
            let idle = try server.connect()
            await server.shutDown()
            #expect(try await idle.readToEnd().isEmpty)
            try await connection.send(
                Array(blob.bytes[700_000...]) + Array("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
            )
            let reply = try await connection.readReply(to: "POST")
            #expect(reply.status == 201)
            #expect(reply["Connection"] == "close")
            #expect(try await connection.readToEnd().isEmpty)
            #expect(try server.test.contents(of: "blobs/sha256") == [blob.digest.encoded])
        }
    }

    @Test("Two servers on free ports have two ports")
    func freePorts() async throws {
        try await withServer { first in
            try await withServer { second in
                #expect(first.address != second.address)
                for server in [first, second] {
                    let reply = try await server.client.send("GET", "/v2/")
                    #expect(reply.status == 200)
                }
            }
        }
    }

    @Test("Connections beyond the bound wait until others end")
    func connectionBound() async throws {
        try await withRegistry { test in
            try await withServer(
                of: test,
                on: .tcp(host: "127.0.0.1", port: 0, isLoopback: true),
                maximumConnections: 2
            ) { server in
                // In the middle of a request: one that does nothing would soon make room.
                let held = [try server.connect(), try server.connect()]
                for connection in held {
                    try await connection.send(
                        "POST /v2/a/blobs/uploads/?digest=\(InterruptionTests.blob.digest) HTTP/1.1\r\n"
                            + "Host: localhost\r\nContent-Length: \(InterruptionTests.blob.size)\r\n\r\nx"
                    )
                }
                try await eventually("two uploads") {
                    try server.test.contents(of: "uploads").count == held.count ? () : nil
                }
                let waiting = try server.connect()
                try await waiting.send("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(try await waiting.isSilent(for: .milliseconds(200)))
                held[0].close()
                #expect(try await waiting.readReply().status == 200)
            }
        }
    }
}
