import ArgumentParser
import Logging
import Registry
import Server
import ServiceLifecycle
import Storage
import UnixSignals

/// Runs the registry.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "Run the registry.")

    @Option var host = "127.0.0.1"
    @Option var port = 5000
    @Option var storage = "./storage"

    func run() async throws {
        let logger = Logger(label: "berth")
        let ownership = try StorageOwnership.acquire(storage)
        let folder = try await StorageFolder(ownership, logger: logger)
        let registry = Registry(blobs: folder.blobs, catalog: folder.catalog, logger: logger)
        let server = RegistryServer(registry: registry, logger: logger)
        let service = server.service(on: .tcp(host: host, port: port)) { port in
            print("listening on http://\(host):\(port)")
        }
        let group = ServiceGroup(
            configuration: .init(services: [service], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        )
        try await group.run()
        try await folder.close()
    }
}
