import AsyncHTTPClient
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Server
import ServiceLifecycle
import Storage
import UnixSignals

/// The way from a command to the owner of a storage folder: a running server, or else this process for as long as
/// the command runs.
struct OwnerConnection: Sendable {
    let socketPath: String

    /// Runs a body that can speak to the owner of the configured folder.
    ///
    /// The body runs again where the owner goes away in the middle: what commands ask for can be repeated.
    /// `createsFolder`: whether a folder that does not exist is made, rather than refused.
    static func with<Value: Sendable>(
        _ configuration: BerthConfiguration,
        createsFolder: Bool,
        logger: Logger,
        _ body: @escaping @Sendable (OwnerConnection) async throws -> Value
    ) async throws -> Value {
        if !createsFolder, access(configuration.storage, F_OK) != 0 {
            throw CommandError("there is no storage folder \(configuration.storage): name it with --storage")
        }
        // Between two looks another command may take the folder, or let go of it.
        let deadline = ContinuousClock.now + patience
        var pid: Int32?
        while true {
            if let holder = StorageOwnership.holder(of: configuration.storage) {
                pid = holder.pid
                try refuseForeignSocket(holder.socketPath)
                if let path = holder.socketPath, let connection = await OwnerConnection(reaching: path) {
                    do {
                        return try await body(connection)
                    } catch  where isLost(error) {
                        // The owner was a command too, and has ended. What it did not answer is asked again.
                    }
                }
            } else {
                do {
                    let owner = try await RegistryOwner.open(configuration, as: .command, logger: logger)
                    return try await owner.lend(to: body, logger: logger)
                } catch StorageOwnershipError.held {}
            }
            guard ContinuousClock.now < deadline else {
                throw CommandError(
                    """
                    the process \(pid.map { "\($0) " } ?? "")that owns \(configuration.storage) does not answer: \
                    was its folder moved, or its socket removed? Stop it, and give the command again
                    """
                )
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Runs a body that can speak to the owner of a folder that nobody else knows: this process.
    ///
    /// `advertised`: what replies call the images.
    static func withOwn(
        _ configuration: BerthConfiguration,
        advertised: AdvertisedAddress,
        logger: Logger,
        _ body: @escaping @Sendable (OwnerConnection) async throws -> Void
    ) async throws {
        let owner = try await RegistryOwner.open(
            configuration,
            as: .command,
            advertised: advertised,
            logger: logger
        )
        try await owner.lend(to: body, logger: logger)
    }

    /// How long the owner may take from taking the folder to listening: it may have to check a large folder first.
    private static let patience = Duration.seconds(30)

    /// Waiting would not help a command that may not speak to the owner.
    private static func refuseForeignSocket(_ path: String?) throws {
        guard let path, access(path, W_OK) != 0, errno == EACCES || errno == EPERM else { return }
        throw CommandError("\(path) belongs to another user: give the command as that user")
    }

    /// Whether an error says that the owner hung up.
    private static func isLost(_ error: any Error) -> Bool {
        switch error {
        case let error as HTTPClientError: error == .remoteConnectionClosed
        case is ChannelError, is IOError, is NIOConnectionError, is HTTPParserError: true
        default: false
        }
    }

    fileprivate init(socketPath: String) { self.socketPath = socketPath }

    /// Nil if nobody answers.
    private init?(reaching socketPath: String) async {
        self.init(socketPath: socketPath)
        // An owner that ends may take a connection that it does not answer any more.
        let health = HTTPClientRequest(url: url("/_/health"))
        guard let reply = try? await execute(health, deadline: .now() + .seconds(2)), reply.status == 200
        else {
            return nil
        }
    }

    /// What the owner answered.
    struct Reply: Sendable {
        let status: UInt
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// Asks for a document.
    func get(_ path: String) async throws -> Reply {
        try await execute(HTTPClientRequest(url: url(path)))
    }

    /// Has something done.
    func post(_ path: String) async throws -> Reply {
        var request = HTTPClientRequest(url: url(path))
        request.method = .POST
        return try await execute(request)
    }

    /// Sends a file.
    ///
    /// `size` is in bytes.
    func put(
        _ path: String,
        content: some AsyncSequence<ByteBuffer, any Error> & Sendable,
        size: Int64,
        acceptsJSON: Bool
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: url(path))
        request.method = .PUT
        if acceptsJSON { request.headers.add(name: "Accept", value: "application/json") }
        request.body = .stream(content, length: .known(size))
        return try await execute(request)
    }

    private func execute(
        _ request: HTTPClientRequest,
        deadline: NIODeadline = .distantFuture
    ) async throws -> Reply {
        var request = request
        request.headers.replaceOrAdd(name: "Host", value: "localhost")
        let response = try await HTTPClient.shared.execute(request, deadline: deadline)
        // Replies to commands are documents of some kilobytes; pages bound their lists.
        let body = try await response.body.collect(upTo: 64 * 1024 * 1024)
        return Reply(status: response.status.code, body: Array(body.readableBytesView))
    }

    func url(_ path: String) -> String {
        "http+unix://\(URLText.encoded(socketPath))\(path)"
    }
}

extension RegistryOwner {
    /// Serves the socket while a body runs, and then gives the folder back.
    fileprivate func lend<Value: Sendable>(
        to body: @escaping @Sendable (OwnerConnection) async throws -> Value,
        logger: Logger
    ) async throws -> Value {
        let (isListening, listening) = AsyncStream.makeStream(of: Void.self)
        var lifecycle = ServiceGroupConfiguration(
            services: [socketService { listening.finish() }],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        // Other commands may be in the middle of a request.
        lifecycle.maximumGracefulShutdownDuration = drainTime
        let services = ServiceGroup(configuration: lifecycle)
        do {
            let value = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { listening.finish() }
                    try await services.run()
                }
                for await _ in isListening {}
                let result: Result<Value, any Error>
                do { result = .success(try await body(OwnerConnection(socketPath: socketPath))) } catch {
                    result = .failure(error)
                }
                await services.triggerGracefulShutdown()
                try await group.waitForAll()
                return try result.get()
            }
            try await close()
            return value
        } catch {
            try? await close()
            throw error
        }
    }
}
