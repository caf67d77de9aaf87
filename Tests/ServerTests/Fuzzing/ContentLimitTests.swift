import NIOCore
import OCI
import TestSupport
import Testing

/// Content without an end, where little is wanted.
@Suite("Content without an end")
struct ContentLimitTests {
    @Test("No more is read than a manifest may have, and one chunk")
    func endless() async throws {
        try await withRegistry { test in
            let size = 65_536
            let taken = Shared(0)
            let endless = AsyncStream<ByteBuffer> {
                taken.update { $0 += size }
                return ByteBuffer(repeating: UInt8(ascii: " "), count: size)
            }
            let request = TestRequest("PUT", "/v2/a/manifests/x", content: [], isChunked: true)
            let reply = try await InProcessClient(test.registry).send(request, streaming: endless)
            #expect(reply.status == 413)
            #expect(reply.errorCode == "SIZE_INVALID")
            #expect(taken.value <= Manifest.maximumSize + size)
        }
    }
}
