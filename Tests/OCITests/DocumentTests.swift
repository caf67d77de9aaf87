import FoundationEssentials
import Testing

@testable import OCI

@Suite("Documents that are made here")
struct DocumentTests {
    @Test("have one spelling, and only what must be is escaped")
    func canonical() {
        let value = JSONValue.object([
            .init(
                "b",
                .array([.integer(-7), .bool(true), .null, .thousandths(1_050), .array([]), .object([])])
            ),
            .init("a", .string("\"\\/\n\r\t\u{1}\u{1F}é😀")),
        ])
        #expect(
            String(decoding: value.canonicalBytes, as: UTF8.self)
                == #"{"b":[-7,true,null,1.050,[],{}],"a":"\"\\/\n\r\t\u0001\u001fé😀"}"#
        )
    }

    @Test("are indented for people")
    func pretty() {
        let value = JSONValue.object([.init("a", .array([.integer(1)])), .init("b", .object([]))])
        #expect(
            String(decoding: value.prettyBytes, as: UTF8.self)
                == "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}\n"
        )
    }

    @Test("sort maps by the bytes of their keys")
    func sorted() {
        let value = JSONValue.sorted(["b": "1", "B": "2", "é": "3", "a": "4"])
        #expect(
            String(decoding: value.canonicalBytes, as: UTF8.self) == #"{"B":"2","a":"4","b":"1","é":"3"}"#
        )
    }

    @Test("of image configurations are read back as they were written")
    func configuration() throws {
        let original = ImageConfiguration(
            platform: Platform(os: "linux", architecture: "arm", variant: "v7"),
            created: "1970-01-01T00:00:00Z",
            execution: .init(
                user: "65532:65532",
                exposedPorts: ["53/udp", "80/tcp"],
                environment: ["PATH=/bin"],
                entrypoint: ["/app"],
                command: ["-x"],
                workingDirectory: "/",
                labels: ["a": "b"]
            ),
            diffIDs: [Digest(of: [1])],
            history: []
        )
        #expect(try ImageConfiguration(parsing: original.json.canonicalBytes) == original)
    }

    @Test("of image configurations that are none are refused", arguments: ["", "[]", "{}", #"{"rootfs":7}"#])
    func badConfiguration(json: String) {
        #expect(throws: ImageConfigurationError.self) { try ImageConfiguration(parsing: Array(json.utf8)) }
    }

    @Test("of image manifests parse to what they were made from")
    func manifest() throws {
        let configuration = Descriptor(mediaType: .ociConfiguration, digest: Digest(of: [1]), size: 1)
        let layer = Descriptor(
            mediaType: .ociLayerGzip,
            digest: Digest(of: [2]),
            size: 2,
            annotations: ["x": "y"]
        )
        let bytes = Manifest.imageManifestBytes(
            configuration: configuration,
            layers: [layer],
            annotations: ["k": "v"]
        )
        let manifest = try Manifest(parsing: bytes, contentType: .ociManifest)
        #expect(manifest.content == .image(configuration: configuration, layers: [layer]))
        #expect(manifest.annotations == ["k": "v"])
    }

    @Test(
        "name their media type with or without parameters",
        arguments: [
            "application/json", "application/json; charset=utf-8", " application/json ;x",
            "application/json;",
        ]
    )
    func headerValue(text: String) throws {
        #expect(try MediaType(headerValue: text).rawValue == "application/json")
    }

    @Test(
        "do not name as media type what is none",
        arguments: [
            "", "json", "a/b/c", "/b", "a/", "a b/c", "a/b c", "é/b",
            String(repeating: "a", count: 300) + "/b",
        ]
    )
    func badMediaType(text: String) {
        #expect(throws: MediaTypeError.self) { try MediaType(text) }
    }
}
