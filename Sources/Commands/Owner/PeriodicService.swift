import Logging
import ServiceLifecycle

/// Does something at the start and then regularly, for as long as the folder is served.
///
/// What fails is logged, and tried again when its time comes.
struct PeriodicService: Service {
    private let name: String
    private let interval: Duration
    private let logger: Logger
    private let perform: @Sendable () async throws -> Void

    /// `name` completes "… failed" in the log: "removing expired uploads".
    init(
        _ name: String,
        every interval: Duration,
        logger: Logger,
        perform: @escaping @Sendable () async throws -> Void
    ) {
        self.name = name
        self.interval = interval
        self.logger = logger
        self.perform = perform
    }

    /// Returns when it is told to stop, or cancelled.
    func run() async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await performOnce()
                try? await Task.sleep(for: interval)
            }
        }
    }

    private func performOnce() async {
        do {
            try await perform()
        } catch {
            guard !Task.isCancelled else { return }
            logger.warning("\(name) failed; it is tried again", metadata: ["error": "\(error)"])
        }
    }
}
