import Foundation
import Packager
package import Registry
package import Storage

/// A registry over a storage folder of one test's own.
package struct TestRegistry: Sendable {
    package let registry: Registry
    package let storage: StorageFolder
    /// Where the storage folder lies.
    package let folder: TemporaryFolder
    package let files: FaultyFileOperations
    package let clock: ManualClock

    /// Collects what is due.
    package func collectGarbage() async throws {
        while try await storage.catalog.markGarbage(now: clock.now, limit: 100) == 100 {}
        let blobs = storage.blobs
        while try await !storage.catalog.sweepGarbage(limit: 100, removing: { try blobs.remove($0) }).isEmpty
        {}
    }

    /// What lies in a part of the storage folder, such as `uploads`, in order.
    package func contents(of part: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.file(part)).sorted()
    }
}

/// Runs a test on an empty registry.
package func withRegistry<Value>(
    policy: RegistryPolicy = RegistryPolicy(),
    clock: ManualClock = ManualClock(),
    _ body: (TestRegistry) async throws -> Value
) async throws -> Value {
    try await withTemporaryFolder { folder in
        try await withRegistry(in: folder, policy: policy, clock: clock, body)
    }
}

/// Runs a test on the registry in a folder, and closes it.
package func withRegistry<Value>(
    in folder: TemporaryFolder,
    policy: RegistryPolicy = RegistryPolicy(),
    clock: ManualClock = ManualClock(),
    _ body: (TestRegistry) async throws -> Value
) async throws -> Value {
    let files = FaultyFileOperations()
    let storage = try await StorageFolder(
        StorageOwnership.acquire(folder.path),
        files: files,
        logger: .silent
    )
    let registry = Registry(
        blobs: storage.blobs,
        catalog: storage.catalog,
        packager: Packager(certificates: nil, workerCount: 1),
        policy: policy,
        clock: clock.wallClock,
        logger: .silent
    )
    let test = TestRegistry(
        registry: registry,
        storage: storage,
        folder: folder,
        files: files,
        clock: clock
    )
    let value: Value
    do { value = try await body(test) } catch {
        files.mend()
        try? await storage.close()
        throw error
    }
    files.mend()
    try await storage.close()
    return value
}

/// Runs a test with a client of an empty registry.
package func withClient<Value>(
    _ transport: Transport,
    policy: RegistryPolicy = RegistryPolicy(),
    clock: ManualClock = ManualClock(),
    _ body: (any TestClient, TestRegistry) async throws -> Value
) async throws -> Value {
    switch transport {
    case .inProcess:
        try await withRegistry(policy: policy, clock: clock) { test in
            try await body(InProcessClient(test.registry), test)
        }
    case .live:
        try await withServer(policy: policy, clock: clock) { server in
            try await body(server.client, server.test)
        }
    }
}
