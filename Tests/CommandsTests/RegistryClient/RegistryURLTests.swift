import Testing

@testable import Commands

@Suite("Addresses of registries")
struct RegistryURLTests {
    private static let base = "https://a.b:5000/v2/team/app/blobs/uploads/?x=1"

    @Test(
        "take a Location in each of its forms, its query to the byte",
        arguments: [
            ("/v2/x/up/1?_state=a%3D%3D&b=+", "https://a.b:5000/v2/x/up/1?_state=a%3D%3D&b=+"),
            ("https://c.d/up?x=%2f", "https://c.d/up?x=%2f"),
            ("https://c.d", "https://c.d/"),
            ("https://c.d?x", "https://c.d/?x"),
            ("HTTPS://C.D/Up", "https://c.d/Up"),
            ("//c.d:1/up", "https://c.d:1/up"),
            ("1234", "https://a.b:5000/v2/team/app/blobs/uploads/1234"),
            ("1234?d=/../e", "https://a.b:5000/v2/team/app/blobs/uploads/1234?d=/../e"),
            ("../1234", "https://a.b:5000/v2/team/app/blobs/1234"),
            ("./1/./2/..", "https://a.b:5000/v2/team/app/blobs/uploads/1/"),
            ("../../../../../../../x", "https://a.b:5000/x"),
            ("?y=2", "https://a.b:5000/v2/team/app/blobs/uploads/?y=2"),
            ("/x#fragment", "https://a.b:5000/x"),
            ("", base), ("#f", base),
            ("http://[::1]:5000/x", "http://[::1]:5000/x"),
        ]
    )
    func resolution(location: String, result: String) throws {
        let base = try #require(RegistryURL(Self.base))
        #expect(base.resolving(location)?.description == result)
    }

    @Test(
        "are not made of anything else",
        arguments: [
            "ftp://c.d/x", "javascript:alert(1)", "file:///etc/passwd", "https://", "https:///x",
            "https://user:pw@c.d/x", "https://c.d:0/x", "https://c.d:99999/x", "https://c .d/x", "/x y",
            "/x\r\nEvil: 1", "/\u{e9}", "//", "http:/x", "x:y", "/" + String(repeating: "x", count: 20_000),
        ]
    )
    func hostile(location: String) throws {
        let base = try #require(RegistryURL(Self.base))
        #expect(base.resolving(location) == nil)
    }

    @Test("tell origins apart, and know the ports that are not written")
    func origins() throws {
        func origin(_ text: String) throws -> RegistryURL.Origin { try #require(RegistryURL(text)).origin }
        #expect(try origin("https://a.b/x") == origin("https://A.b:443/y?z"))
        #expect(try origin("http://a.b") == origin("http://a.b:80/"))
        #expect(try origin("https://a.b") != origin("http://a.b:443"))
        #expect(try origin("https://a.b") != origin("https://a.b:444"))
        #expect(try origin("https://a.b") != origin("https://a.b.c"))
    }

    @Test(
        "take a further parameter",
        arguments: [
            ("/x", "/x?d=a%20b"), ("/x?", "/x?d=a%20b"), ("/x?y", "/x?y&d=a%20b"), ("/x?y&", "/x?y&d=a%20b"),
        ]
    )
    func parameters(target: String, result: String) throws {
        let url = try #require(RegistryURL("http://a.b\(target)"))
        #expect(url.adding("d", "a b").target == result)
    }
}
