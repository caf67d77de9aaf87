import Foundation
import OCI
import Registry
import Storage
import TestSupport
import Testing

/// Verification and backups as the commands ask for them, and damaged content as clients see it.
@Suite("Maintenance")
struct MaintenanceTests {
    @Test("Verification and backups are for commands alone", arguments: Transport.allCases)
    func administration(_ transport: Transport) async throws {
        try await withTemporaryFolder { folder in
            try await withClient(transport) { client, test in
                try await client.push(try ImageFixture("app"), to: "a", as: "x")
                let backup = "/_/admin/backup?path=\(folder.file("backups"))"
                for target in ["/_/admin/verify", "/_/admin/verify?repair=true", backup] {
                    #expect(try await client.send("POST", target, content: []).status == 404)
                    #expect(try await client.send("GET", target).status == 404)
                }
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
                let command = InProcessClient(test.registry, isAdministrative: true)
                for (target, status) in [
                    ("/_/admin/verify?name=X", 400), ("/_/admin/verify?name=", 400),
                    ("/_/admin/verify?repair=true&name=a", 400), ("/_/admin/verify?name=a&name=b", 404),
                    ("/_/admin/verify?name=a:y", 404), ("/_/admin/backup", 400),
                    ("\(backup)&keep=0", 400), ("\(backup)&keep=x", 400), ("\(backup)&keep=-1", 400),
                ] {
                    #expect(try await command.send("POST", target, content: []).status == status, "\(target)")
                    #expect(try await command.send("GET", target).status == 405)
                }
                let verified = try await command.send("POST", "/_/admin/verify?name=a:x&name=a", content: [])
                #expect(verified.status == 200)
                #expect(
                    verified.text.split(separator: "\n").last?.hasPrefix(#"{"result":{"whole":true"#) == true
                )
                let made = try await command.send("POST", backup, content: [])
                #expect(made.text.split(separator: "\n").last?.hasPrefix(#"{"result":{"path":"#) == true)
                // What fails on the way is told in the last line, as the status was sent.
                try Data().write(to: URL(filePath: folder.file("file")))
                let target = "/_/admin/backup?path=\(folder.file("file"))"
                let failed = try await command.send("POST", target, content: [])
                #expect(
                    failed.status == 200 && failed.text.contains(#"{"error":{"message":"#),
                    "\(failed.text)"
                )
            }
        }
    }

    @Test(
        "A quarantined blob is an error to GET, unknown to everything else, and healed by a push",
        arguments: Transport.allCases
    )
    func quarantined(_ transport: Transport) async throws {
        try await withClient(transport) { client, test in
            let image = try ImageFixture("app")
            let blob = image.layers[0]
            try await client.push(image, to: "a", as: "x")
            let path = test.folder.file("blobs/sha256/\(blob.digest.encoded)")
            try Data(repeating: 0, count: blob.bytes.count).write(to: URL(filePath: path))
            #expect(try await test.registry.verify(.everything) { _ in }.damaged == 1)
            let address = "/v2/a/blobs/\(blob.digest)"
            #expect(try await client.send("HEAD", address).status == 404)
            for fields in [[:], ["Range": "bytes=0-1"], ["If-None-Match": "\"\(blob.digest)\""]]
                as [KeyValuePairs<String, String>]
            {
                let reply = try await client.send("GET", address, fields)
                #expect(reply.status == 500 && reply.errorMessage?.contains("push it again") == true)
            }
            let mount = "/v2/b/blobs/uploads/?mount=\(blob.digest)&from=a"
            #expect(try await client.send("POST", mount, content: []).status == 202)
            #expect(try await client.send("DELETE", address).status == 404)
            let refused = try await client.put(image.manifest, at: "/v2/a/manifests/y")
            #expect(refused.status == 404 && refused.errorCode == "MANIFEST_BLOB_UNKNOWN")
            // To another repository, and there again in all of them.
            try await client.push(blob, to: "c")
            for name in ["a", "c"] {
                #expect(
                    try await client.send("GET", "/v2/\(name)/blobs/\(blob.digest)").content == blob.bytes
                )
            }
            try await client.push(image.manifest, to: "a", as: "y")
        }
    }
}
