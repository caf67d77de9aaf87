/// Leaves the storage folder to others after each portion of work, for as long as the portion took.
///
/// So the work takes at most half of what it shares, and less the more others want of it.
struct Pace {
    private let clock = ContinuousClock()

    /// Others have had their turn after so long, however long the portion took.
    private static let maximumPause = Duration.seconds(1)

    /// Does a portion of work, and waits.
    ///
    /// - Throws: `CancellationError` behind the portion where the task has been cancelled.
    func portion<Value>(_ body: () async throws -> Value) async throws -> Value {
        try Task.checkCancellation()
        let start = clock.now
        let value = try await body()
        try await Task.sleep(for: min(clock.now - start, Self.maximumPause))
        return value
    }
}
