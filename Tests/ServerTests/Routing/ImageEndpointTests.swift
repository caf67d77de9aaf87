import HTTPTypes
import OCI
import TestSupport
import Testing

@testable import Server

/// What a path outside of `/v2` and `/_` asks for: an image by its name.
@Suite("An image's address")
struct ImageEndpointTests {
    private static let digest = EndpointTests.digest

    @Test(
        "is its reference",
        arguments: [
            ("/app", "app:latest"), ("/app:1.2.0", "app:1.2.0"), ("/team/app", "team/app:latest"),
            ("/a/b/c/d:x_Y-z.0", "a/b/c/d:x_Y-z.0"), ("/app@\(digest)", "app@\(digest)"),
            ("/a/b:1@\(digest)", "a/b@\(digest)"), ("/app:1?platform=linux/arm64&file", "app:1"),
            ("/v3", "v3:latest"), ("/v2.1/app", "v2.1/app:latest"), ("/v2:x", "v2:x"),
            ("/a/v2", "a/v2:latest"),
            ("/a/v2/blobs/uploads", "a/v2/blobs/uploads:latest"),
            ("/a/catalog:x", "a/catalog:x"),
            ("/manifests/latest", "manifests/latest:latest"), ("/app%3A1", "app:1"), ("/%61pp", "app:latest"),
            ("/favicon.ico", "favicon.ico:latest"), ("/health", "health:latest"),
        ]
    )
    func reference(target: String, name: String) throws {
        let name = try ImageName(name)
        #expect(try EndpointTests.route("GET", target) == .readImage(name))
        #expect(try EndpointTests.route("HEAD", target) == .readImage(name))
        #expect(try EndpointTests.route("DELETE", target) == .deleteImage(name))
    }

    @Test("may end with a slash where it is read, and nowhere else")
    func trailingSlash() throws {
        #expect(try EndpointTests.route("GET", "/team/app/") == .readImage(try ImageName("team/app")))
        #expect(try EndpointTests.route("GET", "/app:1/") == .readImage(try ImageName("app:1")))
        #expect(throws: EndpointError.self) { try EndpointTests.route("DELETE", "/team/app/") }
        #expect(throws: EndpointError.self) { try EndpointTests.route("GET", "/team/app//") }
        #expect(throws: EndpointError.self) { try EndpointTests.route("GET", "//") }
    }

    @Test(
        "that no image can have is not there",
        arguments: [
            "/App", "/a//b", "//a", "/../a", "/a/..", "/_x", "/_/x:y", "/a:", "/a:-", "/a:b:c", "/a:b/c",
            "/ä", "/a b",
            "/a@", "/a@sha256:1", "/a@b", "/-a", "/a%20", "/@\(digest)",
            "/:latest",
            "/a:\(String(repeating: "x", count: 129))", "/\(String(repeating: "x", count: 256))",
        ]
    )
    func impossible(target: String) {
        for method in ["GET", "HEAD", "DELETE"] {
            #expect(throws: EndpointError.self, "\(method) \(target)") {
                try EndpointTests.route(method, target)
            }
        }
    }

    @Test("is routed to an image whose name is the path's, whatever it is made of, or to nothing")
    func random() throws {
        let seed = TestSeed.current
        var random = seed.random(7)
        let parts = [
            "a", "b0", "A", "v2", "_", "/", "//", ":", "@", Self.digest, "latest", ".", "..", "-", "%2e",
        ]
        var routed = 0
        for _ in 1...4000 {
            let count = Int.random(in: 1...6, using: &random)
            let path = "/" + (0..<count).map { _ in random.pick(parts) }.joined()
            guard let endpoint = try? EndpointTests.route("DELETE", path) else { continue }
            guard case .deleteImage(let name) = endpoint else {
                #expect(path.hasPrefix("/v2/"), "\(seed): \(path)")
                continue
            }
            routed += 1
            let text = path.dropFirst().replacing("%2e", with: ".")
            #expect(text.hasPrefix(name.repository.rawValue), "\(seed): \(path)")
            #expect(!path.hasPrefix("/_") && !path.hasPrefix("/v2/"), "\(seed): \(path)")
            #expect(try ImageName(text) == name, "\(seed): \(path)")
        }
        #expect(routed > 100, "\(seed): hardly anything was routed")
    }

    @Test(
        "has a query of file and platform alone",
        arguments: [
            ("", false, nil), ("file", true, nil), ("file=", true, nil), ("file&file", true, nil),
            ("platform=linux/arm64", false, "linux/arm64"),
            ("file&platform=linux/arm/v7", true, "linux/arm/v7"),
            ("platform=linux%2Farm64&file", true, "linux/arm64"), ("&", false, nil),
        ] as [(String, Bool, String?)]
    )
    func query(text: String, wantsFile: Bool, platform: String?) throws {
        let query = try ImageQuery(RequestTarget("/a?\(text)").query)
        #expect(query.wantsFile == wantsFile)
        #expect(query.platform?.description == platform)
    }

    @Test(
        "has no other query",
        arguments: [
            ("fiel", "'file'"), ("files", "'file'"), ("plattform=linux/arm64", "'platform'"),
            ("x=1", "file, platform"),
            ("file=1", "no value"), ("file=off", "no value"), ("platform=", "linux/arm64"),
            ("platform=arm64", "linux/arm64"),
            ("platform=linux/arm64&platform=linux/arm64", "more than once"),
            ("platform=Linux/AMD64", "linux/arm64"),
            ("platform=a/b/c/d", "linux/arm64"), ("File", "'file'"),
        ]
    )
    func malformedQuery(text: String, hint: String) throws {
        let query = try RequestTarget("/a?\(text)").query
        do throws(ImageQueryError) {
            let wanted = try ImageQuery(query)
            Issue.record("\(text) is \(wanted)")
        } catch {
            #expect(error.description.contains(hint), "\(error.description)")
        }
    }
}
