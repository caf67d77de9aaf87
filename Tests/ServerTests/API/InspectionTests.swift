import OCI
import TestSupport
import Testing

/// What the commands are told of manifests that do not tell the truth.
@Suite("Inspection of dishonest manifests")
struct InspectionTests {
    /// An image of two layers whose sizes are whatever is said.
    private func manifest(of configuration: BlobFixture, sizes: [Int64]) throws -> ManifestFixture {
        let layer = BlobFixture("layer")
        return try ManifestFixture(
            Manifest.imageManifestBytes(
                configuration: Descriptor(
                    mediaType: .ociConfiguration,
                    digest: configuration.digest,
                    size: sizes[0]
                ),
                layers: sizes.dropFirst().map {
                    Descriptor(mediaType: .ociLayer, digest: layer.digest, size: $0)
                },
                annotations: [:]
            )
        )
    }

    private func inspect(_ configuration: BlobFixture, sizes: [Int64]) async throws -> [TestReply] {
        try await withRegistry { test in
            let client = InProcessClient(test.registry, isAdministrative: true)
            try await client.push(configuration, to: "a")
            try await client.push(BlobFixture("layer"), to: "a")
            let manifest = try manifest(of: configuration, sizes: sizes)
            try await client.push(manifest, to: "a", as: "x")
            try await client.push(
                try ManifestFixture.index([manifest.descriptor, manifest.descriptor]),
                to: "a",
                as: "y"
            )
            var replies: [TestReply] = []
            for target in ["/_/admin/image?name=a:x", "/_/admin/image?name=a:y", "/_/admin/images"] {
                replies.append(try await client.send("GET", target))
            }
            return replies
        }
    }

    @Test("Sizes whose sum no number holds are the largest there is")
    func hugeSizes() async throws {
        for reply in try await inspect(BlobFixture("{}"), sizes: [1, .max, .max]) {
            #expect(reply.status == 200)
            #expect(reply.text.contains("\"size\":\(Int64.max)"), "\(reply.text)")
        }
    }

    @Test("A configuration larger than any is not read, whatever its manifest says of it")
    func hugeConfiguration() async throws {
        let padding = String(repeating: " ", count: Manifest.maximumSize)
        for (text, isRead) in [("", true), (padding, false)] {
            let configuration = BlobFixture(
                #"{"os":"plan9","architecture":"mips","rootfs":{"diff_ids":[]}}"# + text
            )
            for reply in try await inspect(configuration, sizes: [2, 5]) {
                #expect(reply.status == 200)
                #expect(reply.text.contains("plan9/mips") == isRead, "\(reply.text)")
            }
        }
    }
}
