import OCI
import Registry
import TestSupport
import Testing

/// `Expect: 100-continue` on the wire.
@Suite("Expect: 100-continue")
struct ContinueTests {
    private func head(_ method: String, _ target: String, length: Int, _ fields: String = "") -> String {
        "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(length)\r\nExpect: 100-continue\r\n\(fields)\r\n"
    }

    @Test("A client is told to go on before it has sent anything, wherever its content is wanted")
    func wanted() async throws {
        try await withServer { server in
            let blob = BlobFixture("hello")
            let image = try ImageFixture("app")
            for blob in image.blobs { try await server.client.push(blob, to: "a") }
            let upload = try await server.client.openUpload(in: "a")
            let requests: [(String, String, [UInt8], Int)] = [
                ("PATCH", upload, Array("hel".utf8), 202),
                ("PUT", "\(upload)?digest=\(blob.digest)", Array("lo".utf8), 201),
                ("POST", "/v2/b/blobs/uploads/?digest=\(blob.digest)", blob.bytes, 201),
                ("PUT", "/v2/a/manifests/x", image.manifest.bytes, 201),
            ]
            let connection = try server.connect()
            for (method, target, content, status) in requests {
                try await connection.send(head(method, target, length: content.count))
                let interim = try await connection.readReply()
                #expect(interim.status == 100, "\(method) \(target)")
                #expect(interim.fields.all.isEmpty)
                try await connection.send(content)
                let reply = try await connection.readReply(to: method)
                #expect(reply.status == status, "\(method) \(target): \(reply.text)")
                #expect(reply["Connection"] == nil)
            }
            connection.close()
        }
    }

    @Test("A client whose headers alone are reason to refuse is refused at once, and hung up on")
    func refused() async throws {
        try await withServer(policy: RegistryPolicy(maximumUploadSize: 1000)) { server in
            let blob = BlobFixture("hello")
            let upload = try await server.client.openUpload(in: "a")
            let unknown = "/v2/a/blobs/uploads/01234567-89ab-cdef-0123-456789abcdef"
            let requests: [(String, String, Int, String, Int)] = [
                ("PATCH", unknown, 5, "", 404),
                ("PUT", "\(unknown)?digest=\(blob.digest)", 5, "", 404),
                ("PATCH", upload.replacing("/a/", with: "/b/"), 5, "", 404),
                ("PUT", upload, 5, "", 400),
                ("PUT", "\(upload)?digest=x", 5, "", 400),
                ("PATCH", upload, 5, "Content-Range: 5-9\r\n", 416),
                ("PATCH", upload, 5, "Content-Range: 0-9\r\n", 400),
                ("PATCH", upload, 5, "Origin: http://evil.example\r\n", 403),
                ("PATCH", upload, 1001, "", 413),
                ("POST", "/v2/a/blobs/uploads/?digest=\(blob.digest)", 1001, "", 413),
                ("POST", "/v2/a/blobs/uploads/?digest=md5:a", 5, "", 400),
                ("POST", "/v2/A/blobs/uploads/", 5, "", 400),
                ("PUT", "/v2/a/manifests/x", 5 << 20, "", 413),
                ("PUT", "/v2/a/manifests/-", 5, "", 400),
                ("DELETE", "/v2/", 5, "", 405),
            ]
            for (method, target, length, fields, status) in requests {
                let connection = try server.connect()
                try await connection.send(head(method, target, length: length, fields))
                let reply = try await connection.readReply(to: method)
                #expect(reply.status == status, "\(method) \(target) \(fields)")
                #expect(reply["Connection"] == "close", "\(method) \(target) \(fields)")
                connection.closeOutput()
                #expect(try await connection.readToEnd().isEmpty, "\(method) \(target) \(fields)")
            }
            #expect(try await server.client.send("GET", upload)["Range"] == "0-0")
        }
    }

    @Test("A client that does not wait is told nothing, and HTTP/1.0 knows nothing of it")
    func notWaiting() async throws {
        try await withServer { server in
            let blob = BlobFixture("hello")
            for version in ["HTTP/1.0", "HTTP/1.1"] {
                let connection = try server.connect()
                let target = "/v2/a/blobs/uploads/?digest=\(blob.digest)"
                let head = head("POST", target, length: 5).replacing("HTTP/1.1", with: version)
                try await connection.send(head + (version == "HTTP/1.1" ? "hello" : ""))
                if version == "HTTP/1.0" {
                    #expect(try await connection.isSilent(for: .milliseconds(100)))
                    try await connection.send("hello")
                }
                let first = try await connection.readReply(to: "POST")
                // Where content comes with the head, it may be read behind the decision to want it.
                let reply = first.status == 100 ? try await connection.readReply(to: "POST") : first
                #expect(version == "HTTP/1.1" || first.status == 201)
                #expect(reply.status == 201)
                connection.close()
            }
        }
    }
}
