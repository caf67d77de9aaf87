import NIOPosix

extension NIOThreadPool {
    /// Runs blocking work on the pool, and tells failed file calls as storage errors.
    ///
    /// The work goes on when the task that waits for it is cancelled: what a client that has gone left behind must
    /// still be cleared away, and others may wait for the same flush.
    func runBlocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        do {
            return try await withCheckedThrowingContinuation { continuation in
                submit { state in
                    switch state {
                    case .active: continuation.resume(with: Result { try body() })
                    case .cancelled: continuation.resume(throwing: CancellationError())
                    }
                }
            }
        } catch let error as FileError {
            throw StorageError(error)
        }
    }
}
