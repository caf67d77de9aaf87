import HTTPTypes
import Hummingbird
import NIOCore
import OCI
import Packager
import Registry

/// What is done for each endpoint: requests in, operations of the registry, replies out.
///
/// Failures are thrown, never turned into replies here.
struct Handlers: Sendable {
    let registry: Registry
    let channel: any Channel
    let request: Request
    let query: Query
    let advertised: AdvertisedAddress

    var headers: HTTPFields { request.headers }

    var isHead: Bool { request.method == .head }
}

extension Response {
    /// A reply without content.
    static func empty(_ status: HTTPResponse.Status, _ headers: HTTPFields = [:]) -> Response {
        Response(status: status, headers: headers)
    }

    /// A reply that is a JSON document of ours.
    static func json(_ value: JSONValue, _ headers: HTTPFields = [:]) -> Response {
        .bytes(value.canonicalBytes, type: "application/json", headers)
    }

    static func bytes(_ bytes: [UInt8], type: String, _ headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = type
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }
}
