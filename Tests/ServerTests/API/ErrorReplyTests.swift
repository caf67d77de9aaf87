import HTTPTypes
import NIOCore
import NIOHTTP1
import OCI
import Registry
import Storage
import TestSupport
import Testing

@testable import Server

/// Errors as clients see them.
@Suite("Error replies")
struct ErrorReplyTests {
    @Test(
        "Below /v2 every error is the specification's JSON, and a line of text elsewhere",
        arguments: Transport.allCases
    )
    func surfaces(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            for (method, path, status) in [
                ("GET", "/v2/a/manifests/x", 404), ("GET", "/v2/A/manifests/x", 400), ("POST", "/v2/", 405),
                ("GET", "/v2/a/b/c", 404), ("GET", "/v2/%00", 400), ("GET", "/v2/?%", 400),
                ("GET", "/v2?%", 400),
                ("REPORT", "/v2/_catalog", 405), ("GET", "/v2/a/tags/list", 404),
            ] {
                let reply = try await client.send(method, path)
                #expect(reply.status == status, "\(method) \(path)")
                #expect(reply.errorCode != nil, "\(method) \(path): \(reply.text)")
                #expect(reply["Docker-Distribution-Api-Version"] == "registry/2.0", "\(method) \(path)")
            }
            for (method, path, status) in [
                ("POST", "/_/health", 405), ("GET", "/_/x", 404), ("GET", "/%00", 400), ("PATCH", "/", 405),
                ("GET", "/v2x/%", 400),
            ] {
                let reply = try await client.send(method, path)
                #expect(reply.status == status, "\(method) \(path)")
                #expect(reply["Content-Type"] == "text/plain; charset=utf-8", "\(method) \(path)")
                #expect(reply.text.hasPrefix("berth: ") && reply.text.hasSuffix("\n"), "\(method) \(path)")
                #expect(reply["Docker-Distribution-Api-Version"] == nil, "\(method) \(path)")
            }
        }
    }

    @Test("A refused method is told which are not", arguments: Transport.allCases)
    func allow(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            for (path, allowed) in [
                ("/v2/", "GET, HEAD"), ("/v2/a/blobs/uploads/", "POST"),
                ("/v2/a/manifests/x", "GET, HEAD, PUT, DELETE"),
                ("/v2/a/blobs/\(Digest(of: []))", "GET, HEAD, DELETE"), ("/_/health", "GET, HEAD"),
            ] {
                let reply = try await client.send("OPTIONS", path)
                #expect(reply.status == 405)
                #expect(reply["Allow"] == allowed)
            }
        }
    }

    @Test("The reply to HEAD has no content, also where it is an error", arguments: Transport.allCases)
    func head(_ transport: Transport) async throws {
        try await withClient(transport) { client, _ in
            for path in ["/v2/a/manifests/x", "/v2/A/tags/list", "/_/x"] {
                let reply = try await client.send("HEAD", path)
                #expect(reply.status >= 400)
                #expect(reply.content.isEmpty)
                #expect(reply["Content-Length"] != nil)
            }
        }
    }

    @Test("A broken connection is the client's affair, and what nobody thought of the server's")
    func fallback() {
        struct Unexpected: Error {}
        #expect(ErrorReply(HTTPParserError.invalidChunkSize).status == .badRequest)
        #expect(ErrorReply(ChannelError.ioOnClosedChannel).status == .badRequest)
        #expect(ErrorReply(IOError(errnoCode: 104, reason: "read")).status == .badRequest)
        #expect(ErrorReply(CancellationError()).status == .internalServerError)
        #expect(ErrorReply(Unexpected()).status == .internalServerError)
        #expect(!ErrorReply(Unexpected()).message.contains("Unexpected"))
    }

    @Test("What the machine cannot do has a status that tells a client what to do")
    func machine() {
        #expect(ErrorReply(StorageError.full).status.code == 507)
        let busy = ErrorReply(StorageError.tooManyOpenFiles)
        #expect(busy.status == .serviceUnavailable)
        #expect(busy.headers[.retryAfter] == "1")
        #expect(busy.code == .tooManyRequests)
        for error in [
            StorageError.readOnly, .corrupt(Digest(of: [])), .database("no such table: place"),
            .failed(operation: "read", path: "/secret/place", code: 5),
        ] {
            #expect(ErrorReply(error).status == .internalServerError)
            #expect(!ErrorReply(error).message.contains("place"))
        }
    }
}
