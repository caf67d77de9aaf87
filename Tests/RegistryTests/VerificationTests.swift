import Foundation
import NIOCore
import OCI
import Storage
import TestSupport
import Testing

@testable import Registry

/// Swift Testing has tags of its own.
private typealias Tag = OCI.Tag

/// What a walk over everything that is stored finds, and what it does about it.
@Suite("Verification")
struct VerificationTests {
    private let app = RepositoryName.test

    private func push(_ image: ImageFixture, as tag: String, _ test: TestRegistry) async throws {
        for blob in image.blobs { try await test.push(blob, to: app) }
        _ = try await test.registry.pushManifest(
            image.manifest.bytes,
            contentType: nil,
            as: .tag(try Tag(tag)),
            in: app
        )
    }

    private func path(_ blob: BlobFixture, _ test: TestRegistry) -> String {
        test.folder.file("blobs/sha256/\(blob.digest.encoded)")
    }

    /// The report, and what was told on the way but for the progress.
    private func verify(
        _ test: TestRegistry,
        _ selection: ImageSelection = .everything,
        repairs: Bool = false
    ) async throws -> (VerificationReport, [VerificationEvent]) {
        let events = Shared<[VerificationEvent]>([])
        let tell: @Sendable (VerificationEvent) -> Void = { event in
            if case .progress = event { return }
            events.update { $0.append(event) }
        }
        let report =
            repairs
            ? try await test.registry.repair(tell: tell)
            : try await test.registry.verify(selection, tell: tell)
        return (report, events.value)
    }

    @Test("Where everything is whole nothing is found, and nothing changed", arguments: [true, false])
    func whole(repairs: Bool) async throws {
        try await withRegistry { test in
            try await push(try ImageFixture("one"), as: "1", test)
            try await push(try ImageFixture("two"), as: "2", test)
            let files = try test.contents(of: "blobs/sha256")
            let (report, events) = try await verify(test, repairs: repairs)
            #expect(report.isWhole && events.isEmpty)
            #expect(report.manifests == 2 && report.blobs == 4 && report.damaged == 0)
            #expect(report.unknown == UnknownContent() && report.records.isEmpty)
            #expect(try test.contents(of: "blobs/sha256") == files)
        }
    }

    enum Damage: CaseIterable { case otherBytes, shorter, missing, unreadable }

    @Test("A damaged blob is found with its images, is nobody's, and is healed", arguments: Damage.allCases)
    func damaged(_ damage: Damage) async throws {
        try await withRegistry { test in
            let layer = BlobFixture("the layer")
            let image = try ImageFixture("app", layers: [layer])
            try await push(image, as: "1", test)
            try await push(try ImageFixture("whole"), as: "2", test)
            let path = path(layer, test)
            let kept = try Data(contentsOf: URL(filePath: path))
            switch damage {
            case .otherBytes: try Data("THE LAYER".utf8).write(to: URL(filePath: path))
            case .shorter: truncate(path, 3)
            case .missing: try FileManager.default.removeItem(atPath: path)
            case .unreadable: test.files.fail(.read, times: 2) { $0 == path }
            }
            for isNew in [true, false] {
                let (report, events) = try await verify(test)
                #expect(report.damaged == 1 && !report.isWhole && report.blobs == 4)
                guard case .finding(let finding) = events.first, events.count == 1 else {
                    Issue.record("\(events)")
                    return
                }
                #expect(finding.digest == layer.digest && finding.isNew == isNew)
                #expect(finding.uses.map(\.description) == ["\(app):1"])
                await #expect(throws: StorageError.corrupt(layer.digest)) {
                    try await test.registry.blob(layer.digest, in: app)
                }
                await #expect(throws: RegistryError.self) {
                    try await test.registry.statBlob(layer.digest, in: app)
                }
            }
            if damage == .unreadable {
                // The disk was to blame, and has thought better of it.
                let (report, events) = try await verify(test)
                #expect(report.isWhole && report.restored == 1)
                #expect(events == [.restored(layer.digest)])
            } else {
                try await test.push(layer, to: app)
                let (report, events) = try await verify(test)
                #expect(report.isWhole && events.isEmpty)
            }
            #expect(try Data(contentsOf: URL(filePath: path)) == kept)
            #expect(try await test.registry.blob(layer.digest, in: app).size == layer.size)
        }
    }

    @Test("What nobody may read says nothing about the blob")
    func notPermitted() async throws {
        try await withRegistry { test in
            let image = try ImageFixture("app")
            try await push(image, as: "1", test)
            let path = path(image.layers[0], test)
            test.files.fail(.open, with: EACCES) { $0 == path }
            let (report, _) = try await verify(test)
            #expect(report.damaged == 1)
            #expect(try await test.registry.statBlob(image.layers[0].digest, in: app) > 0)
        }
    }

    @Test("Of some images only these are read")
    func selection() async throws {
        try await withRegistry { test in
            let shared = BlobFixture("shared")
            let images = try (0..<3).map { number in
                try ImageFixture("\(number)", layers: [shared, BlobFixture("layer \(number)")])
            }
            for (number, image) in images.enumerated() { try await push(image, as: "\(number)", test) }
            let parts: [ImageSelection.Part] = [.tag(app, try Tag("0")), .tag(app, try Tag("1"))]
            for image in images { truncate(path(image.layers[1], test), 1) }
            let (report, events) = try await verify(test, ImageSelection(parts))
            #expect(report.manifests == 2 && report.blobs == 5 && report.damaged == 2)
            #expect(report.unknown == nil)
            #expect(events.count == 2)
            // A second look finds what is quarantined by now.
            #expect(try await verify(test, ImageSelection(parts)).0.damaged == 2)
            #expect(try await verify(test).0.damaged == 3)
            await #expect(throws: ExportError.unknown(.tag(app, try Tag("9")))) {
                try await verify(test, ImageSelection([.tag(app, try Tag("9"))]))
            }
        }
    }

    @Test("An export of what is quarantined fails, rather than hand on damaged bytes")
    func export() async throws {
        try await withTemporaryFolder { folder in
            try await withRegistry { test in
                let image = try ImageFixture("app")
                try await push(image, as: "1", test)
                let path = path(image.layers[0], test)
                try Data(repeating: 0, count: image.layers[0].bytes.count).write(to: URL(filePath: path))
                _ = try await verify(test)
                await #expect(throws: StorageError.corrupt(image.layers[0].digest)) {
                    try await test.registry.export(.everything, to: folder.file("layout"))
                }
            }
        }
    }

    // MARK: Repair

    @Test("Files without records: those that images need have one again, the others go in time")
    func unknownContent() async throws {
        let sparse = RegistryPolicy(
            grace: .seconds(1000),
            sparseRepositories: [try NamePattern(repositories: "*")]
        )
        try await withRegistry(policy: sparse) { test in
            test.clock.move(to: .now)
            let image = try ImageFixture("app")
            _ = try await test.registry.pushManifest(
                image.manifest.bytes,
                contentType: nil,
                as: .tag(.latest),
                in: app
            )
            let stranger = BlobFixture("stranger")
            let torn = image.configuration
            try Data(image.layers[0].bytes).write(to: URL(filePath: path(image.layers[0], test)))
            try Data(stranger.bytes).write(to: URL(filePath: path(stranger, test)))
            try Data("{".utf8).write(to: URL(filePath: path(torn, test)))

            let (told, _) = try await verify(test)
            #expect(told.unknown?.count == 3 && told.unknown?.adopted == 0)
            #expect(try test.contents(of: "blobs/sha256").count == 3)

            let (report, events) = try await verify(test, repairs: true)
            #expect(report.unknown?.adopted == 1 && report.unknown?.removed == 0)
            #expect(events == [.adopted(image.layers[0].digest)])
            #expect(!test.files.isAtRisk(path(image.layers[0], test)))
            let blob = try await test.registry.blob(image.layers[0].digest, in: app)
            #expect(blob.size == image.layers[0].size)

            test.clock.advance(by: .seconds(2000))
            let (last, _) = try await verify(test, repairs: true)
            #expect(last.unknown?.removed == 1)
            // What an image needs stays, though nothing can be made of it.
            #expect(
                try test.contents(of: "blobs/sha256")
                    == [image.layers[0].digest.encoded, torn.digest.encoded].sorted()
            )
        }
    }

    // MARK: In the background

    @Test("The scrub finds what is damaged, goes on where it stopped, and rests for a day")
    func scrub() async throws {
        try await withRegistry { test in
            let images = try (0..<5).map { try ImageFixture("\($0)") }
            for (number, image) in images.enumerated() { try await push(image, as: "\(number)", test) }
            truncate(path(images[4].layers[0], test), 1)
            func reads(_ body: () async throws -> Void) async throws -> Int {
                let before = test.files.count(of: .evict)
                try await body()
                return test.files.count(of: .evict) - before
            }
            let rate: Int64 = 1 << 40
            #expect(try await reads { try await test.registry.scrub(rate: rate) } == 10)
            await #expect(throws: StorageError.corrupt(images[4].layers[0].digest)) {
                try await test.registry.blob(images[4].layers[0].digest, in: app)
            }
            #expect(try await reads { try await test.registry.scrub(rate: rate) } == 0)
            test.clock.advance(by: .seconds(24 * 3600))
            // From where another process left off.
            let third = try await test.storage.catalog.storedBlobs(after: nil, limit: 3)[2].record.id
            try await test.storage.catalog.saveScrubProgress(
                ScrubProgress(begun: test.clock.now, last: third, isDone: false)
            )
            #expect(try await reads { try await test.registry.scrub(rate: rate) } == 7)
            let progress = try await test.storage.catalog.scrubProgress()
            #expect(progress == ScrubProgress(begun: test.clock.now, last: nil, isDone: true))
        }
    }

    @Test("A scrub that is told to stop stops, however slow it is")
    func scrubStops() async throws {
        try await withRegistry { test in
            try await push(try ImageFixture("app"), as: "1", test)
            let registry = test.registry
            let scrub = Task { try await registry.scrub(rate: 1) }
            scrub.cancel()
            await #expect(throws: CancellationError.self) { try await scrub.value }
        }
    }
}
