import Logging
import ServiceLifecycle

/// Removes upload sessions that have expired, at the start and then regularly.
struct UploadExpiryService: Service {
    private let interval: Duration
    private let logger: Logger
    private let sweep: @Sendable () async throws -> Int

    /// Clients do not know a session any more as soon as it has expired; only its bytes wait to be removed, and an
    /// hour is little beside the days that a session lasts.
    static let defaultInterval = Duration.seconds(3600)

    /// `sweep` removes what has expired by now, and returns how many sessions those were.
    init(
        every interval: Duration = defaultInterval,
        logger: Logger,
        sweep: @escaping @Sendable () async throws -> Int
    ) {
        self.interval = interval
        self.logger = logger
        self.sweep = sweep
    }

    /// Returns when it is told to stop, or cancelled.
    func run() async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await removeExpired()
                try? await Task.sleep(for: interval)
            }
        }
    }

    private func removeExpired() async {
        do {
            let count = try await sweep()
            if count > 0 { logger.info("removed expired uploads", metadata: ["count": "\(count)"]) }
        } catch {
            logger.warning(
                "expired uploads could not be removed; it is tried again",
                metadata: ["error": "\(error)"]
            )
        }
    }
}
