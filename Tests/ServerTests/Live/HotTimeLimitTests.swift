import OCI
import Server
import TestSupport
import Testing

/// Time limits on connections whose replies are given without asking anybody.
@Suite("Time limits of hot replies")
struct HotTimeLimitTests {
    @Test("A peer that asks on and on and takes nothing is given up, and keeps nothing of the server's")
    func stalled() async throws {
        try await withServer(limits: TimeLimitTests.short) { server in
            var random = SplitMix(seed: 1)
            let large = BlobFixture(random.bytes(60_000))
            try await server.direct.push(large, to: "a")
            let request = "GET /v2/a/blobs/\(large.digest) HTTP/1.1\r\nHost: localhost\r\n\r\n"
            // Made in one go: joining a million bytes one by one would hold up the tests beside this one for seconds.
            let requests = Array(String(repeating: request, count: 400_000).utf8)
            // Opened last: a connection on which nothing follows for a second is ended.
            let connection = try server.connect(receiveBuffer: 4096)
            for _ in 1...2 {
                try await connection.send(request)
                #expect(try await connection.readReply(to: "GET").content == large.bytes)
            }
            // More than the kernel holds: it ends when the server gives up, which it has done before anything is read.
            _ = try? await connection.send(requests)
            let got = (try? await connection.readToEnd()) ?? []
            #expect(got.count < 100_000_000)
            #expect(server.log.all.count < 5000, "replies were made that nobody took")
        }
    }
}
