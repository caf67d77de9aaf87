/// What the log tells of a request that has been answered.
///
/// Never a query, a header or content, which may hold secrets.
package struct RequestRecord: Sendable {
    package let method: String
    /// Without the query, and printable.
    package let path: String
    /// Of the reply, such as 200.
    package let status: Int
    /// How many bytes of content the reply had.
    package let bytes: Int64
    /// How long it took, from the request's head to the end of the reply.
    package let microseconds: Int64
    /// The address that the request came from, or `local`.
    package let remote: String
    /// Whether the reply broke off.
    package let isInterrupted: Bool

    package init(
        method: String,
        path: String,
        status: Int,
        bytes: Int64,
        microseconds: Int64,
        remote: String,
        isInterrupted: Bool = false
    ) {
        self.method = method
        self.path = path
        self.status = status
        self.bytes = bytes
        self.microseconds = microseconds
        self.remote = remote
        self.isInterrupted = isInterrupted
    }
}
