import Testing

@testable import OCI

@Suite("A manifest")
struct ManifestTests {
    static let configuration = descriptor(.ociConfiguration)
    static let layer = descriptor(.ociLayerGzip)

    static func descriptor(_ type: MediaType) -> String {
        #"{"mediaType":"\#(type)","digest":"\#(DigestTests.sha256)","size":0}"#
    }

    static func parse(_ json: String, as contentType: MediaType? = nil) throws -> Manifest {
        try Manifest(parsing: Array(json.utf8), contentType: contentType)
    }

    @Test("of an image refers to its configuration and layers, and to nothing else")
    func image() throws {
        let manifest = try Self.parse(
            #"{"schemaVersion":2,"config":\#(Self.configuration),"layers":[\#(Self.layer)],"x":{"y":[1]}}"#,
            as: .ociManifest
        )
        #expect(manifest.mediaType == .ociManifest)
        #expect(manifest.references.map(\.kind) == [.configuration, .layer])
        #expect(manifest.artifactType == .ociConfiguration)
        #expect(!manifest.isIndex)
    }

    @Test("that is an index refers to manifests with their platforms")
    func index() throws {
        let manifest = try Self.parse(
            """
            {"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"\(MediaType.ociManifest)",
            "digest":"\(DigestTests.sha256)","size":7,"platform":{"os":"linux","architecture":"arm","variant":"v7"}}]}
            """
        )
        #expect(manifest.isIndex)
        #expect(manifest.references.first?.descriptor.platform?.description == "linux/arm/v7")
    }

    @Test("keeps subject, artifact type and annotations")
    func artifact() throws {
        let manifest = try Self.parse(
            """
            {"mediaType":"\(MediaType.ociManifest)","artifactType":"application/spdx+json","config":\(Self.configuration),
            "layers":[],"subject":\(Self.layer),"annotations":{"k":"v"}}
            """
        )
        #expect(manifest.artifactType?.rawValue == "application/spdx+json")
        #expect(manifest.subject?.digest.description == DigestTests.sha256)
        #expect(manifest.annotations == ["k": "v"])
        #expect(!manifest.references.contains { $0.descriptor == manifest.subject && $0.kind == .manifest })
    }

    @Test("of a type nobody knows is kept, with the blobs that it lists")
    func unknownType() throws {
        let manifest = try Self.parse(
            #"{"blobs":[\#(Self.layer)]}"#,
            as: try MediaType("application/vnd.oci.artifact.manifest.v1+json")
        )
        #expect(manifest.references.count == 1)
    }

    @Test(
        "whose parts contradict each other is refused",
        arguments: [
            (#"{"config":\#(configuration),"layers":[],"manifests":[]}"#, ManifestError.ambiguous),
            (#"{"layers":[],"manifests":[]}"#, .ambiguous),
            (#"{"layers":[]}"#, .malformed("'config' is missing")),
            (#"{"config":\#(configuration)}"#, .malformed("'layers' is missing")),
            (#"{}"#, .missingMediaType),
            (
                #"{"mediaType":"\#(MediaType.ociIndex)","config":\#(configuration),"layers":[]}"#,
                .malformed("a application/vnd.oci.image.index.v1+json has 'manifests'")
            ),
            (
                #"{"mediaType":"\#(MediaType.dockerManifest)"}"#,
                .malformed("a \(MediaType.dockerManifest) has a 'config' and 'layers'")
            ),
        ]
    )
    func contradictions(json: String, error: ManifestError) {
        #expect(throws: error) { try Self.parse(json) }
    }

    @Test("whose header and document disagree is refused")
    func mediaTypes() {
        #expect(throws: ManifestError.contradictoryMediaType(header: .ociManifest, document: .ociIndex)) {
            try Self.parse(#"{"mediaType":"\#(MediaType.ociIndex)","manifests":[]}"#, as: .ociManifest)
        }
    }

    @Test(
        "of schema 1 is refused by name",
        arguments: [
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            "application/vnd.docker.distribution.manifest.v1+json",
        ]
    )
    func schema1(type: String) throws {
        let mediaType = try MediaType(type)
        #expect(throws: ManifestError.schema1) { try Self.parse("{}", as: mediaType) }
    }

    @Test(
        "that is not JSON, or not this JSON, is refused in words",
        arguments: [
            "", "null", "[]", "7", "{", #"{"config":7}"#, #"{"config":{}}"#, "\u{FEFF}{}",
            #"{"schemaVersion":1,"config":\#(configuration),"layers":[]}"#,
            #"{"config":{"mediaType":"x","digest":"\#(DigestTests.sha256)","size":0},"layers":[]}"#,
            #"{"config":{"mediaType":"x/y","digest":"sha256:1","size":0},"layers":[]}"#,
            #"{"config":{"mediaType":"x/y","digest":"\#(DigestTests.sha256)","size":-1},"layers":[]}"#,
            #"{"config":{"mediaType":"x/y","digest":"\#(DigestTests.sha256)","size":1e99},"layers":[]}"#,
            #"{"config":{"mediaType":"x/y","digest":"\#(DigestTests.sha256)","size":1.5},"layers":[]}"#,
            #"{"config":\#(configuration),"layers":{}}"#,
            #"{"annotations":{"a":1}}"#,
        ]
    )
    func malformed(json: String) {
        let error = #expect(throws: ManifestError.self) { try Self.parse(json, as: .ociManifest) }
        if case .malformed(let problem) = error {
            #expect(!problem.isEmpty && !problem.contains("\n"))
        } else {
            Issue.record("unexpected \(String(describing: error))")
        }
    }

    @Test("nested without end is refused, not a crash", arguments: ["[", "{\"a\":"])
    func deepNesting(opening: String) {
        let json = #"{"x":"# + String(repeating: opening, count: 500_000)
        #expect(throws: ManifestError.self) { try Self.parse(json, as: .ociManifest) }
    }

    @Test("has at most 4 MiB and ten thousand references")
    func limits() throws {
        let padding = String(repeating: " ", count: Manifest.maximumSize)
        #expect(throws: ManifestError.tooLarge) { try Self.parse("{}" + padding, as: .ociManifest) }
        let layers = Array(repeating: Self.layer, count: Manifest.maximumReferences).joined(separator: ",")
        let json = #"{"config":\#(Self.configuration),"layers":[\#(layers)]}"#
        #expect(throws: ManifestError.tooManyReferences(10_001)) { try Self.parse(json, as: .ociManifest) }
    }

    @Test("cut short or with bits flipped never crashes the parser")
    func damage() {
        let whole = Array(
            #"{"schemaVersion":2,"config":\#(Self.configuration),"layers":[\#(Self.layer)]}"#.utf8
        )
        let seed = UInt64.random(in: 1...(.max))
        var generator = SplitMix(seed: seed)
        for length in 0..<whole.count {
            #expect(throws: ManifestError.self, "length \(length)") {
                try Manifest(parsing: Array(whole[..<length]), contentType: .ociManifest)
            }
        }
        for _ in 0..<2_000 {
            var bytes = whole
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^=
                1 << UInt8.random(in: 0..<8, using: &generator)
            if let manifest = try? Manifest(parsing: bytes, contentType: .ociManifest) {
                #expect(manifest.references.count == 2, "seed \(seed)")
            }
        }
    }
}
