import NIOHTTP1

/// A request whose reply has not ended, as far as its connection cares.
struct OpenRequest {
    let isHTTP10: Bool
    /// Whether its connection ends behind it.
    let isLast: Bool
    /// Whether the client holds its content back until it is told to go on.
    var waitsForContinue: Bool
    /// Whether reading its content in large portions is worth the memory.
    let hasLargeContent: Bool
    var isHeadWritten = false

    init(_ head: HTTPRequestHead) {
        isHTTP10 = head.version.major == 1 && head.version.minor == 0
        // Behind a request for another protocol the decoder expects that one, and reads no further.
        isLast = !head.isKeepAlive || head.headers.contains(name: "Upgrade") || head.method == .CONNECT
        hasLargeContent =
            head.headers.contains(name: "Transfer-Encoding")
            || head.headers.first(name: "Content-Length").flatMap(Int.init).map { $0 > ReadPortion.large }
                == true
        // RFC 9110, section 10.1.1: HTTP/1.0 knows no such expectation.
        waitsForContinue =
            !isHTTP10
            && head.headers[canonicalForm: "expect"].contains { $0.lowercased() == "100-continue" }
    }
}
