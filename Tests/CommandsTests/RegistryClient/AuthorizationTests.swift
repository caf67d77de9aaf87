import Foundation
import OCI
import Synchronization
import Testing

@testable import Commands

@Suite("Logging in to other registries")
struct AuthorizationTests {
    private static let password = #"{"auths": {"HOST": {"auth": "bWU6c2VjcmV0"}}}"#
    private static let basic = "Basic bWU6c2VjcmV0"
    private static let scope = "repository:team/app:pull,push"

    /// A registry that wants tokens of its own server, which gives `token-1`, `token-2` and so on.
    private static func tokens(
        accepting: @escaping @Sendable (String) -> Bool = { _ in true },
        from reply: @escaping @Sendable (StubServer.Request, Int) -> StubServer.Response = { _, count in
            .json(#"{"token": "token-\#(count)"}"#)
        }
    ) -> @Sendable (StubServer.Request) -> StubServer.Response {
        let count = Count()
        return { request in
            if request.path == "/token" { return reply(request, count.next()) }
            if let token = request.authorization, token.hasPrefix("Bearer "), accepting(token) {
                return .init()
            }
            let host = request.fields["host"] ?? ""
            let challenge = #"Bearer realm="http://\#(host)/token",service="the registry",scope="x""#
            return .init(status: 401, fields: ["WWW-Authenticate": challenge])
        }
    }

    private final class Count: Sendable {
        private let count = Mutex(0)
        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    @Test("sends a password when it is asked for, and then each time")
    func basic() async throws {
        try await ClientScene.with(credentials: Self.password) { request in
            request.authorization == Self.basic
                ? .init() : .init(status: 401, fields: ["WWW-Authenticate": #"Basic realm="x""#])
        } _: { scene in
            try await scene.expectBlob()
            try await scene.expectBlob()
            #expect(scene.server.requests.map(\.authorization) == [nil, Self.basic, Self.basic])
        }
    }

    @Test("fetches a token with the password, and uses it again")
    func bearer() async throws {
        try await ClientScene.with(credentials: Self.password, Self.tokens()) { scene in
            try await scene.expectBlob()
            try await scene.expectBlob()
            let requests = scene.server.requests
            #expect(requests.map(\.path).filter { $0 == "/token" }.count == 1)
            #expect(requests.map(\.authorization) == [nil, Self.basic, "Bearer token-1", "Bearer token-1"])
            let query = Set(
                requests[1].target.dropFirst("/token?".count).split(separator: "&").map(String.init)
            )
            #expect(
                query == ["service=the%20registry", "scope=\(URLText.encoded(Self.scope))", "account=me"]
            )
        }
    }

    @Test("fetches one without a password where there is none")
    func anonymous() async throws {
        try await ClientScene.with(Self.tokens()) { scene in
            try await scene.expectBlob()
            #expect(scene.server.requests[1].authorization == nil)
        }
    }

    @Test("fetches another when one is over")
    func expiry() async throws {
        let isFirst = Mutex(true)
        let handler = Self.tokens { token in
            // The first is good for one request.
            token != "Bearer token-1"
                || isFirst.withLock { first in
                    defer { first = false }
                    return first
                }
        }
        try await ClientScene.with(credentials: Self.password, handler) { scene in
            try await scene.expectBlob()
            try await scene.expectBlob()
            #expect(scene.server.requests.last?.authorization == "Bearer token-2")
        }
    }

    @Test("exchanges a refresh token by POST")
    func refresh() async throws {
        let credentials = #"{"auths": {"HOST": {"identitytoken": "a b&c"}}}"#
        let handler = Self.tokens(from: { request, _ in
            request.method == "POST" ? .json(#"{"access_token": "t", "expires_in": 60}"#) : .init(status: 405)
        })
        try await ClientScene.with(credentials: credentials, handler) { scene in
            try await scene.expectBlob()
            let request = scene.server.requests[1]
            #expect(request.authorization == nil && request.target == "/token")
            #expect(request.fields["content-type"] == "application/x-www-form-urlencoded")
            let form = Set(request.text.split(separator: "&").map(String.init))
            #expect(
                form == [
                    "grant_type=refresh_token", "client_id=berth", "service=the%20registry",
                    "refresh_token=a%20b%26c", "scope=\(URLText.encoded(Self.scope))",
                ]
            )
            #expect(scene.server.requests.last?.authorization == "Bearer t")
        }
    }

    @Test("sends a registry's own token as it stands")
    func registryToken() async throws {
        let credentials = #"{"auths": {"HOST": {"registrytoken": "own"}}}"#
        try await ClientScene.with(credentials: credentials, Self.tokens()) { scene in
            try await scene.expectBlob()
            #expect(scene.server.requests.map(\.authorization) == [nil, "Bearer own"])
        }
    }

    @Test("says which registry wants to know, and where it has looked", arguments: ["Basic", "Bearer"])
    func missing(scheme: String) async throws {
        try await ClientScene.with { request in
            let host = request.fields["host"] ?? ""
            guard request.path != "/token" else { return .init(status: 401) }
            let challenge = #"\#(scheme) realm="http://\#(host)/token""#
            return .init(status: 401, fields: ["WWW-Authenticate": challenge])
        } _: { scene in
            let error = await #expect(throws: RegistryClientError.self) { try await scene.hasBlob() }
            let message = try #require(error?.description)
            #expect(error?.kind == .unauthorized)
            #expect(message.contains("127.0.0.1:\(scene.server.port) wants to know who you are"))
            #expect(message.contains(scene.folder.appending(path: "config.json").path))
            #expect(message.contains("docker login 127.0.0.1:\(scene.server.port)"))
        }
    }

    @Test(
        "says whose credentials are refused, and never what they are",
        arguments: ["Basic", "Bearer", "late"]
    )
    func refused(scheme: String) async throws {
        try await ClientScene.with(credentials: Self.password) { request in
            let host = request.fields["host"] ?? ""
            if request.path == "/token" {
                return scheme == "late"
                    ? .json(#"{"token": "t"}"#) : .json(#"{"details": "incorrect"}"#, status: 401)
            }
            let name = scheme == "late" ? "Bearer" : scheme
            return .init(
                status: 401,
                fields: ["WWW-Authenticate": #"\#(name) realm="http://\#(host)/token""#]
            )
        } _: { scene in
            let error = await #expect(throws: RegistryClientError.self) { try await scene.hasBlob() }
            let message = try #require(error?.description)
            #expect(message.contains("refuses the credentials from") && message.contains("config.json"))
            #expect(!message.contains("secret") && !message.contains("bWU6"))
            #expect(scene.server.requests.count <= 3)
        }
    }

    @Test(
        "refuses what no token server is, or gives",
        arguments: [
            (#"Bearer service="x""#, "{}"), (#"Bearer realm="ftp://a/b""#, "{}"),
            (#"Bearer realm="/token""#, "{}"),
            (#"Bearer realm="http://TOKEN/token""#, "{}"),
            (#"Bearer realm="http://TOKEN/token""#, "nonsense"),
            (#"Bearer realm="http://TOKEN/token""#, #"{"token": ""}"#),
            (#"Bearer realm="http://TOKEN/token""#, #"{"token": "a\r\nEvil: 1"}"#),
            (#"Bearer realm="http://TOKEN/token""#, #"{"token": ["x"]}"#), ("Digest realm=x", "{}"),
            ("", "{}"),
        ]
    )
    func hostile(challenge: String, reply: String) async throws {
        try await ClientScene.with(credentials: Self.password) { request in
            guard request.path != "/token" else { return .json(reply) }
            let host = request.fields["host"] ?? ""
            return .init(
                status: 401,
                fields: ["WWW-Authenticate": challenge.replacing("TOKEN", with: host)]
            )
        } _: { scene in
            await #expect(throws: RegistryClientError.self) { try await scene.hasBlob() }
        }
    }

    @Test("tells nobody else the credentials: not where an upload or a redirect leads")
    func otherHosts() async throws {
        try await StubServer.with { request in
            request.path == "/blob" ? .init() : .init(status: 201)
        } _: { other in
            let elsewhere = "http://127.0.0.1:\(other.port)"
            try await ClientScene.with(credentials: Self.password) { request in
                guard request.authorization == Self.basic else {
                    return .init(status: 401, fields: ["WWW-Authenticate": "Basic realm=x"])
                }
                if request.method == "POST" {
                    return .init(status: 202, fields: ["Location": "\(elsewhere)/up"])
                }
                let isKnown = request.path.contains(Digest(of: "x".utf8).encoded)
                return isKnown
                    ? .init(status: 307, fields: ["Location": "\(elsewhere)/blob"]) : .init(status: 404)
            } _: { scene in
                try await scene.expectBlob()
                try await scene.pushBlob()
                #expect(other.requests.map(\.method) == ["HEAD", "PUT"])
                #expect(other.requests.allSatisfy { $0.authorization == nil })
            }
        }
    }

    @Test("asks nobody before the registry does")
    func lazily() async throws {
        try await ClientScene.with(credentials: "{ broken") { _ in
            .init()
        } _: { scene in
            try await scene.expectBlob()
        }
    }
}

extension ClientScene {
    fileprivate func expectBlob() async throws {
        let isThere = try await hasBlob()
        #expect(isThere)
    }

    fileprivate func hasBlob() async throws -> Bool { try await client.hasBlob(Digest(of: "x".utf8)) }
}
