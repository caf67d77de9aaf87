import Foundation
import OCI
import Testing

@testable import Commands

@Suite("Files with credentials")
struct CredentialFileTests {
    private func file(_ text: String) throws -> CredentialFile {
        try CredentialFile(parsing: Array(text.utf8), path: "config.json")
    }

    private func credential(
        _ text: String,
        _ host: String,
        _ repository: String = "team/app"
    ) throws -> RegistryCredential? {
        try file(text).credential(for: RegistryHost(host), RepositoryName(repository))
    }

    private static func auth(_ text: String) -> String {
        #"{"auth": "\#(Data(text.utf8).base64EncodedString())"}"#
    }

    @Test(
        "know a registry under each of its names",
        arguments: [
            ("a.b:5000", "a.b:5000"), ("https://a.b:5000", "a.b:5000"), ("http://a.b:5000/", "a.b:5000"),
            ("https://a.b/v1/", "a.b"), ("a.b/v2", "a.b"), ("A.B", "a.b"), ("https://A.b/V1", "a.b/V1"),
            ("https://index.docker.io/v1/", "docker.io"), ("docker.io", "docker.io"),
            ("index.docker.io", "index.docker.io"), ("registry-1.docker.io", "docker.io"),
            ("localhost:5000", "localhost:5000"), ("[::1]:5000", "[::1]:5000"),
        ]
    )
    func keys(key: String, host: String) throws {
        let text = #"{"auths": {"\#(key)": \#(Self.auth("me:pw"))}}"#
        let isKnown = !host.contains("/")
        let found = try credential(text, isKnown ? host : "a.b")
        #expect(found == (isKnown ? .password(user: "me", password: "pw") : nil))
        #expect(try credential(text, "other.example") == nil)
        #expect(try credential(text, "a.b.c") == nil)
    }

    @Test(
        "hold credentials of several kinds",
        arguments: [
            (auth("me:p:w "), RegistryCredential.password(user: "me", password: "p:w ")),
            (auth("me:pw\0\0"), .password(user: "me", password: "pw")),
            (auth("me:"), .password(user: "me", password: "")),
            (auth("mé:ü"), .password(user: "mé", password: "ü")),
            (#"{"username": "me", "password": "pw"}"#, .password(user: "me", password: "pw")),
            (#"{"auth": "bWU6cHc=", "identitytoken": "t"}"#, .identityToken("t")),
            (#"{"registrytoken": "t", "email": 5}"#, .registryToken("t")),
            (#"{"auth": "", "identitytoken": "", "username": "", "password": ""}"#, nil),
            ("{}", nil), ("null", nil),
        ]
    )
    func kinds(entry: String, expected: RegistryCredential?) throws {
        #expect(try credential(#"{"auths": {"a.b": \#(entry)}}"#, "a.b") == expected)
    }

    @Test("of podman's go by repository, the nearest first")
    func namespaces() throws {
        let text = """
            {"auths": {"a.b": \(Self.auth("host:1")), "a.b/team": \(Self.auth("team:2")),
             "a.b/team/app": \(Self.auth("app:3"))}}
            """
        #expect(try credential(text, "a.b", "team/app") == .password(user: "app", password: "3"))
        #expect(try credential(text, "a.b", "team/apple") == .password(user: "team", password: "2"))
        #expect(try credential(text, "a.b", "team/app/sub") == .password(user: "app", password: "3"))
        #expect(try credential(text, "a.b", "teams") == .password(user: "host", password: "1"))
    }

    @Test("name helpers, one registry's own before the one for all")
    func helpers() throws {
        let text = #"{"credsStore": "all", "credHelpers": {"https://a.b/": "own", "c.d": "", "e.f": null}}"#
        let file = try file(text)
        #expect(try file.helper(for: RegistryHost("a.b")) == "own")
        #expect(try file.helper(for: RegistryHost("c.d")) == "all")
        #expect(try file.helper(for: RegistryHost("e.f")) == "all")
        #expect(try self.file(#"{"credsStore": ""}"#).helper(for: RegistryHost("a.b")) == nil)
    }

    @Test("say nothing of anything else", arguments: ["{}", #"{"psFormat": [1], "proxies": {"a": 1}}"#])
    func others(text: String) throws {
        #expect(try credential(text, "a.b") == nil)
    }

    @Test(
        "that are malformed are refused, without a word of what they hold",
        arguments: [
            "", "secret", "[]", "\"secret\"", "{", #"{"auths": "secret"}"#, #"{"auths": {"a.b": "secret"}}"#,
            #"{"auths": {"a.b": {"auth": 5}}}"#, #"{"auths": {"a.b": {"auth": "secret!"}}}"#,
            #"{"auths": {"a.b": {"auth": "c2VjcmV0"}}}"#, #"{"auths": {"a.b": {"auth": "/////w=="}}}"#,
            #"{"auths": {"a.b": {"password": ["secret"]}}}"#, #"{"credsStore": {"secret": 1}}"#,
            #"{"credHelpers": ["secret"]}"#, #"{"auths": {"a.b": {"auth": "secret""#, "\u{0}\u{1}",
        ]
    )
    func malformed(text: String) {
        let error = #expect(throws: CredentialFileError.self) { try file(text) }
        let message = error?.description ?? ""
        #expect(message.hasPrefix("config.json ") && !message.contains("secret"), "\(message)")
    }

    @Test("that are damaged anywhere are refused or read, and nothing worse")
    func damage() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = Splitting(state: seed)
        let text =
            #"{"auths": {"a.b": {"auth": "bWU6cHc="}}, "credsStore": "x", "credHelpers": {"c.d": "y"}}"#
        for _ in 0..<2000 {
            var bytes = Array(text.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(
                    in: 0...255,
                    using: &generator
                )
            }
            do throws(CredentialFileError) {
                _ = try CredentialFile(parsing: bytes, path: "f")
            } catch {
                #expect(!error.description.contains("bWU6"), "seed \(seed)")
            }
        }
        #expect(throws: CredentialFileError("f", "is too large")) {
            try CredentialFile(parsing: Array(repeating: 0x20, count: 2_000_000), path: "f")
        }
    }

    @Test("hide what they hold from messages")
    func hidden() {
        for credential in [
            RegistryCredential.password(user: "secret", password: "secret"), .identityToken("secret"),
            .registryToken("secret"),
        ] {
            var dumped = ""
            dump(credential, to: &dumped)
            let found = FoundCredential(credential: credential, place: "x")
            #expect(
                !"\(credential) \(String(reflecting: found)) \([credential]) \(dumped)".contains("secret")
            )
        }
    }
}

@Suite("Where credentials are looked for")
struct CredentialSourcesTests {
    @Test(
        "follows the variables of docker and podman",
        arguments: [
            (["HOME": "/h"], ["/h/.docker/config.json", "/h/.config/containers/auth.json"]),
            (
                [
                    "HOME": "/h", "DOCKER_CONFIG": "/d", "REGISTRY_AUTH_FILE": "/r/f",
                    "XDG_RUNTIME_DIR": "/run/me",
                ],
                [
                    "/r/f", "/d/config.json", "/run/me/containers/auth.json",
                    "/h/.config/containers/auth.json",
                ]
            ),
            (
                ["HOME": "/h", "DOCKER_CONFIG": "", "XDG_CONFIG_HOME": "/c"],
                ["/h/.docker/config.json", "/c/containers/auth.json"]
            ), ([:], []),
        ]
    )
    func places(environment: [String: String], paths: [String]) {
        #expect(CredentialSources(environment: environment).paths == paths)
    }

    @Test("takes the first file that has some, passes over those that are not there, and says what is wrong")
    func order() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "berth-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(
            at: folder.appending(path: "containers"),
            withIntermediateDirectories: true
        )
        let environment = [
            "REGISTRY_AUTH_FILE": folder.appending(path: "none").path, "DOCKER_CONFIG": folder.path,
            "XDG_CONFIG_HOME": folder.path,
        ]
        let docker = folder.appending(path: "config.json")
        let podman = folder.appending(path: "containers/auth.json")
        try #"{"auths": {"a.b": {"auth": "YTox"}}}"#.write(to: docker, atomically: true, encoding: .utf8)
        try #"{"auths": {"a.b": {"auth": "YToy"}, "c.d": {"auth": "YToz"}}}"#
            .write(to: podman, atomically: true, encoding: .utf8)
        let sources = CredentialSources(environment: environment)
        let repository = try RepositoryName("x")
        let first = try await sources.credential(for: RegistryHost("a.b"), repository)
        #expect(first?.credential == .password(user: "a", password: "1") && first?.place == docker.path)
        let second = try await sources.credential(for: RegistryHost("c.d"), repository)
        #expect(second?.credential == .password(user: "a", password: "3") && second?.place == podman.path)
        #expect(try await sources.credential(for: RegistryHost("e.f"), repository) == nil)
        try "{".write(to: docker, atomically: true, encoding: .utf8)
        await #expect(throws: CredentialFileError.self) {
            try await sources.credential(for: RegistryHost("c.d"), repository)
        }
        for name in ["../evil", "a/b", "", "a b", "a\0b"] {
            #expect(throws: CredentialHelperError.name(name)) { try CredentialHelper(name) }
        }
    }

    @Test(
        "asks helpers, and understands each of their answers",
        arguments: [
            (#"read host; echo "{\"Username\":\"me\",\"Secret\":\"$1 $host\"}""#, "password me get a.b"),
            (#"echo '{"ServerURL":"x","Username":"<token>","Secret":"t"}'"#, "token t"),
            (#"echo '{"Username":"","Secret":""}'"#, "none"),
            ("echo credentials not found in native keychain; exit 1", "none"),
            ("echo it is locked; exit 1", "failed: it is locked"),
            ("exit 3", "failed"), ("echo nonsense", "answers something unexpected"),
            ("kill -9 $$", "failed"), ("exec sleep 100", "did not answer within 500ms"),
            ("exec >&-; exec sleep 100", "did not answer within 500ms"),
            (
                #"cat /dev/stdin > /dev/null; echo '{"Username":"","Secret":"x"}' > /dev/stdout"#,
                "password  x"
            ),
            ("while :; do echo too much; done", "did not answer"),
            ("exec <&-; echo '{\"Username\":\"me\",\"Secret\":\"s\"}'", "password me s"),
        ]
    )
    func helpers(script: String, expected: String) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "berth-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try "#!/bin/sh\n\(script)\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        // Only the one that never answers has to be given up soon.
        let limit = script.contains("sleep") ? Duration.milliseconds(500) : .seconds(60)
        var outcome: String
        repeat {
            outcome = await answer(CredentialHelper(program: path, timeLimit: limit))
            // A process that another test starts just now may have the file open for an instant.
        } while outcome.contains("Text file busy")
        #expect(outcome.contains(expected), "\(outcome)")
    }

    private func answer(_ helper: CredentialHelper) async -> String {
        do {
            return switch try await helper.credential(for: "a.b") {
            case .password(let user, let password): "password \(user) \(password)"
            case .identityToken(let token): "token \(token)"
            case .registryToken, nil: "none"
            }
        } catch {
            return "\(error)"
        }
    }

    @Test("says which helper is missing")
    func missing() async throws {
        let helper = try CredentialHelper("berth-has-none")
        await #expect(throws: CredentialHelperError.missing("docker-credential-berth-has-none")) {
            try await helper.credential(for: "a.b")
        }
    }
}
