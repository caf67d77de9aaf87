import Glibc
import Logging
import NIOCore
import Registry
import Server
import ServiceLifecycle
import Storage
import Synchronization

/// A storage folder that this process owns, and the registry over it.
///
/// Every command that changes or reads a folder goes through one of these: its own, or that of a running server.
struct RegistryOwner: Sendable {
    private let folder: StorageFolder
    private let server: RegistryServer
    private let configuration: BerthConfiguration
    private let logger: Logger

    /// Takes the configured folder, and opens it.
    static func open(_ configuration: BerthConfiguration, logger: Logger) async throws -> RegistryOwner {
        let ownership = try StorageOwnership.acquire(configuration.storage)
        let folder = try await StorageFolder(ownership, logger: logger)
        let registry = Registry(
            blobs: folder.blobs,
            catalog: folder.catalog,
            policy: RegistryPolicy(
                grace: configuration.garbage.grace,
                maximumUploadSize: configuration.limits.uploadSize?.bytes
            ),
            logger: logger
        )
        let server = RegistryServer(
            registry: registry,
            limits: ConnectionLimits(
                header: .init(configuration.timeouts.header),
                idle: .init(configuration.timeouts.idle),
                stall: .init(configuration.timeouts.stall)
            ),
            maximumConnections: configuration.limits.connections,
            logger: logger
        )
        return RegistryOwner(folder: folder, server: server, configuration: configuration, logger: logger)
    }

    /// The absolute path of the folder.
    var storagePath: String { folder.ownership.folder }

    /// The file that commands speak to.
    var socketPath: String { folder.ownership.socketPath }

    /// Serves the folder's socket, for the commands.
    func socketService(onListening: @escaping @Sendable () async -> Void) -> some Service {
        server.service(on: .socket(path: socketPath), hosts: []) { _ in await onListening() }
    }

    /// Serves the configured address, for everybody.
    func listenerService(onListening: @escaping @Sendable (_ port: Int) async -> Void) -> some Service {
        server.service(
            on: .tcp(host: configuration.host.text, port: configuration.port),
            hosts: configuration.acceptedHosts.map(\.text),
            onListening: onListening
        )
    }

    /// Makes everything durable, and gives the folder back.
    func close() async throws { try await folder.close() }
}
