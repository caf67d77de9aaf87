package import Logging

/// Where a server tells what it does.
package struct ServerLog: Sendable {
    /// For what goes wrong.
    package let logger: Logger

    /// Takes note of requests, in their order; called on event loops.
    ///
    /// It does not go through the logger: of each request there is a line, and what the logger makes of the fields of a
    /// message costs more than many a reply.
    package let requests: @Sendable ([RequestRecord]) -> Void

    package init(logger: Logger, requests: @escaping @Sendable ([RequestRecord]) -> Void) {
        self.logger = logger
        self.requests = requests
    }
}
