/// A request whose answer does not depend on what the registry holds.
struct FixedCall: Sendable {
    let method: String
    let target: String
    let status: Int
    /// Nil for a reply that is no error.
    let code: String?

    var content: [UInt8]? { ["POST", "PUT", "PATCH"].contains(method) ? [] : nil }

    private init(_ method: String, _ target: String, _ status: Int, _ code: String?) {
        self.method = method
        self.target = target
        self.status = status
        self.code = code
    }

    private static let upload = "01234567-89ab-cdef-0123-456789abcdef"

    static let all = [
        FixedCall("GET", "/v2/", 200, nil), FixedCall("GET", "/v2", 200, nil),
        FixedCall("HEAD", "/v2/", 200, nil),
        FixedCall("GET", "/v2/?ns=docker.io", 200, nil),
        FixedCall("GET", "/v2/nothing", 404, "UNSUPPORTED"),
        FixedCall("GET", "/v2/a/b/c/d", 404, "UNSUPPORTED"),
        FixedCall("GET", "/v2/a/tags/lists", 404, "UNSUPPORTED"),
        FixedCall("GET", "/v2//", 404, "UNSUPPORTED"),
        FixedCall("POST", "/v2/", 405, "UNSUPPORTED"),
        FixedCall("DELETE", "/v2/_catalog", 405, "UNSUPPORTED"),
        FixedCall("PUT", "/v2/a/tags/list", 405, "UNSUPPORTED"),
        FixedCall("GET", "/v2/a/blobs/uploads/", 405, "UNSUPPORTED"),
        FixedCall("PATCH", "/v2/a/manifests/latest", 405, "UNSUPPORTED"),
        FixedCall("POST", "/v2/a/referrers/blake3:x", 405, "UNSUPPORTED"),
        FixedCall("GET", "/v2/A/tags/list", 400, "NAME_INVALID"),
        FixedCall("GET", "/v2/a/../b/tags/list", 400, "NAME_INVALID"),
        FixedCall("GET", "/v2/a//b/tags/list", 400, "NAME_INVALID"),
        FixedCall("GET", "/v2/a%2fb/tags/list", 400, "NAME_INVALID"),
        FixedCall("POST", "/v2/a_/blobs/uploads/", 400, "NAME_INVALID"),
        FixedCall("PUT", "/v2/-a/manifests/latest", 400, "NAME_INVALID"),
        FixedCall("GET", "/v2/a/blobs/sha256:0", 400, "DIGEST_INVALID"),
        FixedCall("GET", "/v2/a/blobs/latest", 400, "DIGEST_INVALID"),
        FixedCall("DELETE", "/v2/a/blobs/SHA256:00", 400, "DIGEST_INVALID"),
        FixedCall("GET", "/v2/a/manifests/sha256:0", 400, "DIGEST_INVALID"),
        FixedCall("PUT", "/v2/a/manifests/sha512:0", 400, "DIGEST_INVALID"),
        FixedCall("GET", "/v2/a/referrers/latest", 400, "DIGEST_INVALID"),
        FixedCall("POST", "/v2/a/blobs/uploads/?digest=x", 400, "DIGEST_INVALID"),
        FixedCall("POST", "/v2/a/blobs/uploads/?mount=x&from=a", 400, "DIGEST_INVALID"),
        FixedCall("POST", "/v2/a/blobs/uploads/?mount=blake3:x&from=A", 400, "NAME_INVALID"),
        FixedCall("PUT", "/v2/a/manifests/-x", 400, "MANIFEST_INVALID"),
        FixedCall("GET", "/v2/a/manifests/-x", 404, "MANIFEST_UNKNOWN"),
        FixedCall("GET", "/v2/a/blobs/uploads/\(upload)", 404, "BLOB_UPLOAD_UNKNOWN"),
        FixedCall("GET", "/v2/a/blobs/uploads/x", 404, "BLOB_UPLOAD_UNKNOWN"),
        FixedCall("PATCH", "/v2/a/blobs/uploads/..", 404, "BLOB_UPLOAD_UNKNOWN"),
        FixedCall("GET", "/v2/a/tags/list?n=%zz", 400, "UNSUPPORTED"),
        FixedCall("GET", "/v2/_catalog?last=%00", 400, "UNSUPPORTED"),
    ]
}
