import Hummingbird
import NIOCore
import Storage

/// What a handler answers, and whether the same may be answered again without asking it.
struct Reply {
    /// What is needed for that.
    struct Repeatable {
        let lease: ReadLease
        /// All of it; nil for a reply to HEAD.
        let content: ByteBuffer?
    }

    var response: Response
    let repeatable: Repeatable?

    init(_ response: Response) {
        self.response = response
        repeatable = nil
    }

    /// `lease`: nil where it may not.
    init(_ response: Response, _ content: ByteBuffer?, for lease: ReadLease?) {
        self.response = response
        repeatable = lease.map { Repeatable(lease: $0, content: content) }
    }
}
