import Foundation
import OCI
import Storage
import TestSupport
import Testing

@testable import Server

/// The rules hold for everything that a listener answers.
@Suite("Every endpoint")
struct EveryEndpointTests {
    /// A registry with one of everything.
    private struct Subject {
        let image: ImageFixture
        let loose = BlobFixture("loose")
        let upload: String

        init(_ client: some TestClient) async throws {
            image = try ImageFixture("app")
            try await client.push(image, to: "a/b", as: "latest")
            try await client.push(loose, to: "a/b")
            upload = try await client.openUpload(in: "a/b")
            _ = try await client.send("PATCH", upload, content: [1, 2, 3])
        }

        /// Every path that there is, with every method that it takes, and content that would do something.
        var requests: [TestRequest] {
            let other = BlobFixture("other")
            let json: KeyValuePairs = ["Content-Type": "application/vnd.oci.image.manifest.v1+json"]
            let manifest = image.manifest
            return ["GET", "HEAD"].flatMap { method in
                [
                    "/v2", "/v2/", "/v2/_catalog", "/v2/a/b/tags/list",
                    "/v2/a/b/referrers/\(manifest.digest)", "/v2/a/b/manifests/latest",
                    "/v2/a/b/manifests/\(manifest.digest)", "/v2/a/b/blobs/\(loose.digest)", upload, "/",
                    "/_/health",
                    "/_/admin/images", "/_/admin/image?name=a/b:latest", "/_/admin/uploads",
                    "/v2/unknown/path", "/%00", "/a/b", "/a/b:latest?file", "/a/b@\(manifest.digest)", "/c",
                ].map { TestRequest(method, $0) }
            } + [
                TestRequest("PUT", "/v2/a/b/manifests/new", json, content: manifest.bytes),
                TestRequest("PUT", "/v2/c/manifests/\(manifest.digest)", json, content: manifest.bytes),
                TestRequest(
                    "PUT",
                    "/v2/a/b/manifests/\(manifest.digest)?tag=new",
                    json,
                    content: manifest.bytes
                ),
                TestRequest("DELETE", "/v2/a/b/manifests/latest"),
                TestRequest("DELETE", "/v2/a/b/manifests/\(manifest.digest)"),
                TestRequest("DELETE", "/v2/a/b/blobs/\(loose.digest)"),
                TestRequest("POST", "/v2/a/b/blobs/uploads/", content: []),
                TestRequest("POST", "/v2/c/blobs/uploads/?mount=\(loose.digest)&from=a/b", content: []),
                TestRequest("POST", "/v2/a/b/blobs/uploads/?digest=\(other.digest)", content: other.bytes),
                TestRequest("PATCH", upload, content: [4, 5]),
                TestRequest("PUT", "\(upload)?digest=\(Digest(of: [1, 2, 3]))", content: []),
                TestRequest("DELETE", upload),
                TestRequest("PUT", "/program", content: [0x7F, 0x45, 0x4C, 0x46]),
                TestRequest("PUT", "/", content: [0x7F, 0x45, 0x4C, 0x46]),
                TestRequest("DELETE", "/a/b"), TestRequest("POST", "/_/admin/collect", content: []),
                TestRequest("DELETE", "/a/b@\(manifest.digest)"),
                TestRequest("OPTIONS", "/v2/"),
                TestRequest("POST", "/"),
            ]
                + ["verify", "verify?repair", "backup", "import", "export"].map {
                    TestRequest("POST", "/_/admin/\($0)", content: [])
                }
        }

        /// What there is, to be compared.
        func state(_ client: some TestClient, _ test: TestRegistry) async throws -> [String] {
            var state = try test.contents(of: "uploads") + test.contents(of: "blobs/sha256")
            for path in ["/v2/_catalog", "/v2/a/b/tags/list", "/v2/a/b/manifests/latest", upload] {
                let reply = try await client.send("GET", path)
                state.append("\(reply.status) \(reply["Range"] ?? "") \(reply.text)")
            }
            return state
        }
    }

    private func with(_ request: TestRequest, _ fields: KeyValuePairs<String, String>) -> TestRequest {
        var request = request
        request.fields += fields.map { (name: $0.key, value: $0.value) }
        return request
    }

    @Test("A name that is not this server's is answered by nothing", arguments: Transport.allCases)
    func foreignHost(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let subject = try await Subject(client)
            let before = try await subject.state(client, test)
            for request in subject.requests {
                for host in [
                    "evil.example", "evil.example:5000", "localhost.evil.example", "[::2]", "10.0.0.1:5000",
                ] {
                    let reply = try await client.send(with(request, ["Host": host]))
                    #expect(reply.status == 421, "\(request.method) \(request.target) \(host)")
                    if request.method != "HEAD" {
                        #expect(reply.text.contains("'hosts'"), "the refusal names the setting")
                    }
                }
            }
            #expect(try await subject.state(client, test) == before)
        }
    }

    @Test("A page of another site changes nothing", arguments: Transport.allCases)
    func foreignOrigin(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let subject = try await Subject(client)
            let before = try await subject.state(client, test)
            let foreign: [KeyValuePairs<String, String>] = [
                ["Origin": "http://evil.example"], ["Origin": "null"], ["Origin": "http://localhost:1"],
                ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"],
            ]
            for request in subject.requests {
                for fields in foreign {
                    let reply = try await client.send(with(request, fields))
                    if request.method == "GET" || request.method == "HEAD" {
                        #expect(reply.status != 403, "\(request.method) \(request.target) \(fields)")
                        #expect(reply["Access-Control-Allow-Origin"] == nil)
                    } else {
                        #expect(reply.status == 403, "\(request.method) \(request.target) \(fields)")
                    }
                }
            }
            #expect(try await subject.state(client, test) == before)
        }
    }

    @Test("Own names and pages are answered on every endpoint", arguments: Transport.allCases)
    func own(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let subject = try await Subject(client)
            for request in subject.requests {
                for host in ["localhost", "localhost:5000", "127.0.0.1:1", "[::1]:5000"] {
                    let reply = try await client.send(
                        with(
                            request,
                            ["Host": host, "Origin": "http://\(host)", "Sec-Fetch-Site": "same-origin"]
                        )
                    )
                    #expect(
                        ![403, 421].contains(reply.status),
                        "\(request.method) \(request.target) \(host)"
                    )
                }
            }
        }
    }

    @Test("A request without Host, or with two, is malformed")
    func hostCount() async throws {
        try await withServer { server in
            for fields in [
                "", "Host:\r\n", "Host: localhost\r\nHost: localhost\r\n",
                "Host: localhost\r\nHost: evil\r\n",
            ] {
                let connection = try server.connect()
                try await connection.send("GET /v2/ HTTP/1.1\r\n\(fields)\r\n")
                #expect(try await connection.readReply().status == 400, "\(fields)")
                connection.close()
            }
        }
    }

    @Test("What is for commands is not there for anybody else", arguments: Transport.allCases)
    func administration(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            let subject = try await Subject(client)
            for path in subject.requests.map(\.target) where path.hasPrefix("/_/admin") {
                #expect(try await client.send("GET", path).status == 404, "\(path)")
            }
        }
    }

    @Test("The socket beside the storage folder is its owner's alone, and answers to any name")
    func socket() async throws {
        try await withRegistry { test in
            let path = test.storage.ownership.socketPath
            try await withServer(of: test, on: .socket(path: path)) { server in
                let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                #expect(mode == 0o600)
                let subject = try await Subject(server.client)
                for host in ["localhost", "evil.example", "x"] {
                    for request in subject.requests where request.method == "GET" {
                        let reply = try await server.client.send(with(request, ["Host": host]))
                        #expect(reply.status != 421, "\(request.target)")
                    }
                    let images = try await server.client.send("GET", "/_/admin/images", ["Host": host])
                    #expect(images.status == 200)
                    #expect(images.text.contains("a/b"))
                }
                let page = try await server.client.send(
                    "POST",
                    "/v2/a/blobs/uploads/",
                    ["Origin": "http://evil"]
                )
                #expect(page.status == 403)
            }
        }
    }

    @Test("A listener with a configured name answers to that one too")
    func configuredHosts() async throws {
        try await withServer(hosts: ["registry.example"]) { server in
            for (host, status) in [
                ("registry.example", 200), ("REGISTRY.example:80", 200), ("other.example", 421),
            ] {
                let reply = try await server.client.send("GET", "/v2/", ["Host": host])
                #expect(reply.status == status, "\(host)")
            }
        }
    }
}
