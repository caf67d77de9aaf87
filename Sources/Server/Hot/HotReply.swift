import HTTPTypes
import NIOCore
import NIOHTTP1
import Storage

/// A reply that was given, and may be given again as it is for as long as its lease holds.
struct HotReply: Sendable {
    /// GET or HEAD.
    let method: HTTPRequest.Method
    /// All fields but `Date`, `Content-Length` among them.
    let headers: HTTPHeaders
    /// nil for a reply to HEAD.
    let content: ByteBuffer?
    /// What the line in the log says was asked for.
    let path: String
    let lease: ReadLease
    /// The status line and those fields as they are sent over HTTP/1.1; the date follows.
    let head: ByteBuffer

    init(
        method: HTTPRequest.Method,
        headers: HTTPHeaders,
        content: ByteBuffer?,
        path: String,
        lease: ReadLease
    ) {
        self.method = method
        self.headers = headers
        self.content = content
        self.path = path
        self.lease = lease
        head = ByteBuffer(
            string: headers.reduce(into: "HTTP/1.1 200 OK\r\n") { $0 += "\($1.name): \($1.value)\r\n" }
        )
    }

    /// How many bytes of content it has.
    var size: Int { content?.readableBytes ?? 0 }

    /// How many bytes of memory it takes, about.
    var cost: Int { size + head.readableBytes + 1024 }
}
