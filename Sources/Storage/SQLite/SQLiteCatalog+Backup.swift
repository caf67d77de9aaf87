import Dispatch
import Synchronization

extension SQLiteCatalog {
    package func withPinnedContent<Value: Sendable>(
        _ body: () async throws -> Value
    ) async throws -> Value {
        // A sweep that is under way removes what was given up before, and so is not in any copy made from here on.
        pins.withLock { $0 += 1 }
        defer { pins.withLock { $0 -= 1 } }
        return try await body()
    }

    package func copy(to path: String, now: Timestamp) async throws -> CatalogCopy {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { [self] in
                continuation.resume(with: Result { try makeCopy(to: path, now: now) })
            }
        }
    }
}
