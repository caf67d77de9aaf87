/// How often something is tried again that failed for a reason that passes, and how long is waited in between.
struct RetryPolicy: Sendable {
    /// In all.
    var attempts = 5
    /// Before the second attempt; it doubles from one to the next.
    var firstPause = Duration.milliseconds(500)
    /// The longest pause: whoever waits at a terminal should hear of the failure.
    ///
    /// A registry that asks for more is not tried again.
    var longestPause = Duration.seconds(30)
    var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// Waits before something is tried again that has failed so many times.
    ///
    /// - Throws: the error itself where the registry wants to be left alone for longer than anybody waits.
    func pause(before repetition: Int, after error: RegistryClientError) async throws {
        try Task.checkCancellation()
        guard (error.retryAfter ?? .zero) <= longestPause else { throw error }
        let pause = min(firstPause * (1 << min(repetition - 1, 16)), longestPause)
        try await sleep(max(error.retryAfter ?? .zero, pause))
    }

    /// Runs a body until it succeeds, or fails for good.
    func run<Value>(_ body: () async throws -> Value) async throws -> Value {
        var pause = firstPause
        for _ in 1..<attempts {
            do {
                return try await body()
            } catch let error as RegistryClientError where error.isTransient {
                try Task.checkCancellation()
                guard (error.retryAfter ?? .zero) <= longestPause else { throw error }
                try await sleep(max(error.retryAfter ?? .zero, pause))
                pause = min(pause * 2, longestPause)
            }
        }
        return try await body()
    }
}
