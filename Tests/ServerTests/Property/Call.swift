import OCI
import TestSupport

/// One request to the registry, or a restart of it.
///
/// Upload sessions have numbers: the one that opens a session gives it, and whoever uses one that nobody opened gets
/// what a client with a wrong address gets.
enum Call: Sendable {
    /// Bytes on their way to an upload session.
    struct Chunk: Sendable {
        var bytes: [UInt8]
        /// `Content-Range`, as it stands there.
        var range: String?
        /// Without a Content-Length.
        var isChunked = false
    }

    /// A part of a list.
    struct Page: Sendable {
        var number: String?
        var last: String?
    }

    case pushBlob(String, bytes: [UInt8], digest: String, isChunked: Bool)
    case openUpload(String, session: Int, query: String)
    case mount(String, digest: String, from: String?, session: Int)
    case append(String, session: Int, Chunk)
    /// `digest` nil: none is said.
    case finish(String, session: Int, Chunk, digest: String?)
    case readUpload(String, session: Int, isHead: Bool)
    case cancelUpload(String, session: Int)
    case readBlob(String, digest: String, isHead: Bool, range: String?, match: String?)
    case deleteBlob(String, digest: String)
    /// `document` by its place in the world.
    case pushManifest(String, reference: String, document: Int, type: String?, tags: [String])
    case readManifest(String, reference: String, isHead: Bool, accept: String?, match: String?)
    case deleteManifest(String, reference: String)
    case listTags(String, Page)
    case listRepositories(Page)
    case listReferrers(String, subject: String, type: String?, number: String?)
    /// One whose answer does not depend on what the registry holds.
    case fixed(FixedCall)
    case restart
}

extension Call {
    /// How it goes over the wire; nil for what is no request.
    ///
    /// `address`: where a session is.
    func request(address: (_ session: Int) -> String) -> TestRequest? {
        switch self {
        case .pushBlob(let name, let bytes, let digest, let isChunked):
            return TestRequest(
                "POST",
                "/v2/\(name)/blobs/uploads/?digest=\(digest)",
                content: bytes,
                isChunked: isChunked
            )
        case .openUpload(let name, _, let query):
            return TestRequest("POST", "/v2/\(name)/blobs/uploads/\(query)", content: [])
        case .mount(let name, let digest, let source, _):
            let from = source.map { "&from=\($0)" } ?? ""
            return TestRequest("POST", "/v2/\(name)/blobs/uploads/?mount=\(digest)\(from)", content: [])
        case .append(let name, let session, let chunk):
            return Self.request("PATCH", "/v2/\(name)/blobs/uploads/\(address(session))", chunk)
        case .finish(let name, let session, let chunk, let digest):
            let query = digest.map { "?digest=\($0)" } ?? ""
            return Self.request("PUT", "/v2/\(name)/blobs/uploads/\(address(session))\(query)", chunk)
        case .readUpload(let name, let session, let isHead):
            return TestRequest(isHead ? "HEAD" : "GET", "/v2/\(name)/blobs/uploads/\(address(session))")
        case .cancelUpload(let name, let session):
            return TestRequest("DELETE", "/v2/\(name)/blobs/uploads/\(address(session))")
        case .readBlob(let name, let digest, let isHead, let range, let match):
            var request = TestRequest(isHead ? "HEAD" : "GET", "/v2/\(name)/blobs/\(digest)")
            if let range { request.fields.append(("Range", range)) }
            if let match { request.fields.append(("If-None-Match", match)) }
            return request
        case .deleteBlob(let name, let digest):
            return TestRequest("DELETE", "/v2/\(name)/blobs/\(digest)")
        default: return manifestRequest
        }
    }

    private static func request(_ method: String, _ target: String, _ chunk: Chunk) -> TestRequest {
        var request = TestRequest(method, target, content: chunk.bytes, isChunked: chunk.isChunked)
        if let range = chunk.range { request.fields.append(("Content-Range", range)) }
        return request
    }

    private var manifestRequest: TestRequest? {
        switch self {
        case .pushManifest(let name, let reference, let document, let type, let tags):
            let query = tags.isEmpty ? "" : "?" + tags.map { "tag=\($0)" }.joined(separator: "&")
            var request = TestRequest(
                "PUT",
                "/v2/\(name)/manifests/\(reference)\(query)",
                content: World.documents[document].bytes
            )
            if let type { request.fields.append(("Content-Type", type)) }
            return request
        case .readManifest(let name, let reference, let isHead, let accept, let match):
            var request = TestRequest(isHead ? "HEAD" : "GET", "/v2/\(name)/manifests/\(reference)")
            if let accept { request.fields.append(("Accept", accept)) }
            if let match { request.fields.append(("If-None-Match", match)) }
            return request
        case .deleteManifest(let name, let reference):
            return TestRequest("DELETE", "/v2/\(name)/manifests/\(reference)")
        case .listTags(let name, let page):
            return TestRequest("GET", "/v2/\(name)/tags/list\(page.query)")
        case .listRepositories(let page): return TestRequest("GET", "/v2/_catalog\(page.query)")
        case .listReferrers(let name, let subject, let type, let number):
            let parts = [
                type.map { "artifactType=\($0.replacing("+", with: "%2B"))" }, number.map { "n=\($0)" },
            ]
            .compactMap { $0 }
            let query = parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
            return TestRequest("GET", "/v2/\(name)/referrers/\(subject)\(query)")
        case .fixed(let call): return TestRequest(call.method, call.target, content: call.content)
        default: return nil
        }
    }
}

extension Call.Page {
    fileprivate var query: String {
        let parts = [number.map { "n=\($0)" }, last.map { "last=\($0)" }].compactMap { $0 }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }
}

extension Call: CustomStringConvertible {
    /// The request on one line, its content in words.
    var description: String {
        guard let request = request(address: { "<session \($0)>" }) else { return "restart" }
        var text = "\(request.method) \(request.target)"
        for (name, value) in request.fields { text += ", \(name): \(value)" }
        switch self {
        case .pushManifest(_, _, let document, _, _):
            text += "  (the document '\(World.documents[document].name)')"
        case .openUpload(_, let session, _), .mount(_, _, _, let session): text += "  (session \(session))"
        default:
            if let content = request.content, !content.isEmpty {
                text += "  (\(String(decoding: content, as: UTF8.self).debugDescription))"
            }
        }
        if request.isChunked { text += "  (in chunks)" }
        return text
    }
}
