import OCI
import Testing

@testable import Server

/// Which part of a list a client asks for, and which content it has.
@Suite("Pagination and entity tags")
struct PaginationTests {
    @Test(
        "How much of a list",
        arguments: [
            ("", 1000, nil), ("n=1", 1, nil), ("n=0", 0, nil), ("n=10000", 10_000, nil),
            ("n=10001", 10_000, nil),
            ("n=99999999999999999999999", 10_000, nil), ("n=007", 7, nil), ("last=a", 1000, "a"),
            ("n=2&last=b", 2, "b"), ("last=", 1000, ""), ("n=1&n=2", 1, nil), ("last=a%2Fb", 1000, "a/b"),
        ] as [(String, Int, String?)]
    )
    func pages(query: String, limit: Int, last: String?) throws {
        let pagination = try Pagination(Query(query[...]))
        #expect(pagination.limit == limit)
        #expect(pagination.last == last)
    }

    @Test(
        "A number of entries that is none",
        arguments: ["n=", "n", "n=-1", "n=abc", "n=1.5", "n=+1", "n=%201", "n=1e3", "n=0x10", "n=１", "n=--1"]
    )
    func malformed(query: String) throws {
        let query = try Query(query[...])
        #expect(throws: PaginationError.self) { try Pagination(query) }
    }

    @Test("What a client has matches by the digest in quotes")
    func entityTags() throws {
        let digest = Digest(of: [])
        let other = Digest(of: [1])
        let matching = [
            ["\"\(digest)\""], ["*"], ["W/\"\(digest)\""], ["\"x\", \"\(digest)\""],
            ["\"\(other)\"", "\"\(digest)\""],
            ["  \"\(digest)\"\t"], ["\"x\",\"\(digest)\",\"y\""],
        ]
        for headers in matching { #expect(EntityTag.matches(headers, digest), "\(headers)") }
        let differing = [
            [], [""], ["\(digest)"], ["\"\(other)\""], ["\"\(digest)"], ["w/\"\(digest)\""], ["\"*\""],
        ]
        for headers in differing { #expect(!EntityTag.matches(headers, digest), "\(headers)") }
    }

    @Test("Only a strong tag proves that a part belongs to what a client has")
    func strongTags() throws {
        let digest = Digest(of: [])
        #expect(EntityTag.isSame("\"\(digest)\"", digest))
        for header in [
            "W/\"\(digest)\"", "*", "\(digest)", "\"\(Digest(of: [1]))\"", "",
            "Sat, 29 Oct 1994 19:43:31 GMT",
            "\"\(digest)\", \"x\"",
        ] { #expect(!EntityTag.isSame(header, digest), "\(header)") }
    }
}
