import Logging
import NIOCore
import Packager
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
    private let registry: Registry
    private let packager: Packager
    private let server: RegistryServer
    private let configuration: BerthConfiguration
    private let advertised: CommandAddress

    /// Takes the configured folder, and opens it.
    ///
    /// `advertised`: what replies on the socket call the images, where not by the configured address.
    static func open(
        _ configuration: BerthConfiguration,
        as role: StorageOwnership.Role,
        advertised: AdvertisedAddress? = nil,
        logger: Logger
    ) async throws -> RegistryOwner {
        let packager = try Packager(configuration.packaging)
        let ownership = try await acquire(configuration, as: role)
        let folder = try await StorageFolder(ownership, logger: logger)
        let registry = Registry(
            blobs: folder.blobs,
            catalog: folder.catalog,
            packager: packager,
            policy: RegistryPolicy(
                grace: configuration.garbage.grace,
                maximumUploadSize: configuration.limits.uploadSize?.bytes,
                allowsDeletes: configuration.deletes == .allow,
                immutableTags: configuration.immutable,
                tagLifetimes: configuration.ttl,
                sparseRepositories: configuration.sparse,
                uploadExpiry: configuration.uploads.expiry,
                untaggedPeriod: configuration.garbage.untagged,
                retention: configuration.retention,
                maximumSessions: configuration.limits.sessions
            ),
            logger: logger
        )
        let server = RegistryServer(
            registry: registry,
            limits: ConnectionLimits(
                header: .init(configuration.timeouts.header),
                idle: .init(configuration.timeouts.idle),
                stall: .init(configuration.timeouts.stall),
                minimumRate: Int(configuration.limits.rate?.bytes ?? 0)
            ),
            maximumConnections: maximumConnections(configuration, as: role, logger: logger),
            admission: AdmissionLimits(
                uploads: configuration.limits.uploads,
                packagings: configuration.limits.packagings,
                expansions: configuration.limits.expansions,
                documents: Int(configuration.limits.documents.bytes),
                patience: configuration.timeouts.queue
            ),
            log: configuration.serverLog(logger)
        )
        return RegistryOwner(
            folder: folder,
            registry: registry,
            packager: packager,
            server: server,
            configuration: configuration,
            advertised: CommandAddress(configuration, fixed: advertised)
        )
    }

    /// Makes ready what the first upload would wait for; blocks for some tens of milliseconds.
    func prepare() { packager.prepare() }

    /// How many connections each listener takes: what is configured, or fewer where the machine has not the files for that.
    private static func maximumConnections(
        _ configuration: BerthConfiguration,
        as role: StorageOwnership.Role,
        logger: Logger
    ) -> Int {
        let wanted = configuration.limits.connections
        guard role == .server, let files = OpenFileLimit.raise() else { return wanted }
        let possible = OpenFileLimit.connections(within: files)
        guard possible < wanted else { return wanted }
        logger.warning(
            "fewer connections are served at once than limits.connections says: the limit of open files is too low for it",
            metadata: ["connections": "\(possible)", "wanted": "\(wanted)", "open files": "\(files)"]
        )
        return possible
    }

    /// Takes the folder.
    ///
    /// A server waits for a command that has it to end, and for another server not at all.
    private static func acquire(
        _ configuration: BerthConfiguration,
        as role: StorageOwnership.Role
    ) async throws -> StorageOwnership {
        // A command answers what others have begun to ask it before it lets go.
        let deadline = ContinuousClock.now + configuration.timeouts.drain + .seconds(5)
        var hasTold = false
        while true {
            do throws(StorageOwnershipError) {
                return try StorageOwnership.acquire(configuration.storage, as: role)
            } catch {
                guard role == .server, let command = Self.command(in: error), ContinuousClock.now < deadline
                else {
                    throw error
                }
                if !hasTold, let pid = command.pid {
                    Terminal.warn("waiting for process \(pid), a command at work on \(configuration.storage)")
                    hasTold = true
                }
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The holder that a folder was refused for, unless it is a server.
    private static func command(in error: StorageOwnershipError) -> Holder? {
        guard case .held(_, let holder) = error, holder.role != .server else { return nil }
        return holder
    }

    /// The absolute path of the folder.
    var storagePath: String { folder.ownership.folder }

    /// How long a stop waits for the requests that are running.
    var drainTime: Duration { configuration.timeouts.drain }

    /// The file that commands speak to.
    var socketPath: String { folder.ownership.socketPath }

    /// Serves the folder's socket, for the commands.
    func socketService(onListening: @escaping @Sendable () async -> Void) -> some Service {
        let address = advertised
        return server.service(
            on: .socket(path: socketPath),
            advertised: { address.current },
            onListening: { _ in await onListening() }
        )
    }

    /// Serves the configured address, for everybody.
    func listenerService(onListening: @escaping @Sendable (_ port: Int) async -> Void) -> some Service {
        let address = advertised
        let fixed = AdvertisedAddress(
            authority: configuration.url?.authority,
            url: configuration.url?.description
        )
        return server.service(
            on: .tcp(
                host: configuration.host.text,
                port: configuration.port,
                isLoopback: !configuration.listensForRemote
            ),
            hosts: configuration.acceptedHosts.map(\.text),
            advertised: { fixed },
            onListening: { port in
                address.listens(on: port)
                await onListening(port)
            }
        )
    }

    /// Removes what is due to be collected, for as long as the folder is served.
    func collectionService(logger: Logger) -> some Service {
        PeriodicService(
            "collecting what nothing needs",
            every: configuration.garbage.interval,
            logger: logger
        ) { [registry] in
            let totals = try await registry.collect { item in
                logger.debug("collected", metadata: ["item": "\(item)"])
            }
            guard !totals.isEmpty else { return }
            logger.info(
                "collected what nothing needs",
                metadata: [
                    "uploads": "\(totals.uploads)", "tags": "\(totals.tags)",
                    "manifests": "\(totals.manifests)", "blobs": "\(totals.blobs)",
                    "bytes": "\(totals.bytes)",
                ]
            )
        }
    }

    /// Writes down what was pulled, for as long as the folder is served.
    ///
    /// Retention goes by days; a minute of them is no loss if the process dies.
    func pullService(logger: Logger) -> some Service {
        PeriodicService("recording what was pulled", every: .seconds(60), logger: logger) { [registry] in
            try await registry.flushPulls()
        }
    }

    /// Reads what is stored again, slowly and round after round, for as long as the folder is served; nil where the
    /// configuration says not to.
    func scrubService(logger: Logger) -> PeriodicService? {
        configuration.scrub.rate.map { rate in
            // A look each hour whether the next round is due.
            PeriodicService("reading stored blobs again", every: .seconds(3600), logger: logger) {
                [registry] in
                try await registry.scrub(rate: rate.bytes)
            }
        }
    }

    /// Makes everything durable, and gives the folder back.
    func close() async throws { try await folder.close() }
}

/// The address that a command's reply names: the listener's, or where none runs the one that it will have.
private final class CommandAddress: Sendable {
    private let configuration: BerthConfiguration
    private let fixed: AdvertisedAddress?
    private let port: Mutex<Int>

    init(_ configuration: BerthConfiguration, fixed: AdvertisedAddress?) {
        self.configuration = configuration
        self.fixed = fixed
        port = Mutex(configuration.port)
    }

    func listens(on port: Int) { self.port.withLock { $0 = port } }

    var current: AdvertisedAddress {
        fixed
            ?? AdvertisedAddress(
                authority: configuration.authority(port: port.withLock { $0 }),
                url: configuration.url?.description
            )
    }
}

extension BerthConfiguration {
    /// The first part of an image reference that leads to the listener from this machine.
    ///
    /// Docker trusts plain HTTP with localhost, and takes neither an address that stands for all addresses nor the
    /// loopback's own in IPv6.
    func authority(port: Int) -> String {
        if let url { return url.authority }
        if host.isLoopback || ["0.0.0.0", "::"].contains(host.text) { return "localhost:\(port)" }
        return host.isIPv6 ? "[\(host.text)]:\(port)" : "\(host.text):\(port)"
    }
}

extension Packager {
    /// A packager as configured.
    ///
    /// A bundle of certificates or a folder of time zones that is configured and cannot be used is an error.
    fileprivate init(_ configuration: BerthConfiguration.Packaging) throws {
        let certificates =
            switch configuration.caBundle {
            case .host: try CertificateBundle.ofHost()
            case .file(let path): try Self.bundle(path)
            case .none: nil as CertificateBundle?
            }
        let configured: TimeZones? =
            if case .folder(let path) = configuration.timeZones { try Self.timeZones(path) } else { nil }
        let usesHost = configuration.timeZones == .host
        self.init(
            certificates: certificates,
            // The host's are read when somebody asks for them: hundreds of files, for what few want.
            timeZones: usesHost ? (try? TimeZones.ofHost()) ?? nil : configured,
            workerCount: configuration.workers == 0 ? nil : configuration.workers
        )
    }

    private static func timeZones(_ path: String) throws -> TimeZones {
        do {
            return try TimeZones(contentsOfFolder: path)
        } catch {
            throw CommandError("packaging.zoneinfo: \(path): \(error)")
        }
    }

    private static func bundle(_ path: String) throws -> CertificateBundle {
        do {
            return try CertificateBundle(contentsOfFile: path)
        } catch {
            throw CommandError("packaging.ca-bundle: \(path): \(error)")
        }
    }
}
