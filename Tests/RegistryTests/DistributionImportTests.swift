import Foundation
import OCI
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Registry

/// Swift Testing has tags of its own.
private typealias Tag = OCI.Tag

/// What comes out of a distribution registry's folder, and what is left out of a damaged one.
@Suite("Import of a distribution registry's folder")
struct DistributionImportTests {
    private func withScene(
        policy: RegistryPolicy = RegistryPolicy(),
        _ body: (TestRegistry, DistributionFixture) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let fixture = try DistributionFixture(folder)
            try await withRegistry(policy: policy) { try await body($0, fixture) }
        }
    }

    private func importAll(
        _ fixture: DistributionFixture,
        into test: TestRegistry
    ) async throws -> (report: ImportReport, leftOut: [String: String]) {
        let leftOut = Mutex<[String: String]>([:])
        let folder = try await test.registry.distributionFolder(at: fixture.path)
        let report = try await test.registry.importAll(of: folder) { event in
            guard case .leftOut(let item) = event else { return }
            leftOut.withLock { $0[item.name] = item.reason }
        }
        let items = leftOut.withLock { $0 }
        #expect(items.count == report.leftOut)
        return (report, items)
    }

    private func digest(_ name: String, _ test: TestRegistry) async throws -> Digest? {
        let name = try ImageName(name)
        return try? await test.registry.manifest(name.reference, in: name.repository).digest
    }

    private func inode(_ path: String) throws -> UInt64? {
        try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? UInt64
    }

    @Test("Everything comes: nested indexes, what has no tag, referrers, shared layers once, as links")
    func everything() async throws {
        try await withScene { test, fixture in
            let shared = BlobFixture("shared by all\n")
            let images = try (0..<4).map {
                try ImageFixture("app \($0)", layers: [shared, BlobFixture("layer \($0)")])
            }
            for image in images[..<3] { try fixture.add(image, to: "team/app") }
            let inner = try ManifestFixture.index([images[0].manifest.descriptor])
            let outer = try ManifestFixture.index([inner.descriptor, images[1].manifest.descriptor])
            try fixture.add(outer, to: "team/app", tags: ["1", "latest"])
            try fixture.add(inner, to: "team/app")
            try fixture.add(images[3], to: "team", tags: ["x"])
            try fixture.add(images[3], to: "team/app/deep__er", tags: ["y"])
            let empty = BlobFixture("{}")
            try fixture.add(empty)
            let note = try ManifestFixture.artifact(
                try MediaType("application/x-note"),
                about: outer.descriptor,
                configuration: empty
            )
            try fixture.add(note, to: "team/app")

            let (report, leftOut) = try await importAll(fixture, into: test)
            #expect(leftOut.isEmpty, "\(leftOut)")
            #expect(report.repositories == 3 && report.tags == 4 && report.manifests == 8)
            #expect(report.linked == 10 && report.copied == 0)
            for (name, expected) in [
                ("team/app:1", outer), ("team/app:latest", outer), ("team/app@\(inner.digest)", inner),
                ("team/app@\(images[2].manifest.digest)", images[2].manifest),
                ("team:x", images[3].manifest), ("team/app/deep__er:y", images[3].manifest),
            ] {
                #expect(try await digest(name, test) == expected.digest, "\(name)")
            }
            let referrers = try await test.registry.referrers(
                of: outer.digest,
                in: RepositoryName("team/app"),
                artifactType: nil,
                at: nil,
                limit: 10
            )
            #expect(referrers.descriptors.count == 1)
            for blob in images.flatMap(\.blobs) {
                let stored = test.folder.file("blobs/sha256/\(blob.digest.encoded)")
                #expect(try inode(stored) == inode(fixture.blob(blob.digest)))
                #expect(!test.files.isAtRisk(stored))
                let mode = try FileManager.default.attributesOfItem(atPath: stored)[.posixPermissions]
                #expect((mode as? Int).map { $0 & 0o222 } == 0)
            }
            #expect(try test.contents(of: "uploads").isEmpty)

            // Again, with the other folder gone but for its names: nothing is read anew.
            let (again, missing) = try await importAll(fixture, into: test)
            #expect(missing.isEmpty && again.linked == 0 && again.copied == 0)
            #expect(again.manifests == report.manifests)
            try FileManager.default.removeItem(atPath: fixture.path)
            #expect(
                try await test.registry.statBlob(shared.digest, in: RepositoryName("team/app")) == shared.size
            )
        }
    }

    @Test("What is damaged is left out with its reason, and nothing that needs it is named")
    func damaged() async throws {
        try await withScene { test, fixture in
            let names = [
                "good", "lost", "damaged", "blobless", "linked", "v1", "text", "index", "empty", "shadow",
            ]
            let images = try Dictionary(
                uniqueKeysWithValues: names.map { ($0, try ImageFixture($0)) }
            )
            func image(_ name: String) throws -> ImageFixture { try #require(images[name]) }
            for name in names { try fixture.add(try image(name), to: "a", tags: [name]) }
            let files = FileManager.default
            try files.removeItem(atPath: fixture.blob(image("lost").manifest.digest))
            try fixture.write([1], to: fixture.blob(image("damaged").layers[0].digest))
            try files.removeItem(atPath: fixture.blob(image("blobless").configuration.digest))
            let link = try fixture.blob(image("linked").layers[0].digest)
            try files.moveItem(atPath: link, toPath: fixture.path + "/elsewhere")
            try files.createSymbolicLink(atPath: link, withDestinationPath: fixture.path + "/elsewhere")
            try fixture.write([], to: fixture.blob(image("empty").manifest.digest))
            let old = Array(#"{"schemaVersion":1,"name":"a","tag":"v1","fsLayers":[]}"#.utf8)
            try fixture.add(old, Digest(of: old), to: "a", tags: ["v1"])
            let text = Array("no document".utf8)
            try fixture.add(text, Digest(of: text), to: "a", tags: ["text"])
            let index = try ManifestFixture.index([
                try image("good").manifest.descriptor, try image("damaged").manifest.descriptor,
            ])
            try fixture.add(index, to: "a", tags: ["index"])
            let stranger = BlobFixture("deleted")
            try fixture.point("shadow", to: stranger.digest, in: "a")
            try fixture.write(
                Array("no digest".utf8),
                to: fixture.path + "/docker/registry/v2/repositories/a/_manifests/tags/odd/current/link"
            )
            try fixture.add(try image("good"), to: "UPPER", tags: ["1"])
            try fixture.add(try image("good"), to: "b", tags: ["1"])

            let (report, leftOut) = try await importAll(fixture, into: test)
            #expect(try await digest("a:good", test) == image("good").manifest.digest)
            #expect(try await digest("b:1", test) == image("good").manifest.digest)
            for (name, reason) in [
                ("a:lost", "missing"), ("a:damaged", "damaged"), ("a:blobless", "missing"),
                ("a:linked", "Invalid argument"), ("a:v1", "schema 1"), ("a:text", "JSON"),
                ("a:index", "damaged"), ("a:empty", "damaged"), ("a:shadow", "deleted"),
                ("a:odd", "digest"), ("UPPER", "lower-case"),
            ] {
                #expect(leftOut[name]?.contains(reason) == true, "\(name): \(leftOut[name] ?? "not told")")
                if name != "UPPER" { #expect(try await digest(name, test) == nil, "\(name)") }
            }
            #expect(report.repositories == 2 && leftOut.count == 11, "\(leftOut.keys)")
            // Of what is stored, everything is what its name says.
            for name in try test.contents(of: "blobs/sha256") {
                let bytes = try Data(contentsOf: URL(filePath: test.folder.file("blobs/sha256/\(name)")))
                #expect(Digest(of: bytes).encoded == name)
            }
        }
    }

    @Test(
        "An index whose image was deleted there is left out, unless it may lack that",
        arguments: [false, true]
    )
    func deleted(isSparse: Bool) async throws {
        let policy = RegistryPolicy(sparseRepositories: isSparse ? [try NamePattern("a")] : [])
        try await withScene(policy: policy) { test, fixture in
            let images = try [ImageFixture("kept"), ImageFixture("deleted")]
            let index = try ManifestFixture.index(images.map(\.manifest.descriptor))
            for image in images { try fixture.add(image, to: "a") }
            try fixture.add(index, to: "a", tags: ["index"])
            // Where another repository has it the bytes stay.
            try fixture.add(images[1], to: "b", tags: ["1"])
            let digest = images[1].manifest.digest
            try FileManager.default.removeItem(
                atPath: fixture.revision(digest, in: "a")
            )
            let (report, leftOut) = try await importAll(fixture, into: test)
            #expect(try await self.digest("a@\(images[0].manifest.digest)", test) != nil)
            #expect(try await self.digest("a@\(digest)", test) == nil)
            #expect(try await self.digest("b:1", test) == digest)
            if isSparse {
                #expect(leftOut.isEmpty && report.tags == 2)
                #expect(try await self.digest("a:index", test) == index.digest)
            } else {
                #expect(leftOut.keys.sorted() == ["a:index"] && report.leftOut == 1)
                #expect(leftOut["a:index"]?.contains("\(digest), which it lists") == true)
                #expect(try await self.digest("a:index", test) == nil)
            }
        }
    }

    @Test("Another file system, or a file of another user's, is copied", arguments: [EXDEV, EPERM, EMLINK])
    func copies(code: CInt) async throws {
        try await withScene { test, fixture in
            let image = try ImageFixture("app", layers: [BlobFixture(Array(repeating: 7, count: 3_000_000))])
            try fixture.add(image, to: "app", tags: ["1"])
            let operation: FaultyFileOperations.Operation = code == EPERM ? .protect : .link
            test.files.fail(operation, times: .max, with: code)
            let (report, leftOut) = try await importAll(fixture, into: test)
            #expect(leftOut.isEmpty && report.copied == 2 && report.linked == 0)
            for blob in image.blobs {
                let stored = test.folder.file("blobs/sha256/\(blob.digest.encoded)")
                #expect(try inode(stored) != inode(fixture.blob(blob.digest)))
                #expect(try Data(contentsOf: URL(filePath: stored)) == Data(blob.bytes))
            }
        }
    }

    @Test("A full disk ends the import, and the next one goes on where it was")
    func full() async throws {
        try await withScene { test, fixture in
            let images = try (0..<4).map { try ImageFixture("app \($0)") }
            for (index, image) in images.enumerated() {
                try fixture.add(image, to: "app", tags: ["\(index)"])
            }
            test.files.fail(.link, times: .max, with: EXDEV)
            test.files.fail(.write, skip: 3, times: .max, with: ENOSPC)
            await #expect(throws: StorageError.full) { _ = try await importAll(fixture, into: test) }
            #expect(try test.contents(of: "uploads").isEmpty)
            test.files.mend()
            let (report, leftOut) = try await importAll(fixture, into: test)
            #expect(leftOut.isEmpty && report.tags == 4 && report.known == 3 && report.linked == 5)
        }
    }

    @Test("A tag that is fast stays, and is told")
    func immutable() async throws {
        try await withScene(policy: RegistryPolicy(immutableTags: [try .init("**:v*")])) { test, fixture in
            let (one, two) = (try ImageFixture("one"), try ImageFixture("two"))
            try fixture.add(one, to: "app", tags: ["v1"])
            _ = try await importAll(fixture, into: test)
            try fixture.add(two, to: "app", tags: ["v1", "w"])
            let (_, leftOut) = try await importAll(fixture, into: test)
            #expect(leftOut.keys.sorted() == ["app:v1"] && leftOut["app:v1"]?.contains("immutable") == true)
            #expect(try await digest("app:v1", test) == one.manifest.digest)
            #expect(try await digest("app:w", test) == two.manifest.digest)
        }
    }

    @Test("A folder of something else is refused", arguments: ["", "relative", "/dev/null", "/dev"])
    func other(path: String) async throws {
        try await withRegistry { test in
            _ = await #expect(throws: ImportError.self) {
                try await test.registry.distributionFolder(at: path)
            }
        }
    }
}
