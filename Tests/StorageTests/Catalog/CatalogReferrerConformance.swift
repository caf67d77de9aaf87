import Foundation
import OCI
import Storage
import TestSupport
import Testing

/// Lists of the manifests that name another as their subject.
@Suite("A catalog's list of referrers")
struct CatalogReferrerConformance {
    typealias Implementation = CatalogImplementation

    static let configuration = BlobFixture("{}")
    static let sbom = "application/spdx+json"
    static let signature = "application/vnd.example.signature"

    /// Artifacts about an image, the first of one type and the second of another, and so on in turn.
    static func artifacts(_ count: Int, about image: ImageFixture) throws -> [ManifestFixture] {
        try (0..<count).map { number in
            try .artifact(
                MediaType(number.isMultiple(of: 2) ? sbom : signature),
                about: image.manifest.descriptor,
                configuration: configuration,
                annotations: ["number": "\(number)"]
            )
        }
    }

    /// What a list says of an artifact.
    static func descriptor(of artifact: ManifestFixture) -> [UInt8] {
        var descriptor = artifact.descriptor
        descriptor.artifactType = artifact.manifest.artifactType
        descriptor.annotations = artifact.manifest.annotations
        return descriptor.json.canonicalBytes
    }

    private func page(
        _ scene: CatalogScene,
        _ subject: OCI.Digest,
        _ type: String? = nil,
        after last: ReferrerRecord.ID? = nil,
        limit: Int = 100,
        maximumSize: Int = 1 << 20
    ) async throws -> Page<ReferrerRecord> {
        try await scene.catalog.referrerPage(
            of: subject,
            in: scene.app,
            artifactType: type,
            after: last,
            limit: limit,
            maximumSize: maximumSize
        )
    }

    @Test(
        "has them in the order in which they came, page by page, and by type",
        arguments: Implementation.all
    )
    func pages(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let artifacts = try Self.artifacts(7, about: image)
            try await scene.push(Self.configuration, to: scene.app)
            for artifact in artifacts { try await scene.publish(artifact, in: scene.app) }
            for (type, expected) in [
                (nil, artifacts),
                (Self.sbom, artifacts.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)),
                (Self.signature, artifacts.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)),
                ("application/other", []), ("no media type", []),
            ] {
                for limit in 1...8 {
                    var found: [[UInt8]] = []
                    var last: ReferrerRecord.ID?
                    var hasMore = true
                    while hasMore {
                        let page = try await page(
                            scene,
                            image.manifest.digest,
                            type,
                            after: last,
                            limit: limit
                        )
                        #expect(page.elements.count == limit || !page.hasMore)
                        found += page.elements.map(\.descriptor)
                        last = page.elements.last?.id ?? last
                        hasMore = page.hasMore
                    }
                    #expect(found == expected.map(Self.descriptor))
                }
                let none = try await page(scene, image.manifest.digest, type, limit: 0)
                #expect(none.elements.isEmpty && none.hasMore == !expected.isEmpty)
            }
        }
    }

    @Test(
        "ends a page early that grows large, but not before its first element",
        arguments: Implementation.all
    )
    func size(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            try await scene.push(Self.configuration, to: scene.app)
            for artifact in try Self.artifacts(4, about: image) {
                try await scene.publish(artifact, in: scene.app)
            }
            let sizes = try Self.artifacts(4, about: image).map { Self.descriptor(of: $0).count }
            let two = sizes[0] + sizes[1]
            for (maximum, count) in [
                (0, 1), (sizes[0], 1), (two - 1, 1), (two, 2), (two + 1, 2), (1 << 20, 4),
            ] {
                let page = try await page(scene, image.manifest.digest, maximumSize: maximum)
                #expect(page.elements.count == count && page.hasMore == (count < 4), "\(maximum)")
            }
        }
    }

    @Test("is each repository's own, and needs no subject", arguments: Implementation.all)
    func repositories(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let artifact = try Self.artifacts(1, about: image)[0]
            try await scene.push(Self.configuration, to: scene.other)
            try await scene.publish(artifact, in: scene.other)
            #expect(try await page(scene, image.manifest.digest).elements.isEmpty)
            try await scene.push(Self.configuration, to: scene.app)
            try await scene.publish(artifact, in: scene.app)
            #expect(try await page(scene, image.manifest.digest).elements.count == 1)
            // The subject comes late, and goes; what is said about it stays.
            try await scene.push(image, to: scene.app)
            #expect(try await scene.delete(image.manifest, in: scene.app))
            #expect(try await page(scene, image.manifest.digest).elements.count == 1)
            #expect(try await scene.delete(artifact, in: scene.app))
            #expect(try await page(scene, image.manifest.digest).elements.isEmpty)
            let known = try await scene.catalog.referrers(
                of: image.manifest.digest,
                in: scene.other,
                among: [artifact.digest, image.manifest.digest]
            )
            #expect(known == [artifact.digest])
        }
    }

    @Test("says what a manifest is since it was last pushed", arguments: Implementation.all)
    func mediaType(_ implementation: Implementation) async throws {
        try await implementation.withScene { scene in
            let image = try ImageFixture("app")
            let document = JSONValue.object([
                .init("schemaVersion", .integer(2)), .init("manifests", .array([])),
                .init("subject", image.manifest.descriptor.json),
            ])
            for type in [MediaType.ociIndex, .dockerManifestList] {
                let bytes = document.canonicalBytes
                let manifest = try Manifest(parsing: bytes, contentType: type)
                let digest = OCI.Digest(of: bytes)
                _ = try await scene.catalog.publishManifest(
                    ManifestPublication(
                        repository: scene.app,
                        digest: digest,
                        bytes: bytes,
                        manifest: manifest,
                        tags: [],
                        now: scene.clock.now
                    )
                )
                let expected = Descriptor(mediaType: type, digest: digest, size: Int64(bytes.count))
                let found = try await page(scene, image.manifest.digest).elements.map(\.descriptor)
                #expect(found == [expected.json.canonicalBytes])
            }
        }
    }
}
