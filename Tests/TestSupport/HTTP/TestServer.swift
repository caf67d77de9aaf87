import Logging
package import Registry
package import Server
import ServiceLifecycle

/// A server of one test's own, on a free port.
package struct TestServer: Sendable {
    package let test: TestRegistry
    package let address: RawConnection.Address
    /// What the server logs.
    package let log: RecordingLog
    private let group: ServiceGroup

    fileprivate init(
        test: TestRegistry,
        address: RawConnection.Address,
        log: RecordingLog,
        group: ServiceGroup
    ) {
        self.test = test
        self.address = address
        self.log = log
        self.group = group
    }

    package var client: LiveClient { LiveClient(address) }

    /// Calls the same registry without a connection: for what a test needs and does not test.
    package var direct: InProcessClient { InProcessClient(test.registry) }

    /// Opens a connection, and sends something at once.
    package func connect(receiveBuffer: Int? = nil, sending text: String = "") throws -> RawConnection {
        try RawConnection(address, receiveBuffer: receiveBuffer, sending: Array(text.utf8))
    }

    /// Tells the server to stop, as a signal does; the test ends when it has.
    package func shutDown() async { await group.triggerGracefulShutdown() }
}

/// Runs a test with a server on an empty registry, and shuts it down.
package func withServer<Value>(
    limits: ConnectionLimits = ConnectionLimits(),
    maximumConnections: Int = 1024,
    admission: AdmissionLimits = AdmissionLimits(),
    policy: RegistryPolicy = RegistryPolicy(),
    clock: ManualClock = ManualClock(),
    hosts: [String] = [],
    _ body: (TestServer) async throws -> Value
) async throws -> Value {
    try await withRegistry(policy: policy, clock: clock) { test in
        try await withServer(
            of: test,
            on: .tcp(host: "127.0.0.1", port: 0, isLoopback: true),
            limits: limits,
            maximumConnections: maximumConnections,
            admission: admission,
            hosts: hosts,
            body
        )
    }
}

/// Runs a test with a server on a registry that is there already.
package func withServer<Value>(
    of test: TestRegistry,
    on address: RegistryServer.Address,
    limits: ConnectionLimits = ConnectionLimits(),
    maximumConnections: Int = 1024,
    admission: AdmissionLimits = AdmissionLimits(),
    hosts: [String] = [],
    _ body: (TestServer) async throws -> Value
) async throws -> Value {
    let (ports, listening) = AsyncThrowingStream.makeStream(of: Int.self)
    let log = RecordingLog()
    let server = RegistryServer(
        registry: test.registry,
        limits: limits,
        maximumConnections: maximumConnections,
        admission: admission,
        log: ServerLog(logger: log.logger) { $0.forEach(log.record) }
    )
    let service = server.service(
        on: address,
        hosts: hosts,
        advertised: { AdvertisedAddress(authority: nil, url: nil) },
        onListening: { port in
            listening.yield(port)
            listening.finish()
        }
    )
    let group = ServiceGroup(configuration: .init(services: [service], logger: .silent))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            do { try await group.run() } catch {
                listening.finish(throwing: error)
                throw error
            }
        }
        guard let port = try await ports.first(where: { _ in true }) else { throw CancellationError() }
        let connectTo: RawConnection.Address =
            switch address {
            case .tcp: .port(port)
            case .socket(let path): .socket(path: path)
            }
        let value: Value
        do {
            value = try await body(TestServer(test: test, address: connectTo, log: log, group: group))
        } catch {
            await group.triggerGracefulShutdown()
            try? await tasks.waitForAll()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        return value
    }
}
