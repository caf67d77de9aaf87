import HTTPTypes
package import Hummingbird
import NIOCore
import NIOHTTP1
import Logging
import OCI
package import Registry

/// Answers every request: the rules, the routing, the handler, the reply, the line in the log.
package struct RegistryResponder: HTTPResponder {
    package typealias Context = RegistryRequestContext

    /// Where a listener stands, and what follows from it.
    package struct Listener: Sendable {
        package let hostRule: HostRule
        /// Whether the commands' endpoints are there.
        package let isAdministrative: Bool

        /// How clients are told to reach the registry.
        ///
        /// Asked for each request: a free port is known only once it was taken.
        package let advertised: @Sendable () -> AdvertisedAddress

        package init(
            hostRule: HostRule,
            isAdministrative: Bool,
            advertised: @escaping @Sendable () -> AdvertisedAddress
        ) {
            self.hostRule = hostRule
            self.isAdministrative = isAdministrative
            self.advertised = advertised
        }
    }

    private let registry: Registry
    private let listener: Listener
    private let admission: Admission
    private let census: ConnectionCensus?
    /// Where replies are remembered; nil where nobody asks there.
    private let replies: HotReplies<HotRequest.Key>?
    private let log: ServerLog

    package init(
        registry: Registry,
        listener: Listener,
        admission: Admission = Admission(),
        log: ServerLog
    ) {
        self.init(
            registry: registry,
            listener: listener,
            admission: admission,
            census: nil,
            replies: nil,
            log: log
        )
    }

    /// `census`: of the connections that the requests come on; nil where they come otherwise.
    init(
        registry: Registry,
        listener: Listener,
        admission: Admission,
        census: ConnectionCensus?,
        replies: HotReplies<HotRequest.Key>?,
        log: ServerLog
    ) {
        self.registry = registry
        self.listener = listener
        self.admission = admission
        self.census = census
        self.replies = replies
        self.log = log
    }

    package func respond(to request: Request, context: Context) async throws -> Response {
        let access = AccessLog(log, request: request.head, channel: context.channel)
        let isDistribution = request.head.path.map {
            $0 == "/v2" || $0.hasPrefix("/v2/") || $0.hasPrefix("/v2?")
        }
        let target = Result { () throws(EndpointError) in try RequestTarget(request.head.path ?? "") }
        var response: Response
        var repeatable: Reply.Repeatable?
        do {
            let reply = try await answer(request, target, context)
            response = reply.response
            repeatable = reply.repeatable
        } catch {
            let reply = ErrorReply(error)
            // Nobody waits any more for what was cancelled; who was not let in has a line of the access log.
            if reply.status.kind == .serverError, !(error is CancellationError), !(error is AdmissionError) {
                log.logger.error(
                    "a request failed",
                    metadata: ["path": "\(access.path)", "error": "\(error)"]
                )
            }
            let isJSON = isDistribution == true || request.headers.prefersJSON
            response = reply.response(as: isJSON ? .json : .plain)
        }
        if isDistribution == true {
            response.headers[.dockerDistributionAPIVersion] = "registry/2.0"
            response.headers[.ociNamespace] = UpstreamNamespace.named(
                by: try? target.get().query,
                of: request.method
            )
        }
        if request.method == .head { response = response.createHeadResponse() }
        if let repeatable { keep(response, repeatable, of: request.head, path: access.path) }
        return access.recording(response)
    }

    private func keep(
        _ response: Response,
        _ repeatable: Reply.Repeatable,
        of request: HTTPRequest,
        path: String
    ) {
        guard let replies, let target = request.path, target.utf8.count <= HotRequest.maximumTarget,
            response.status == .ok
        else { return }
        var fields = response.headers
        fields[.server] = RegistryServer.name
        if let content = repeatable.content { fields[.contentLength] = String(content.readableBytes) }
        replies.keep(
            HotReply(
                method: request.method,
                headers: HTTPHeaders(fields.map { ($0.name.rawName, $0.value) }),
                content: repeatable.content,
                path: path,
                lease: repeatable.lease
            ),
            for: HotRequest.Key(isHead: request.method == .head, target: target)
        )
    }

    private func answer(
        _ request: Request,
        _ target: Result<RequestTarget, EndpointError>,
        _ context: Context
    ) async throws -> Reply {
        let client = ClientIdentity.of(context.channel.remoteAddress)
        if let census, census.isExceeded(by: client) {
            context.channel.triggerUserOutboundEvent(ConnectionUnwanted(), promise: nil)
            throw AdmissionError.tooManyConnections(limit: census.share)
        }
        try checkHost(request.head)
        if OriginRule.refuses(request.head) { throw RequestError.foreignOrigin }
        let target = try target.get()
        // Elsewhere than on the socket nothing tells that there is such a thing, nor which methods it takes.
        guard listener.isAdministrative || target.segments.prefix(2) != ["_", "admin"] else {
            throw EndpointError.unknownPath
        }
        let endpoint = try Endpoint(request.method, target.segments)
        let handlers = Handlers(
            registry: registry,
            channel: context.channel,
            request: request,
            query: target.query,
            advertised: listener.advertised()
        )
        let demand = Demand(endpoint, request.head, target.query)
        let ticket = try await admission.enter(demand, for: client)
        var reply = try await dispatch(endpoint, handlers)
        reply.response = withExtendedLifetime(ticket) { reply.response.holding(ticket) }
        return reply
    }

    private func checkHost(_ head: HTTPRequest) throws {
        // RFC 9112, section 3.2, has both refused, none and two; of two the first is the authority.
        guard let host = head.authority, !host.isEmpty, head.headerFields[.host] == nil else {
            throw RequestError.missingHost
        }
        guard listener.hostRule.allows(host) else { throw RequestError.foreignHost(host) }
    }

    private func dispatch(_ endpoint: Endpoint, _ handlers: Handlers) async throws -> Reply {
        switch endpoint {
        case .checkSupport: Reply(.json(.object([])))
        case .readBlob(let name, let digest): try await handlers.readBlob(digest, in: name)
        case .deleteBlob(let name, let digest): Reply(try await handlers.deleteBlob(digest, in: name))
        case .startUpload(let name): Reply(try await handlers.startUpload(in: name))
        case .readUpload(let name, let id): Reply(try await handlers.readUpload(id, in: name))
        case .appendToUpload(let name, let id): Reply(try await handlers.appendToUpload(id, in: name))
        case .finishUpload(let name, let id): Reply(try await handlers.finishUpload(id, in: name))
        case .cancelUpload(let name, let id): Reply(try await handlers.cancelUpload(id, in: name))
        case .readManifest(let name, let reference): try await handlers.readManifest(reference, in: name)
        case .pushManifest(let name, let reference):
            Reply(try await handlers.pushManifest(reference, in: name))
        case .deleteManifest(let name, let reference):
            Reply(try await handlers.deleteManifest(reference, in: name))
        case .listTags(let name): Reply(try await handlers.listTags(of: name))
        case .listReferrers(let name, let subject):
            Reply(try await handlers.listReferrers(of: subject, in: name))
        case .listRepositories: Reply(try await handlers.listRepositories())
        case .packageExecutable(let path): Reply(try await handlers.packageExecutable(path))
        case .readImage(let name): Reply(try await handlers.readImage(name))
        case .deleteImage(let name): Reply(try await handlers.deleteImage(name))
        case .welcome: Reply(handlers.welcome())
        case .health: Reply(.bytes(Array("ok\n".utf8), type: "text/plain; charset=utf-8"))
        case .administer(let endpoint): Reply(try await handlers.administer(endpoint))
        }
    }
}
