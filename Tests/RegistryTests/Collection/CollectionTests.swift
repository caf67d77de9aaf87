import Foundation
import Glibc
import NIOCore
import OCI
import Storage
import TestSupport
import Testing

@testable import Registry

/// What a collection removes, reports and leaves alone.
@Suite("Collection")
struct CollectionTests {
    private static let day = Duration.seconds(86_400)

    private let name = RepositoryName.test

    private func push(
        _ image: ImageFixture,
        to test: TestRegistry,
        in repository: RepositoryName? = nil,
        tags: [String]
    ) async throws {
        let name = repository ?? self.name
        for blob in image.blobs { try await push(blob, to: test, in: name) }
        _ = try await test.registry.pushManifest(
            image.manifest.bytes,
            contentType: nil,
            as: .digest(image.manifest.digest),
            tags: tags.map { try OCI.Tag($0) },
            in: name
        )
    }

    private func push(
        _ blob: BlobFixture,
        to test: TestRegistry,
        in repository: RepositoryName? = nil
    ) async throws {
        let content = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
            continuation.yield(ByteBuffer(bytes: blob.bytes))
            continuation.finish()
        }
        let part = Registry.UploadPart(content: content, range: nil, cut: {})
        try await test.registry.pushBlob(part, as: blob.digest, in: repository ?? name)
    }

    private func tags(_ test: TestRegistry, of repository: RepositoryName? = nil) async throws -> [String] {
        try await test.registry.tags(of: repository ?? name, after: nil, limit: 1000)
            .elements.map(\.tag.rawValue)
    }

    /// What a collection reports, after a forecast that must say the same and change nothing.
    private func collect(_ test: TestRegistry) async throws -> [CollectedItem] {
        let forecast = Shared<[CollectedItem]>([])
        let forecastTotals = try await test.registry.forecastCollection { item in
            forecast.update { $0.append(item) }
        }
        let items = Shared<[CollectedItem]>([])
        let totals = try await test.registry.collect { item in items.update { $0.append(item) } }
        #expect(Set(items.value) == Set(forecast.value))
        #expect(totals == forecastTotals)
        var sum = CollectionTotals()
        for item in items.value { sum.add(item) }
        #expect(totals == sum)
        return items.value
    }

    @Test("Space comes back by itself: the tag, the manifest, the blobs, the repository")
    func wholeWay() async throws {
        try await withRegistry { test in
            let (image, kept) = (try ImageFixture("app"), try ImageFixture("kept"))
            try await push(image, to: test, tags: ["latest"])
            try await push(kept, to: test, tags: ["kept"])
            #expect(try await collect(test) == [])
            try await test.registry.deleteManifest(.tag(.latest), in: name)
            let untagged = test.clock.now
            test.clock.advance(by: Self.day * 7)
            let items = try await collect(test)
            guard case .manifest(let removed) = try #require(items.first) else {
                Issue.record("\(items)")
                return
            }
            #expect(items.count == 1 && removed.repository == name && removed.untagged == untagged)
            #expect(removed.digest == image.manifest.digest)
            #expect(removed.size == Int64(image.manifest.bytes.count))
            test.clock.advance(by: Self.day)
            let blobs = try await collect(test).map { item in
                guard case .blob(let record) = item else { return "\(item)" }
                return record.digest.description
            }
            #expect(Set(blobs) == Set(image.blobs.map(\.digest.description)))
            #expect(try await collect(test) == [])
            #expect(try test.contents(of: "blobs/sha256").count == kept.blobs.count)
            try await test.registry.deleteManifest(.digest(kept.manifest.digest), in: name)
            test.clock.advance(by: Self.day)
            #expect(try await collect(test).count == kept.blobs.count)
            await #expect(throws: RegistryError.repositoryUnknown(name)) { _ = try await tags(test) }
        }
    }

    @Test("Unfinished uploads and tags go when they expire, and are told of")
    func expiry() async throws {
        let policy = RegistryPolicy(
            tagLifetimes: [try TagLifetime("pr-*=1h")],
            // The file system's clock says when bytes came.
            uploadExpiry: .seconds(1)
        )
        try await withRegistry(policy: policy, clock: ManualClock(.now)) { test in
            let image = try ImageFixture("app")
            try await push(image, to: test, tags: ["pr-1", "latest"])
            let upload = try await test.registry.beginUpload(in: name)
            test.clock.advance(by: .seconds(3600))
            let items = try await collect(test)
            #expect(items.count == 2)
            guard case .upload(let session) = items.first, case .tag(let tag, nil) = items.last else {
                Issue.record("\(items)")
                return
            }
            #expect(session.id == upload.id && session.header?.repository == name)
            #expect(tag.tag.rawValue == "pr-1" && tag.expired != nil)
            #expect(try await tags(test) == ["latest"])
        }
    }

    /// A rule, and which of the tags stay: a is the oldest, pulled 10 days ago, and e the newest.
    private static let rules = [
        ("* last=2", "de"), ("* last=0", ""), ("* last=9", "abcde"), ("* last=1 tags=b", "be"),
        ("* last=2 tags=e", "cde"), ("* tags=a tags=c*", "ac"), ("* pushed=45d", "cde"),
        ("* pulled=11d", "a"), ("* pulled=9d", ""), ("* pulled=11d last=1", "ae"),
        ("* pushed=25d pulled=11d tags=b", "abe"), ("other last=0", "abcde"), ("* untagged=1d", "abcde"),
    ]

    @Test("A rule keeps what it names, and nothing else", arguments: rules)
    func retention(_ rule: String, _ kept: String) async throws {
        let policy = RegistryPolicy(untaggedPeriod: nil, retention: [try RetentionRule(rule)])
        try await withRegistry(policy: policy) { test in
            for tag in ["a", "b", "c", "d", "e"] {
                try await push(ImageFixture(tag), to: test, tags: [tag])
                test.clock.advance(by: Self.day * 10)
            }
            _ = try await test.registry.pullManifest(.tag(OCI.Tag("a")), in: name)
            test.clock.advance(by: Self.day * 10)
            // Days since they were pushed: 60, 50, 40, 30, 20.
            _ = try await collect(test)
            #expect(try await tags(test).joined() == kept)
        }
    }

    @Test("A pull counts for so long and no longer")
    func pulled() async throws {
        let policy = RegistryPolicy(
            grace: .seconds(1),
            retention: [try RetentionRule("* pulled=10d untagged=none")]
        )
        try await withRegistry(policy: policy) { test in
            try await push(ImageFixture("app"), to: test, tags: ["latest"])
            test.clock.advance(by: .seconds(1))
            // Never pulled, and the grace is over.
            #expect(try await collect(test).count == 1)
            try await push(ImageFixture("app"), to: test, tags: ["latest"])
            _ = try await test.registry.pullManifest(.tag(.latest), in: name)
            test.clock.advance(by: Self.day * 10 - .milliseconds(1))
            #expect(try await collect(test) == [])
            test.clock.advance(by: .milliseconds(1))
            let items = try await collect(test)
            guard case .tag(let tag, let rule) = try #require(items.first) else {
                Issue.record("\(items)")
                return
            }
            #expect(rule?.description == "* pulled=10d untagged=none")
            #expect(tag.use?.pulled != nil)
        }
    }

    @Test("What was pushed within the grace period stays, and what is immutable")
    func spared() async throws {
        let policy = RegistryPolicy(
            grace: .seconds(100),
            immutableTags: [try TagPattern("v*")],
            retention: [try RetentionRule("* last=1")]
        )
        try await withRegistry(policy: policy) { test in
            let image = try ImageFixture("app")
            try await push(image, to: test, tags: ["a", "b", "c", "v1"])
            #expect(try await collect(test) == [])
            test.clock.advance(by: .seconds(100))
            // Of those pushed at one moment the last by name is the newest.
            #expect(try await collect(test).count == 3)
            #expect(try await tags(test) == ["v1"])
            try await push(ImageFixture("second"), to: test, tags: ["d"])
            test.clock.advance(by: .seconds(100))
            #expect(try await collect(test) == [])
            #expect(try await tags(test) == ["d", "v1"])
        }
    }

    @Test("Rules look at more tags and repositories than fit on a page")
    func manyTags() async throws {
        let policy = RegistryPolicy(
            grace: .zero,
            untaggedPeriod: nil,
            retention: [try RetentionRule("* last=1200")]
        )
        try await withRegistry(policy: policy) { test in
            let image = try ImageFixture("app")
            for start in stride(from: 0, to: 2600, by: 200) {
                try await push(image, to: test, tags: (start..<(start + 200)).map { "t\(10_000 + $0)" })
                test.clock.advance(by: .seconds(1))
            }
            let totals = try await test.registry.collect()
            #expect(totals.tags == 1400)
            let page = try await test.registry.tags(of: name, after: nil, limit: 10_000)
            #expect(page.elements.first?.tag.rawValue == "t11400" && page.elements.count == 1200)
        }
    }

    @Test("A step that fails keeps no other from being taken, and is told of")
    func failingStep() async throws {
        try await withRegistry(policy: RegistryPolicy(grace: .seconds(1), uploadExpiry: .seconds(1))) {
            test in
            try await push(BlobFixture("content"), to: test)
            test.clock.advance(by: .seconds(1))
            test.files.fail(.entries, times: .max, with: EIO) { $0.hasSuffix("/uploads") }
            await #expect(throws: StorageError.self) { try await test.registry.collect() }
            #expect(try test.contents(of: "blobs/sha256").isEmpty)
            test.files.mend()
            #expect(try await test.registry.collect().isEmpty)
        }
    }

    @Test("Ends between two portions where its task is cancelled")
    func cancelled() async throws {
        try await withRegistry(policy: RegistryPolicy(grace: .seconds(1))) { test in
            for number in 0..<20 { try await push(BlobFixture("\(number)"), to: test) }
            test.clock.advance(by: .seconds(1))
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await test.registry.collect()
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try test.contents(of: "blobs/sha256").count == 20)
            #expect(try await test.registry.collect().blobs == 20)
        }
    }
}
