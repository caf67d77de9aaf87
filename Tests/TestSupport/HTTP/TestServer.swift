import Logging
package import Registry
package import Server
import ServiceLifecycle

/// A server of one test's own, on a free port.
package struct TestServer: Sendable {
    package let test: TestRegistry
    package let address: RawConnection.Address
    private let group: ServiceGroup

    fileprivate init(test: TestRegistry, address: RawConnection.Address, group: ServiceGroup) {
        self.test = test
        self.address = address
        self.group = group
    }

    package var client: LiveClient { LiveClient(address) }

    /// Opens a connection.
    package func connect(receiveBuffer: Int? = nil) async throws -> RawConnection {
        try await RawConnection(address, receiveBuffer: receiveBuffer)
    }

    /// Tells the server to stop, as a signal does; the test ends when it has.
    package func shutDown() async { await group.triggerGracefulShutdown() }
}

/// Runs a test with a server on an empty registry, and shuts it down.
package func withServer<Value>(
    limits: ConnectionLimits = ConnectionLimits(),
    policy: RegistryPolicy = RegistryPolicy(),
    hosts: [String] = [],
    _ body: (TestServer) async throws -> Value
) async throws -> Value {
    try await withRegistry(policy: policy) { test in
        try await withServer(
            of: test,
            on: .tcp(host: "127.0.0.1", port: 0, isLoopback: true),
            limits: limits,
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
    hosts: [String] = [],
    _ body: (TestServer) async throws -> Value
) async throws -> Value {
    let (ports, listening) = AsyncThrowingStream.makeStream(of: Int.self)
    let server = RegistryServer(registry: test.registry, limits: limits, logger: .silent)
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
        do { value = try await body(TestServer(test: test, address: connectTo, group: group)) } catch {
            await group.triggerGracefulShutdown()
            try? await tasks.waitForAll()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        return value
    }
}
