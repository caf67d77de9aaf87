import Foundation
import OCI
import Registry
import TestSupport
import Testing

/// The endpoint behind `berth import --from-distribution`.
@Suite("API: import of another registry's folder")
struct ImportAdministrationTests {
    @Test(
        "An import is for commands alone, and tells line by line what it does",
        arguments: Transport.allCases
    )
    func importIsAdministration(_ transport: Transport) async throws {
        try await withTemporaryFolder { folder in
            let root = folder.file("docker/registry/v2")
            let digest = Digest(of: [1])
            let tag = "\(root)/repositories/app/_manifests/tags/gone/current"
            for path in ["\(root)/blobs", tag] {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
            try Data(digest.description.utf8).write(to: URL(filePath: "\(tag)/link"))
            try await withClient(transport) { client, test in
                let target = "/_/admin/import?path=\(folder.path)"
                let refused = try await client.send("POST", target, content: [])
                #expect(refused.status == 404)
                let command = InProcessClient(test.registry, isAdministrative: true)
                for (target, status) in [
                    ("/_/admin/import", 400), ("/_/admin/import?path=relative", 400),
                    ("/_/admin/import?path=\(folder.path)/docker", 404),
                ] {
                    let reply = try await command.send("POST", target, content: [])
                    #expect(reply.status == status, "\(target): \(reply.text)")
                }
                let reply = try await command.send("POST", target, content: [])
                let lines = reply.text.split(separator: "\n")
                #expect(reply.status == 200 && lines.count == 2, "\(reply.text)")
                #expect(lines.first?.hasPrefix(#"{"progress":{"leftOut":"app:gone","reason":"#) == true)
                #expect(lines.last?.hasPrefix(#"{"result":{"repositories":1,"tags":0,"#) == true)
                let read = try await command.send("GET", target)
                #expect(read.status == 405)
            }
        }
    }
}
