import Hummingbird
import HTTPTypes
import OCI

/// A refusal or failure as a client gets it: the specification's JSON under `/v2/` and where JSON is asked for, a
/// plain line elsewhere.
///
/// - SeeAlso: distribution-spec v1.1.1, "Error Codes"
struct ErrorReply: Error {
    let status: HTTPResponse.Status
    let code: ErrorCode
    let message: String
    /// What to do about it, as a second line for people.
    var hint: String?
    /// A stable name of what was found, for programs.
    var reason: String?
    var headers = HTTPFields()

    /// How the client is told.
    enum Form {
        case json
        case plain
    }

    /// The reply on the wire.
    func response(as form: Form) -> Response {
        var headers = headers
        let bytes: [UInt8]
        switch form {
        case .json:
            headers[.contentType] = "application/json"
            bytes = json.canonicalBytes
        case .plain:
            headers[.contentType] = "text/plain; charset=utf-8"
            bytes = Array(("berth: " + message + "\n" + (hint.map { $0 + "\n" } ?? "")).utf8)
        }
        return Response(
            status: status,
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }

    private var json: JSONValue {
        var error: [JSONValue.Member] = [
            .init("code", .string(code.rawValue)), .init("message", .string(message)),
        ]
        if let hint { error.append(.init("detail", .string(hint))) }
        if let reason { error.append(.init("detail", .object([.init("reason", .string(reason))]))) }
        return .object([.init("errors", .array([.object(error)]))])
    }
}
