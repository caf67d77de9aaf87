import Glibc
package import Hummingbird
import HummingbirdCore
import Logging
package import Registry

/// Serves a registry on an address, or on the socket beside its storage folder.
package struct RegistryServer: Sendable {
    /// Where to listen.
    package enum Address: Hashable, Sendable {
        /// `port` 0 takes a free one. `isLoopback`: whether no other machine reaches the address.
        case tcp(host: String, port: Int, isLoopback: Bool)
        /// A socket file that only its owner can open.
        case socket(path: String)
    }

    /// What replies call the program.
    static let name = "berth"

    private let registry: Registry
    private let limits: ConnectionLimits
    private let maximumConnections: Int
    private let admission: Admission
    private let replies: HotReplies<HotRequest.Key>
    private let log: ServerLog

    /// `maximumConnections` bounds each listener; further ones wait in the kernel's queue.
    ///
    /// `admission` holds for all of them together.
    package init(
        registry: Registry,
        limits: ConnectionLimits = ConnectionLimits(),
        maximumConnections: Int = 1024,
        admission: AdmissionLimits = AdmissionLimits(),
        log: ServerLog
    ) {
        self.registry = registry
        self.limits = limits
        self.maximumConnections = maximumConnections
        self.admission = Admission(admission)
        replies = HotReplies(now: registry.clock)
        self.log = log
    }

    /// The service that listens on an address until it is shut down, and then answers what it has begun.
    ///
    /// `hosts` are names in `Host` that are answered beside the loopback's; `onListening` is called with the port,
    /// 0 for a socket.
    package func service(
        on address: Address,
        hosts: [String] = [],
        advertised: @escaping @Sendable () -> AdvertisedAddress,
        onListening: @escaping @Sendable (_ port: Int) async -> Void
    ) -> Application<RegistryResponder> {
        let listener: RegistryResponder.Listener
        let bindAddress: BindAddress
        switch address {
        case .tcp(let host, let port, let isLoopback):
            listener = .init(
                hostRule: HostRule(isLoopback: isLoopback, hosts: hosts),
                isAdministrative: false,
                advertised: advertised
            )
            bindAddress = .hostname(host, port: port)
        case .socket(let path):
            listener = .init(hostRule: .unrestricted, isAdministrative: true, advertised: advertised)
            bindAddress = .unixDomainSocket(path: path)
        }
        let census = ConnectionCensus(limit: maximumConnections)
        let hot = HotSource(
            replies: replies,
            // Of what may be asked here nothing is known at another address.
            repeats: HotReplies(capacity: HotSource.roomForRepeats, now: registry.clock),
            hostRule: listener.hostRule,
            census: census,
            log: LogBatches(log)
        )
        var serverLogger = log.logger
        // Hummingbird tells of its start, which is not a user's business, and of failures that it throws as well.
        serverLogger.logLevel = .critical
        return Application(
            responder: RegistryResponder(
                registry: registry,
                listener: listener,
                admission: admission,
                census: census,
                replies: replies,
                log: log
            ),
            server: HTTPServerBuilder { [limits] in
                RegistryChannel(
                    responder: $0,
                    limits: limits,
                    census: census,
                    hot: hot
                )
            },
            configuration: ApplicationConfiguration(
                address: bindAddress,
                serverName: Self.name,
                availableConnectionsDelegate: MaximumAvailableConnections(maximumConnections)
            ),
            onServerRunning: { [logger = log.logger] channel in
                try? await channel.eventLoop.submit {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptPause(logger: logger),
                        position: .first
                    )
                }.get()
                if case .socket(let path) = address { chmod(path, 0o600) }
                await onListening(channel.localAddress?.port ?? 0)
            },
            logger: serverLogger
        )
    }
}
