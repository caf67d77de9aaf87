import Testing

@testable import OCI

@Suite("Names")
struct NameTests {
    @Test(
        "of repositories follow the specification's grammar",
        arguments: [
            "a", "library/contributors", "a/b/c", "a.b", "a_b", "a__b", "a-b", "a---b", "0/1", "v2",
            "blobs/uploads",
            "manifests/x", String(repeating: "a", count: 255),
        ]
    )
    func repository(text: String) throws {
        #expect(try RepositoryName(text).rawValue == text)
    }

    @Test(
        "of repositories refuse everything else",
        arguments: [
            "", "/", "a/", "/a", "a//b", "A", "a b", "a..b", "a.", ".a", "_a", "a_", "a___b", "-a", "a-",
            "a._b", "..",
            "../a", "a/../b", "a/./b", "a\0b", "a%2fb", "a:b", "a@b", "é", "a\n",
            String(repeating: "a", count: 256),
        ]
    )
    func badRepository(text: String) {
        #expect(throws: RepositoryNameError.self) { try RepositoryName(text) }
    }

    @Test("of repositories know their last component")
    func lastComponent() throws {
        #expect(try RepositoryName("a/b/c").lastComponent == "c")
        #expect(try RepositoryName("c").lastComponent == "c")
    }

    @Test("that are tags keep their case", arguments: ["latest", "1.2.0", "_x", "A-b.C_d", "sha256-abc"])
    func tag(text: String) throws {
        #expect(try Tag(text).rawValue == text)
    }

    @Test(
        "that are no tags are refused",
        arguments: [
            "", ".a", "-a", "a b", "a/b", "a:b", "a\0", "é", "a+b", String(repeating: "a", count: 129),
        ]
    )
    func badTag(text: String) {
        #expect(throws: TagError.self) { try Tag(text) }
    }

    @Test("of manifests are a digest where there is a colon, else a tag")
    func reference() throws {
        #expect(try Reference("latest") == .tag(.latest))
        #expect(try Reference(DigestTests.sha256) == .digest(try Digest(DigestTests.sha256)))
        #expect(throws: ReferenceError.digest(.wrongLength(expected: 64))) { try Reference("sha256:abc") }
        #expect(throws: ReferenceError.tag(.malformed)) { try Reference("a b") }
    }

    @Test(
        "of images have a tag, a digest, both or neither",
        arguments: [
            ("app", "app:latest"),
            ("team/app:1.2", "team/app:1.2"),
            ("team/app@\(DigestTests.sha256)", "team/app@\(DigestTests.sha256)"),
            ("app:1@\(DigestTests.sha256)", "app@\(DigestTests.sha256)"),
        ]
    )
    func image(text: String, meaning: String) throws {
        #expect(try ImageName(text).description == meaning)
    }

    @Test(
        "of images refuse hosts with ports, empty tags and bad parts",
        arguments: [
            "", ":1", "app:", "app@", "app@sha256:1", "localhost:5000/app", "App", "app:a:b",
            "app@\(DigestTests.sha256)@x",
        ]
    )
    func badImage(text: String) {
        #expect(throws: ImageNameError.self) { try ImageName(text) }
    }

    @Test("in messages carry no control characters and no length")
    func printable() {
        #expect("a\u{1B}[31mb\n".printable == "a\u{FFFD}[31mb\u{FFFD}")
        #expect(String(repeating: "x", count: 500).printable.count == 121)
    }
}
