import NIOPosix

extension NIOThreadPool {
    /// Runs blocking work on the pool, and tells failed file calls as storage errors.
    func runBlocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        do {
            return try await runIfActive(body)
        } catch let error as FileError {
            throw StorageError(error)
        }
    }
}
