import ArgumentParser
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Storage
import UnixSignals

/// `berth serve`: runs the registry until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the registry.",
        discussion: """
            Ctrl-C or SIGTERM stops it: no new requests are taken, those that run are finished. Every setting can \
            also stand in a file or in the environment; berth config shows what is in force.
            """
    )

    @Option(help: ArgumentHelp("The address to listen on (default: 127.0.0.1).", valueName: "address"))
    var host: String?

    @Option(
        help: ArgumentHelp("The port to listen on; 0 takes a free one (default: 5000).", valueName: "port")
    )
    var port: String?

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await reportingErrors {
            let configuration = try shared.configuration { flags in
                flags.set(Settings.host, to: host)
                flags.set(Settings.port, to: port)
            }
            try configuration.checkExposure()
            let logger = configuration.logger()
            let owner = try await RegistryOwner.open(configuration, as: .server, logger: logger)
            do {
                try await Self.serve(owner, configuration, logger)
            } catch {
                try? await owner.close()
                throw error
            }
            try await owner.close()
        }
    }

    private static func serve(
        _ owner: RegistryOwner,
        _ configuration: BerthConfiguration,
        _ logger: Logger
    ) async throws {
        if configuration.listensForRemote {
            logger.warning("other machines can push, pull and delete here: there are no accounts")
        }
        let listener = owner.listenerService { port in
            let url = configuration.url?.description ?? "http://\(configuration.authority(port: port))"
            Terminal.print("berth \(Version.current) listens on \(url)")
            Terminal.print("and stores in \(owner.storagePath)")
            Terminal.print("try: curl -T ./program \(url)/")
            // Behind the first requests, and before the first upload.
            Task.detached(priority: .background) {
                owner.prepare()
                ProgramMemory.releaseUsed()
            }
        }
        var services: [any Service] = [
            listener, owner.socketService {}, owner.collectionService(logger: logger),
            owner.pullService(logger: logger),
        ]
        if let scrub = owner.scrubService(logger: logger) { services.append(scrub) }
        var lifecycle = ServiceGroupConfiguration(
            services: services,
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: configuration.logger(atLeast: .error)
        )
        lifecycle.maximumGracefulShutdownDuration = configuration.timeouts.drain
        do {
            try await ServiceGroup(configuration: lifecycle).run()
        } catch is UnixDomainSocketPathWrongType {
            throw CommandError("\(owner.socketPath) is no socket, and the commands need one there: remove it")
        } catch let error as IOError {
            throw CommandError(
                """
                cannot listen on \(configuration.host.text):\(configuration.port): \(String(cString: strerror(error.errnoCode))) \
                (choose another port with --port)
                """
            )
        }
    }
}
