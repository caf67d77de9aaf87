import NIOCore
import NIOHTTP1
import Storage

/// A reply that was given, and may be given again as it is for as long as its lease holds.
struct HotReply: Sendable {
    /// All fields but `Date`, `Content-Length` among them.
    let headers: HTTPHeaders
    /// nil for a reply to HEAD.
    let content: ByteBuffer?
    /// What the line in the log says was asked for.
    let path: String
    let lease: ReadLease

    /// How many bytes of memory it takes, about.
    var cost: Int { (content?.readableBytes ?? 0) + 1024 }
}
