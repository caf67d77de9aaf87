import Foundation
import OCI
import Synchronization
import Testing

@testable import Commands

/// A client and a registry that answers as a test says.
struct ClientScene: Sendable {
    let client: RegistryClient
    let server: StubServer
    /// What was waited for between attempts.
    let pauses: @Sendable () -> [Duration]
    let folder: URL

    /// `credentials`: the text of docker's file, where `HOST` stands for the registry.
    static func with(
        credentials: String = "{}",
        attempts: Int = 3,
        _ handler: @escaping @Sendable (StubServer.Request) -> StubServer.Response,
        _ body: (ClientScene) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "berth-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let waited = Mutexed()
        try await StubServer.with(handler) { server in
            let host = "127.0.0.1:\(server.port)"
            try credentials.replacing("HOST", with: host)
                .write(to: folder.appending(path: "config.json"), atomically: true, encoding: .utf8)
            try await RegistryTransport.with { transport in
                var retries = RetryPolicy(attempts: attempts)
                retries.sleep = { waited.append($0) }
                let client = RegistryClient(
                    try RegistryHost(host),
                    try RepositoryName("team/app"),
                    plainHTTP: false,
                    credentials: CredentialSources(environment: ["DOCKER_CONFIG": folder.path]),
                    transport: transport,
                    retries: retries
                )
                try await body(
                    ClientScene(client: client, server: server, pauses: { waited.values }, folder: folder)
                )
            }
        }
    }

    private final class Mutexed: Sendable {
        private let state = Mutex<[Duration]>([])
        var values: [Duration] { state.withLock { $0 } }
        func append(_ value: Duration) { state.withLock { $0.append(value) } }
    }

    /// Pushes a blob of some bytes.
    func pushBlob(_ bytes: [UInt8] = Array("content".utf8)) async throws {
        let path = folder.appending(path: "blob").path
        try Data(bytes).write(to: URL(filePath: path))
        try await client.push(Self.descriptor(bytes), from: path) { _ in }
    }

    static func descriptor(_ bytes: [UInt8], _ type: MediaType = .octetStream) -> Descriptor {
        Descriptor(mediaType: type, digest: Digest(of: bytes), size: Int64(bytes.count))
    }

    var lines: [String] { server.requests.map(\.line) }
}

@Suite("The client of other registries")
struct RegistryClientTests {
    private static let digest = Digest(of: "content".utf8)
    private static let blobs = "/v2/team/app/blobs"

    @Test(
        "uploads a blob to wherever the registry says, its query kept",
        arguments: [
            ("/up/1", "/up/1?digest="), ("/up/1?_state=a%3D%3D", "/up/1?_state=a%3D%3D&digest="),
            ("1?x", "\(blobs)/uploads/1?x&digest="), ("?y=2", "\(blobs)/uploads/?y=2&digest="),
            ("http://HOST/abs?z", "/abs?z&digest="),
        ]
    )
    func upload(location: String, target: String) async throws {
        try await ClientScene.with { request in
            switch request.method {
            case "HEAD": return .init(status: 404)
            case "POST":
                let host = request.fields["host"] ?? ""
                return .init(status: 202, fields: ["Location": location.replacing("HOST", with: host)])
            default: return .init(status: 201)
            }
        } _: { scene in
            try await scene.pushBlob()
            #expect(
                scene.lines == [
                    "HEAD \(Self.blobs)/\(Self.digest)", "POST \(Self.blobs)/uploads/",
                    "PUT \(target)\(Self.digest)",
                ]
            )
            let sent = try #require(scene.server.requests.last)
            #expect(sent.text == "content" && sent.fields["content-length"] == "7")
            #expect(sent.fields["content-type"] == "application/octet-stream")
            #expect(scene.server.requests[1].fields["content-length"] == "0")
        }
    }

    @Test("uploads nothing that is there")
    func known() async throws {
        try await ClientScene.with { _ in
            .init()
        } _: { scene in
            try await scene.pushBlob()
            #expect(scene.lines == ["HEAD \(Self.blobs)/\(Self.digest)"])
        }
    }

    @Test(
        "sends a blob as a chunk where the registry takes none with the last request",
        arguments: [400, 405, 411]
    )
    func chunk(status: Int) async throws {
        try await ClientScene.with { request in
            switch request.method {
            case "HEAD": .init(status: 404)
            case "POST": .init(status: 202, fields: ["Location": "/up?n=1"])
            case "PATCH": .init(status: 202, fields: ["Location": "/up?n=2"])
            default: .init(status: request.body.isEmpty ? 201 : status)
            }
        } _: { scene in
            try await scene.pushBlob()
            let digest = URLText.encoded("\(Self.digest)")
            #expect(
                scene.lines.suffix(4) == [
                    "PUT /up?n=1&digest=\(digest)", "POST \(Self.blobs)/uploads/", "PATCH /up?n=1",
                    "PUT /up?n=2&digest=\(digest)",
                ]
            )
            #expect(scene.server.requests.first { $0.method == "PATCH" }?.text == "content")
        }
    }

    @Test(
        "says what a refusal means",
        arguments: [
            (
                403, #"{"errors":[{"code":"DENIED","message":"not yours"}]}"#,
                ["does not allow you", "DENIED: not yours"]
            ),
            (404, #"{"errors":[{"code":"NAME_UNKNOWN"}]}"#, ["no repository team/app", "NAME_UNKNOWN"]),
            (413, "<html>", ["too large"]), (418, "", ["answers 418 when asked to begin an upload"]),
            (403, #"{"errors":[{"message":"\u001b[31mred\nline"}]}"#, ["does not allow you"]),
        ]
    )
    func refusals(status: Int, body: String, words: [String]) async throws {
        try await ClientScene.with { request in
            request.method == "HEAD" ? .init(status: 404) : .json(body, status: status)
        } _: { scene in
            let error = await #expect(throws: RegistryClientError.self) { try await scene.pushBlob() }
            let message = try #require(error?.description)
            for word in words { #expect(message.contains(word), "\(message)") }
            #expect(message.contains("127.0.0.1:\(scene.server.port)"))
            #expect(!message.contains("\u{1B}") && !message.contains("\n"))
            #expect(scene.pauses().isEmpty)
        }
    }

    @Test("tries again from the beginning after a failure that passes")
    func retries() async throws {
        let failures = Mutex(2)
        try await ClientScene.with { request in
            switch request.method {
            case "HEAD": return .init(status: 404)
            case "POST": return .init(status: 202, fields: ["Location": "/up"])
            default:
                let count = failures.withLock { count in
                    count -= 1
                    return count
                }
                if count == 1 { return .init(status: 429, fields: ["Retry-After": "7"]) }
                return count == 0 ? .reset : .init(status: 201)
            }
        } _: { scene in
            try await scene.pushBlob()
            #expect(
                scene.server.requests.map(\.method) == [
                    "HEAD", "POST", "PUT", "HEAD", "POST", "PUT", "HEAD", "POST", "PUT",
                ]
            )
            #expect(scene.server.requests.last?.text == "content")
            #expect(scene.pauses() == [.seconds(7), .seconds(1)])
        }
    }

    @Test("gives up in the end, and says why", arguments: [500, 503])
    func persistent(status: Int) async throws {
        try await ClientScene.with { _ in
            .init(status: status)
        } _: { scene in
            let error = await #expect(throws: RegistryClientError.self) { try await scene.pushBlob() }
            #expect(error?.description.contains("answers \(status)") == true)
            #expect(scene.lines.count == 3 && scene.pauses().count == 2)
        }
    }

    @Test("follows redirects, but not for ever, and not out of HTTP")
    func redirects() async throws {
        try await ClientScene.with { request in
            switch request.path {
            case "/elsewhere": .init()
            case let path where path.contains(Self.digest.encoded):
                .init(status: 307, fields: ["Location": "/elsewhere"])
            default:
                .init(
                    status: 302,
                    fields: ["Location": request.path.hasSuffix("x") ? "ftp://a/" : request.path]
                )
            }
        } _: { scene in
            let isThere = try await scene.client.hasBlob(Self.digest)
            #expect(isThere)
            await #expect(throws: RegistryClientError.self) {
                try await scene.client.hasBlob(Digest(of: "other".utf8))
            }
            #expect(scene.lines.count == 2 + 6)
            await #expect(throws: RegistryClientError.self) {
                try await scene.client.manifest(.tag(Tag("x")))
            }
        }
    }

    @Test("refuses a manifest's digest that is another's")
    func digest() async throws {
        let other = Digest(of: "other".utf8)
        try await ClientScene.with { _ in
            .init(status: 201, fields: ["Docker-Content-Digest": "\(other)"])
        } _: { scene in
            let bytes = Array("{}".utf8)
            let error = await #expect(throws: RegistryClientError.self) {
                try await scene.client.push(
                    bytes,
                    ClientScene.descriptor(bytes, .ociManifest),
                    as: .tag(.latest)
                )
            }
            #expect(error?.kind == .malformed)
        }
    }

    @Test("says that a host is not there, and that one does not speak TLS")
    func unreachable() async throws {
        try await StubServer.with { _ in
            .init()
        } _: { server in
            try await RegistryTransport.with { transport in
                func failure(_ url: String) async throws -> RegistryClientError? {
                    let url = try #require(RegistryURL(url))
                    return await #expect(throws: RegistryClientError.self) {
                        try await transport.execute(RegistryRequest(reading: url))
                    }
                }
                let plain = try await failure("https://127.0.0.1:\(server.port)/v2/")
                #expect(plain?.kind == .insecure)
                #expect(plain?.description.contains("--plain-http") == true, "\(plain?.description ?? "")")
                let refused = try await failure("http://127.0.0.1:1/")
                #expect(refused?.kind == .unreachable, "\(refused?.description ?? "")")
                let unknown = try await failure("http://nothing.invalid/")
                #expect(unknown?.kind == .unreachable)
            }
        }
    }
}

@Suite("Referrers at registries that keep no list of them")
struct ReferrersTagTests {
    private static let subject = Digest(of: "subject".utf8)

    private static func referrer(_ text: String) -> Descriptor {
        var descriptor = ClientScene.descriptor(Array(text.utf8), .ociManifest)
        descriptor.artifactType = try? MediaType("application/spdx+json")
        descriptor.annotations = ["a": "b"]
        return descriptor
    }

    private func entered(
        _ referrers: [Descriptor],
        before: String?
    ) async throws -> (tag: String?, index: NSDictionary?) {
        var result: (String?, NSDictionary?)
        try await ClientScene.with { request in
            switch request.method {
            case "GET": before.map { .json($0) } ?? .init(status: 404)
            default: .init(status: 201)
            }
        } _: { scene in
            try await scene.client.enter(referrers, underTagOf: Self.subject)
            let put = scene.server.requests.first { $0.method == "PUT" }
            let document = try put.map { try JSONSerialization.jsonObject(with: Data($0.body)) }
            result = (put.map { String($0.path.split(separator: "/").last ?? "") }, document as? NSDictionary)
        }
        return result
    }

    @Test("make an index under a tag of the subject's digest")
    func first() async throws {
        let referrers = [Self.referrer("1"), Self.referrer("2")]
        let (tag, index) = try await entered(referrers, before: nil)
        #expect(tag == "sha256-\(Self.subject.encoded)")
        let entries = try #require(index?["manifests"] as? [NSDictionary])
        #expect(entries.map { $0["digest"] as? String } == referrers.map(\.digest.description))
        #expect(entries[0]["artifactType"] as? String == "application/spdx+json")
        #expect(entries[0]["annotations"] as? [String: String] == ["a": "b"])
    }

    @Test("join what is there, which stays as it is")
    func merge() async throws {
        let known = Self.referrer("1")
        let foreign =
            #"{"mediaType":"x/y","digest":"sha256:00","size":7,"data":"e30=","z":[true,null,{"q":"é"}]}"#
        let before = """
            {"schemaVersion":2,"manifests":[\(foreign),
             \(String(decoding: known.json.canonicalBytes, as: UTF8.self))]}
            """
        let (_, index) = try await entered([known, Self.referrer("2")], before: before)
        let entries = try #require(index?["manifests"] as? [NSDictionary])
        let expected = try JSONSerialization.jsonObject(with: Data(foreign.utf8)) as? NSDictionary
        #expect(entries.count == 3 && entries[0] == expected)
        #expect(entries[1]["digest"] as? String == known.digest.description)
        #expect(try await entered([known], before: before).tag == nil)
    }

    @Test("replace nothing that is no index", arguments: ["{}", "[]", "nonsense", #"{"manifests":"x"}"#])
    func foreign(before: String) async {
        await #expect(throws: RegistryClientError.self) {
            try await entered([Self.referrer("1")], before: before)
        }
    }

    @Test(
        "says of a 404 what the registry has said",
        arguments: [
            (
                #"{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"lacks x"}]}"#,
                "refuses to take the manifest 1"
            ),
            (#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#, "has no repository team/app"),
            ("", "has no repository team/app"), (#"{"errors":[]}"#, "has no repository team/app"),
        ]
    )
    func notFound(body: String, expected: String) async throws {
        try await ClientScene.with { _ in
            .json(body, status: 404)
        } _: { scene in
            let error = await #expect(throws: RegistryClientError.self) {
                try await scene.client.push(
                    [1],
                    ClientScene.descriptor([1], .ociManifest),
                    as: .tag(OCI.Tag("1"))
                )
            }
            #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
        }
    }
}
