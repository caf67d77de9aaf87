import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import OCI

/// Connections to other registries: one request, one reply, and what went wrong in words.
struct RegistryTransport: Sendable {
    private let client: HTTPClient
    /// The socket of a storage folder's owner, where everything goes; nil for the network.
    private var socketPath: String?

    /// Runs a body with connections that are closed behind it.
    static func with<Value>(_ body: (RegistryTransport) async throws -> Value) async throws -> Value {
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let value = try await body(RegistryTransport(client: client, socketPath: nil))
            try await client.shutdown()
            return value
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private static var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        // Where a request goes decides whether credentials go along, so redirects are followed by hand.
        configuration.redirectConfiguration = .disallow
        // Some registries copy a blob to another store before they answer its last request.
        configuration.timeout = .init(connect: .seconds(30), read: .minutes(5), write: .minutes(2))
        configuration.connectionPool.retryConnectionEstablishment = false
        // Requests follow each other: nothing is gained by several on one connection.
        configuration.httpVersion = .http1Only
        // A copy within one registry reads and writes several blobs at once: the one must not wait for the other.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 32
        return configuration
    }

    /// The same connections, but all to a socket of this machine.
    func through(socket path: String) -> RegistryTransport {
        RegistryTransport(client: client, socketPath: path)
    }

    /// Sends a request, and returns whatever is answered.
    func execute(_ request: RegistryRequest) async throws -> RegistryResponse {
        let address = socketPath.map { "http+unix://\(URLText.encoded($0))\(request.url.target)" }
        var message = HTTPClientRequest(url: address ?? request.url.description)
        message.method = request.method
        message.headers = request.fields
        if socketPath != nil { message.headers.replaceOrAdd(name: "Host", value: request.url.base.authority) }
        message.headers.replaceOrAdd(name: "User-Agent", value: "berth/\(Version.current)")
        switch request.content {
        case nil: break
        case .bytes(let bytes): message.body = .bytes(ByteBuffer(bytes: bytes))
        case .file(let part, let sent):
            let content = try FileContent(part)
            message.body = .stream(MeteredContent(base: content, passed: sent), length: .known(part.size))
        case .download(let download, let sent):
            message.body = .stream(
                MeteredContent(base: download, passed: sent),
                length: .known(download.blob.size)
            )
        }
        do {
            let response = try await client.execute(message, deadline: .distantFuture)
            if request.streams, response.status == .ok || response.status == .partialContent {
                return RegistryResponse(
                    status: response.status.code,
                    fields: response.headers,
                    body: [],
                    stream: response.body
                )
            }
            let body = try await response.body.collect(upTo: RegistryResponse.maximumSize)
            return RegistryResponse(
                status: response.status.code,
                fields: response.headers,
                body: Array(body.readableBytesView)
            )
        } catch {
            throw translated(error, request.url)
        }
    }

    /// What the layers below mean by their errors.
    func translated(_ error: any Error, _ url: RegistryURL) -> any Error {
        // The name in the address of a socket means nothing.
        Self.translated(
            error,
            url,
            host: socketPath == nil ? url.base.authority : "the owner of the storage folder"
        )
    }

    private static func translated(_ error: any Error, _ url: RegistryURL, host: String) -> any Error {
        switch error {
        // The last are those of a registry whose content is sent on.
        case is CancellationError, is CommandError, is RegistryClientError: return error
        case let error as NIOConnectionError where error.connectionErrors.isEmpty:
            return RegistryClientError(
                .unreachable,
                "there is no host \(url.base.host), as far as is known here"
            )
        case let error as NIOConnectionError:
            let reason = (error.connectionErrors.first?.error as? IOError).map { ": \(reasonText($0))" } ?? ""
            return RegistryClientError(.unreachable, "cannot reach \(host)\(reason)")
        case is NIOTooManyBytesError:
            return RegistryClientError(.malformed, "\(host) answers with more than is reasonable")
        case let error as HTTPClientError: return translated(error, host)
        case let error as IOError where isUnreachable(error):
            return RegistryClientError(.unreachable, "cannot reach \(host): \(reasonText(error))")
        case let error as IOError:
            return RegistryClientError(.interrupted, "the connection to \(host) broke: \(reasonText(error))")
        case is ChannelError, is HTTPParserError:
            return RegistryClientError(.interrupted, "the connection to \(host) broke")
        default: break
        }
        let text = "\(error)"
        guard String(reflecting: type(of: error)).hasPrefix("NIOSSL") else {
            return RegistryClientError(.interrupted, "the connection to \(host) broke: \(text.printable)")
        }
        let advice =
            if text.contains("CERTIFICATE_VERIFY_FAILED") {
                "its certificate is not one that this machine trusts"
            } else if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
                "it does not speak TLS; --plain-http goes without"
            } else {
                text.printable
            }
        return RegistryClientError(.insecure, "no safe connection to \(host): \(advice)")
    }

    private static func translated(_ error: HTTPClientError, _ host: String) -> any Error {
        switch error {
        case .cancelled: CancellationError()
        case .connectTimeout: RegistryClientError(.unreachable, "\(host) does not answer")
        case .tlsHandshakeTimeout: RegistryClientError(.insecure, "no safe connection to \(host): no answer")
        default:
            RegistryClientError(
                .interrupted,
                "the connection to \(host) broke: \(error.shortDescription.printable)"
            )
        }
    }

    /// Whether there was no connection to begin with.
    private static func isUnreachable(_ error: IOError) -> Bool {
        [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EACCES, EPERM].contains(error.errnoCode)
    }

    private static func reasonText(_ error: IOError) -> String {
        String(cString: strerror(error.errnoCode))
    }
}
