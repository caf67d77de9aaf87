import Testing

@testable import Commands

@Suite("References to other registries")
struct RemoteImageTests {
    @Test(
        "are read as docker reads them",
        arguments: [
            ("app", "docker.io/library/app:latest"),
            ("app:1.2", "docker.io/library/app:1.2"),
            ("team/app", "docker.io/team/app:latest"),
            ("docker.io/app:1", "docker.io/library/app:1"),
            ("docker.io/library/app", "docker.io/library/app:latest"),
            ("index.docker.io/team/app", "docker.io/team/app:latest"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000/app:1", "localhost:5000/app:1"),
            ("myhost:5000/team/app", "myhost:5000/team/app:latest"),
            ("myhost/app", "docker.io/myhost/app:latest"),
            ("MyHost/app", "myhost/app:latest"),
            ("ghcr.io/a/b/c/d:v1", "ghcr.io/a/b/c/d:v1"),
            ("GHCR.io/a/b", "ghcr.io/a/b:latest"),
            ("127.0.0.1:80/a", "127.0.0.1:80/a:latest"),
            ("[::1]:5000/a:x", "[::1]:5000/a:x"),
            ("registry.example.com:443/a_b/c--d.e:A.b_c-d", "registry.example.com:443/a_b/c--d.e:A.b_c-d"),
        ]
    )
    func grammar(text: String, meaning: String) throws {
        #expect(try RemoteImage(text).description == meaning)
    }

    @Test(
        "that are none are refused",
        arguments: [
            "", "/", "/app", "app/", "localhost:5000", "localhost:5000/", "a.b/", "a.b//c", "a.b/App",
            "App:1",
            "a.b/c:", "a.b/c:.x", "a.b:0/c", "a.b:65536/c", "a.b:x/c", "a.b:/c", "a..b/c", "-a.b/c",
            "a.b/../c", "a.b/c d", "a b.c/d", "https://a.b/c", "http://localhost/c", "a.b/c@sha256:00",
            "user@a.b/c", "user:pw@a.b/c", "a.b/c?d", "a.b/c#d", "a.b?c/d", "[::1/a", "::1/a", "[::1]x/a",
            "a.b/c\u{0}", "a.b/c\n", "ä.b/c", "a.b/_c", "a.b/c:" + String(repeating: "x", count: 129),
            "a.b/" + String(repeating: "x", count: 256),
        ]
    )
    func malformed(text: String) {
        #expect(throws: RemoteImageError.self) { try RemoteImage(text) }
    }

    @Test(
        "lead to where the registry listens, with TLS unless that is this machine or somebody says so",
        arguments: [
            ("docker.io", false, "https://registry-1.docker.io/"), ("a.b:5000", false, "https://a.b:5000/"),
            ("a.b", true, "http://a.b/"), ("[::1]:7", true, "http://[::1]:7/"),
        ]
    )
    func addresses(host: String, isPlain: Bool, url: String) throws {
        #expect(try RegistryHost(host).url(plainHTTP: isPlain).description == url)
    }

    @Test(
        "know this machine",
        arguments: [
            ("localhost", true), ("localhost:5000", true), ("a.localhost:1", true), ("127.1.2.3", true),
            ("[::1]", true), ("128.0.0.1", false), ("localhost.example.com", false), ("docker.io", false),
        ]
    )
    func loopback(host: String, isLoopback: Bool) throws {
        #expect(try RegistryHost(host).isLoopback == isLoopback)
    }
}
