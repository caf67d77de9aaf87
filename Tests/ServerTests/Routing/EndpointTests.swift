import HTTPTypes
import OCI
import Storage
import TestSupport
import Testing

@testable import Server

/// What a method and a path ask for.
@Suite("Endpoint")
struct EndpointTests {
    static let digest = "sha256:\(String(repeating: "0", count: 64))"
    static let upload = "01234567-89ab-cdef-0123-456789abcdef"

    /// Routes as the server does.
    static func route(_ method: String, _ target: String) throws -> Endpoint {
        let method = try #require(HTTPRequest.Method(method))
        return try Endpoint(method, RequestTarget(target).segments)
    }

    static func name(_ text: String) throws -> RepositoryName { try RepositoryName(text) }

    @Test(
        "A path is read from its right end, whatever words a name is made of",
        arguments: [
            "a", "a/b", "library/app", "blobs", "manifests", "tags", "uploads", "list", "v2", "referrers",
            "blobs/uploads", "a/blobs", "a/blobs/uploads", "a/manifests/b", "manifests/manifests",
            "tags/list",
            "a/tags/list", "blobs/blobs/blobs", "a/b/c/d/e/f/g", "uploads/blobs", "v2/v2", "a.b_c-d__e/f--g",
        ]
    )
    func words(in text: String) throws {
        let name = try Self.name(text)
        let digest = try Digest(Self.digest)
        let id = try #require(UploadID(Self.upload))
        let expected: [(String, String, Endpoint)] = [
            ("GET", "blobs/\(digest)", .readBlob(name, digest)),
            ("HEAD", "blobs/\(digest)", .readBlob(name, digest)),
            ("DELETE", "blobs/\(digest)", .deleteBlob(name, digest)),
            ("POST", "blobs/uploads/", .startUpload(name)),
            ("POST", "blobs/uploads", .startUpload(name)),
            ("GET", "blobs/uploads/\(id)", .readUpload(name, id)),
            ("HEAD", "blobs/uploads/\(id)", .readUpload(name, id)),
            ("PATCH", "blobs/uploads/\(id)", .appendToUpload(name, id)),
            ("PUT", "blobs/uploads/\(id)?digest=x", .finishUpload(name, id)),
            ("DELETE", "blobs/uploads/\(id)", .cancelUpload(name, id)),
            ("GET", "manifests/\(digest)", .readManifest(name, .digest(digest))),
            ("GET", "manifests/uploads", .readManifest(name, .tag(try Tag("uploads")))),
            ("HEAD", "manifests/latest", .readManifest(name, .tag(.latest))),
            ("PUT", "manifests/latest", .pushManifest(name, .tag(.latest))),
            ("DELETE", "manifests/\(digest)", .deleteManifest(name, .digest(digest))),
            ("GET", "tags/list", .listTags(name)),
            ("HEAD", "tags/list?n=1", .listTags(name)),
            ("GET", "referrers/\(digest)", .listReferrers(name, digest)),
            ("HEAD", "referrers/\(digest)?artifactType=a/b", .listReferrers(name, digest)),
        ]
        for (method, rest, endpoint) in expected {
            #expect(try Self.route(method, "/v2/\(text)/\(rest)") == endpoint, "\(method) \(rest)")
        }
    }

    @Test("Random names of random words come back out of every path that is made of them")
    func randomNames() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        let words = ["blobs", "uploads", "manifests", "tags", "list", "v2", "a", "x-y", "0", "b.c", "d__e"]
        let digest = try Digest(Self.digest)
        let id = try #require(UploadID(Self.upload))
        for _ in 1...500 {
            let count = Int.random(in: 1...6, using: &random)
            let text = (0..<count).map { _ in words.randomElement(using: &random) ?? "a" }.joined(
                separator: "/"
            )
            let name = try Self.name(text)
            let tag = try Tag(words.filter { !$0.contains("/") }.randomElement(using: &random) ?? "a")
            let base = "/v2/\(text)"
            #expect(
                try Self.route("GET", "\(base)/blobs/\(digest)") == .readBlob(name, digest),
                "seed \(seed)"
            )
            #expect(try Self.route("POST", "\(base)/blobs/uploads/") == .startUpload(name), "seed \(seed)")
            #expect(try Self.route("POST", "\(base)/blobs/uploads") == .startUpload(name), "seed \(seed)")
            #expect(
                try Self.route("PATCH", "\(base)/blobs/uploads/\(id)") == .appendToUpload(name, id),
                "seed \(seed)"
            )
            #expect(
                try Self.route("PUT", "\(base)/manifests/\(tag)") == .pushManifest(name, .tag(tag)),
                "seed \(seed)"
            )
            #expect(try Self.route("GET", "\(base)/tags/list") == .listTags(name), "seed \(seed)")
        }
    }

    @Test("What is there without a name")
    func fixed() throws {
        for method in ["GET", "HEAD"] {
            #expect(try Self.route(method, "/v2") == .checkSupport)
            #expect(try Self.route(method, "/v2/") == .checkSupport)
            #expect(try Self.route(method, "/v2/?a=b") == .checkSupport)
            #expect(try Self.route(method, "/v2/_catalog?n=1") == .listRepositories)
            #expect(try Self.route(method, "/_/health") == .health)
            #expect(try Self.route(method, "/") == .welcome)
        }
    }

    @Test(
        "A path that is known by no name is unknown",
        arguments: [
            "/v2//", "/v2/_catalog/", "/v2/_catalog/x", "/v2/a", "/v2/a/", "/v2/a/b", "/v2/a/tags",
            "/v2/a/tags/",
            "/v2/a/tags/lists", "/v2/a/tags/list/", "/v2/blobs/uploads", "/v2/tags/list",
            "/v2/manifests/latest",
            "/v2/a/b/c/d", "/_", "/_/", "/_/healthy", "/_/health/", "/_/admin", "/_/admin/",
        ]
    )
    func unknown(path: String) {
        #expect(throws: EndpointError.unknownPath) { try Self.route("GET", path) }
    }

    @Test("Each path takes its methods, and says which; HEAD goes wherever GET does")
    func methods() throws {
        let paths: [(String, [String])] = [
            ("/v2/", ["GET", "HEAD"]),
            ("/v2/_catalog", ["GET", "HEAD"]),
            ("/v2/a/tags/list", ["GET", "HEAD"]),
            ("/v2/a/blobs/\(Self.digest)", ["GET", "HEAD", "DELETE"]),
            ("/v2/a/blobs/uploads/", ["POST"]),
            ("/v2/a/blobs/uploads", ["POST"]),
            ("/v2/a/blobs/uploads/\(Self.upload)", ["GET", "HEAD", "PATCH", "PUT", "DELETE"]),
            ("/v2/a/manifests/latest", ["GET", "HEAD", "PUT", "DELETE"]),
            ("/v2/a/manifests/\(Self.digest)", ["GET", "HEAD", "PUT", "DELETE"]),
            ("/_/health", ["GET", "HEAD"]),
            ("/", ["GET", "HEAD", "PUT"]),
            ("/a/b:1.2", ["GET", "HEAD", "PUT", "DELETE"]),
            ("/a@\(Self.digest)", ["GET", "HEAD", "PUT", "DELETE"]),
        ]
        for (path, allowed) in paths {
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO", "get"]
            {
                do throws(EndpointError) {
                    _ = try Endpoint(
                        HTTPRequest.Method(method) ?? .options,
                        RequestTarget(path).segments
                    )
                    #expect(allowed.contains(method), "\(method) \(path)")
                } catch {
                    #expect(!allowed.contains(method), "\(method) \(path)")
                    guard case .methodNotAllowed(let said) = error else {
                        Issue.record("\(method) \(path): \(error)")
                        continue
                    }
                    #expect(said.map(\.rawValue) == allowed, "\(method) \(path)")
                }
            }
        }
    }

    @Test(
        "Names that are none",
        arguments: [
            "A", "a//b", "/a", "a/", "a/../b", "..", "a/..", "./a", "a/.", ".a", "a.", "a..b", "a___b", "-a",
            "a-",
            "_a", "a_", "a b", "a%20b", "a:b", "a@b", "ä", "a/%2e%2e/b", "%2e%2e", "a%2", "a/\u{1}b",
            String(repeating: "a", count: 256), "a+b", "a~b", "a*", "a\\b", "%C3%28",
        ]
    )
    func malformedNames(text: String) {
        for (method, rest) in [
            ("GET", "blobs/\(Self.digest)"), ("POST", "blobs/uploads/"),
            ("PATCH", "blobs/uploads/\(Self.upload)"),
            ("PUT", "manifests/latest"), ("GET", "tags/list"),
        ] {
            do {
                let endpoint = try Self.route(method, "/v2/\(text)/\(rest)")
                Issue.record("\(method) /v2/\(text)/\(rest) is \(endpoint)")
            } catch EndpointError.repositoryName, EndpointError.malformedPath {
            } catch {
                Issue.record("\(method) /v2/\(text)/\(rest): \(error)")
            }
        }
    }

    @Test(
        "Encoded slashes, NULs and broken escapes make a path malformed, wherever they stand",
        arguments: ["%2f", "%2F", "%00", "%", "%2x", "%zz", "%g0", "%0g", "%ff", "%c0%af", "%u0041"]
    )
    func malformedPaths(part: String) {
        for path in [
            "/\(part)", "/v2/\(part)", "/v2/a\(part)b/tags/list", "/v2/a/manifests/\(part)",
            "/v2/a/blobs/\(Self.digest)\(part)", "/v2/a\(part)/tags/list", "/_/\(part)",
        ] {
            #expect(throws: EndpointError.malformedPath) { try Self.route("GET", path) }
        }
    }

    @Test("Escapes are decoded, and once")
    func decodedOnce() throws {
        let name = try Self.name("a.b")
        #expect(try Self.route("GET", "/v2/%61%2Eb/tags/list") == .listTags(name))
        #expect(try Self.route("GET", "/v2/a.b/%74ags/list") == .listTags(name))
        #expect(try Self.route("GET", "/v2/a.b/manifests/%6catest") == .readManifest(name, .tag(.latest)))
        let encoded = Self.digest.replacing(":", with: "%3A")
        #expect(try Self.route("GET", "/v2/a.b/blobs/\(encoded)") == .readBlob(name, try Digest(Self.digest)))
        #expect(throws: EndpointError.self) { try Self.route("GET", "/v2/a%252eb/tags/list") }
        #expect(throws: EndpointError.self) { try Self.route("GET", "/v2/a/manifests/%256catest") }
    }

    @Test(
        "References that are none",
        arguments: [
            "-a", ".a", "a b", "a%20b", "a+b", "ä", String(repeating: "a", count: 129), "sha256:abc",
            "sha256:", ":",
            "sha256:\(String(repeating: "A", count: 64))", "SHA256:\(String(repeating: "a", count: 64))",
        ]
    )
    func malformedReferences(text: String) {
        for method in ["PUT", "GET", "HEAD", "DELETE"] {
            do {
                let endpoint = try Self.route(method, "/v2/a/manifests/\(text)")
                Issue.record("\(text) is \(endpoint)")
            } catch EndpointError.reference {
                #expect(method == "PUT" || text.contains(":"), "\(method) \(text)")
            } catch EndpointError.impossibleTag {
                // What nobody can push under is not there.
                #expect(method != "PUT" && !text.contains(":"), "\(method) \(text)")
            } catch {
                Issue.record("\(text): \(error)")
            }
        }
    }

    @Test("A digest of an algorithm that nobody computes is a digest all the same")
    func otherAlgorithm() throws {
        let digest = try Digest("blake3+b64u:abc_-=")
        #expect(try Self.route("GET", "/v2/a/blobs/\(digest)") == .readBlob(try Self.name("a"), digest))
    }

    @Test(
        "Sessions that were never opened",
        arguments: [
            "x", "..", Self.upload.uppercased(), "{\(Self.upload)}", Self.upload + "0", "\(Self.upload)%0a",
            String(Self.upload.dropLast()), "01234567089ab0cdef00123-456789abcdef", "%2e%2e",
        ]
    )
    func malformedUploads(text: String) {
        #expect(throws: EndpointError.uploadID) { try Self.route("PATCH", "/v2/a/blobs/uploads/\(text)") }
    }

    @Test("Whatever comes, what is routed holds nothing but legal names")
    func hostile() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        let parts = [
            "/", "//", "..", ".", "%2e", "%2f", "%00", "%", "%25", "a", "B", "_", "-", ":", "@", "?", "#",
            "&", "=",
            "v2", "/v2/", "blobs", "uploads", "manifests", "tags", "list", "latest", "é", "\u{0}", "\u{202E}",
            " ",
            Self.digest, Self.upload, "sha512:", "_catalog", "/_/", "admin",
        ]
        var routed = 0
        for _ in 1...4000 {
            let count = Int.random(in: 0...10, using: &random)
            let start = random.once(in: 4) ? "" : "/v2/a"
            let path = start + (0..<count).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
            for method in ["GET", "PUT"] {
                guard let endpoint = try? Self.route(method, path) else { continue }
                routed += 1
                if let name = endpoint.repository {
                    #expect(throws: Never.self, "seed \(seed): \(path)") { try RepositoryName(name.rawValue) }
                    #expect(!name.rawValue.contains(".."), "seed \(seed): \(path)")
                }
            }
        }
        #expect(routed > 10, "seed \(seed): hardly anything was routed")
    }
}

extension Endpoint {
    fileprivate var repository: RepositoryName? {
        switch self {
        case .readBlob(let name, _), .deleteBlob(let name, _), .startUpload(let name),
            .readUpload(let name, _),
            .appendToUpload(let name, _), .finishUpload(let name, _), .cancelUpload(let name, _),
            .readManifest(let name, _), .pushManifest(let name, _), .deleteManifest(let name, _),
            .listTags(let name):
            name
        default: nil
        }
    }
}
