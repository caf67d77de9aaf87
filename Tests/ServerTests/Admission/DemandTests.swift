import HTTPTypes
import OCI
import Testing

@testable import Server

/// What a request takes of what is bounded.
@Suite("Demand")
struct DemandTests {
    private static let session = "/v2/a/blobs/uploads/01234567-89ab-cdef-0123-456789abcdef"
    private static let digest = Digest(of: [1])

    private func demand(
        _ method: String,
        _ target: String,
        _ fields: HTTPFields = [.contentLength: "5"]
    ) throws -> Demand? {
        let method = try #require(HTTPRequest.Method(method))
        let target = try RequestTarget(target)
        let head = HTTPRequest(
            method: method,
            scheme: "http",
            authority: "localhost",
            path: "/",
            headerFields: fields
        )
        return Demand(try Endpoint(method, target.segments), head, target.query)
    }

    @Test(
        "Each endpoint takes what it holds in memory, and no other",
        arguments: [
            ("POST", "/v2/a/blobs/uploads/?digest=\(digest)", Admission.Work.upload),
            ("POST", "/v2/a/blobs/uploads/?digest=\(digest)&mount=\(digest)", nil),
            ("POST", "/v2/a/blobs/uploads/", nil), ("PATCH", session, .upload),
            ("PUT", "\(session)?digest=\(digest)", .upload), ("GET", session, nil), ("DELETE", session, nil),
            ("GET", "/v2/a/blobs/\(digest)", nil), ("HEAD", "/v2/a/blobs/\(digest)", nil),
            ("PUT", "/v2/a/manifests/x", .document), ("GET", "/v2/a/manifests/x", .document),
            ("DELETE", "/v2/a/manifests/x", nil), ("GET", "/v2/a/tags/list", .document),
            ("GET", "/v2/a/referrers/\(digest)", .document), ("GET", "/v2/_catalog", .document),
            ("GET", "/v2/", nil), ("GET", "/", nil), ("GET", "/_/health", nil),
            ("GET", "/_/admin/images", nil),
            ("PUT", "/program", .packaging), ("GET", "/program", .document),
            ("GET", "/program?file", .expansion),
            ("HEAD", "/program?file", .document), ("DELETE", "/program", nil),
        ] as [(String, String, Admission.Work?)]
    )
    func endpoints(method: String, target: String, work: Admission.Work?) throws {
        #expect(try demand(method, target)?.work == work)
    }

    @Test("An upload without content takes nothing, and one of unknown length does")
    func content() throws {
        #expect(try demand("PATCH", Self.session, [.contentLength: "0"]) == nil)
        #expect(try demand("PATCH", Self.session, [:]) == nil)
        #expect(try demand("PATCH", Self.session, [.transferEncoding: "chunked"])?.work == .upload)
        #expect(try demand("PATCH", Self.session, [.contentLength: "nonsense"])?.work == .upload)
    }

    @Test(
        "A manifest weighs what it says, and at most what one may have",
        arguments: [
            ("0", 0), ("17", 17), ("4194304", 4_194_304), ("4194305", 4_194_304), ("-1", 0),
            ("nonsense", 4_194_304), (nil, 4_194_304),
        ] as [(String?, Int)]
    )
    func manifests(length: String?, weight: Int) throws {
        let fields: HTTPFields = length.map { [.contentLength: $0] } ?? [:]
        #expect(try demand("PUT", "/v2/a/manifests/x", fields)?.weight == weight)
    }

    @Test("What takes more memory to make weighs more, however it is asked for")
    func packagings() throws {
        let best = try #require(HTTPField.Name("X-Image-Level"))
        #expect(try demand("PUT", "/program")?.weight == 1)
        #expect(try demand("PUT", "/program?compress=zstd&level=fast")?.weight == 1)
        #expect(try demand("PUT", "/program?compress=zstd&level=best")?.weight == 4)
        #expect(try demand("PUT", "/program?compress=zstd", [best: "best"])?.weight == 4)
        #expect(try demand("PUT", "/program?entrypoint=/a")?.weight == 2)
    }

    @Test(
        "A client is its address, of which in IPv6 the first half counts",
        arguments: [
            ("10.0.0.1", "10.0.0.1"), ("2001:db8:1:2:3:4:5:6", "20:1:d:b8:0:1:0:2"),
            ("2001:db8:1:2::9", "20:1:d:b8:0:1:0:2"), ("::ffff:10.0.0.1", "10.0.0.1"),
            ("fe80::1%eth0", "fe:80:0:0:0:0:0:0"), (nil, "local"),
        ] as [(String?, String)]
    )
    func identity(address: String?, client: String) {
        #expect(ClientIdentity.of(ipAddress: address) == client)
    }
}
